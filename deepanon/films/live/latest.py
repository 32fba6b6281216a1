"""The newest pictures of a source that does not wait."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator

from deepanon.films.frames import Frame

SIZE = 2  # pictures that wait to be taken
PATIENCE = 15.0  # seconds for which a read that has begun is waited for at the end; drivers give up after 10


class Latest:
    """Reads frames in a thread, and drops the oldest that nobody has taken; a context manager and an iterator.

    When the block is left the thread has ended, unless a driver does not come back from a read: it is left to itself
    then, and dies with the process. An exception of the frames is raised to whoever takes them, after those that came
    before it.

    Args:
        frames: to read, in the thread.
        stop: asked now and then while no picture comes whether to end.
        size: how many may wait.

    Attributes:
        dropped: how many were dropped so far.
    """

    def __init__(self, frames: Iterator[Frame], stop: Callable[[], bool] = lambda: False, size: int = SIZE) -> None:
        self._frames, self._stop, self._size, self.dropped = frames, stop, size, 0
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._stopped, self._ended = False, False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)

    def __enter__(self) -> Latest:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._changed:
            self._stopped = True
        self._thread.join(PATIENCE)
        self._waiting.clear()

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._take()) is not None:
            yield frame

    def _take(self) -> Frame | None:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait(1.0)  # not for ever: an interrupt must be heard on every system
                if not self._waiting and self._stop():
                    return None
            if self._waiting:
                return self._waiting.popleft()
        if self._error is not None:
            raise self._error
        return None

    def _work(self) -> None:
        try:
            for frame in self._frames:
                with self._changed:
                    if self._stopped:
                        return
                    if len(self._waiting) == self._size:
                        self._waiting.popleft()
                        self.dropped += 1
                    self._waiting.append(frame)
                    self._changed.notify()
        except BaseException as error:  # it belongs to whoever takes the frames
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()
