"""What goes along with each track, from frame to frame."""

from __future__ import annotations

import threading
from types import TracebackType

from deepanon.films.carried import Carried, Drawing


class Turn:
    """One frame's turn on a trail: within `with turn:` the calling thread draws that frame.

    Frames may be drawn side by side: the first face that is to be carried waits until the frame before is done.
    """

    def __init__(self, trail: Trail, frame: int, before: Turn | None) -> None:
        self._trail, self._frame, self._before = trail, frame, before
        self._done = threading.Event()
        self.carried: dict[int, Carried | None] = {}

    def __enter__(self) -> Turn:
        self._trail.here.turn = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._before = None  # or every frame would keep all before it
        self._done.set()
        del self._trail.here.turn

    def last(self, seed: int) -> Carried | None:
        """What the frame before has left of a track; nothing if there is a gap between the two."""
        before = self._before
        if before is None:
            return None
        before._done.wait()
        return before.carried.get(seed) if before._frame == self._frame - 1 else None


class Trail:
    """What goes along with each track, by its seed.

    What the last frame did not draw is forgotten, so that nothing is carried across a gap or a cut, and memory does not
    grow.

    Args:
        carried: what decides how long a drawing goes along.

    Attributes:
        here: `here.turn` is the turn of this thread.
    """

    def __init__(self, carried: type[Carried] = Carried) -> None:
        self._carried = carried
        self._newest: Turn | None = None
        self.here = threading.local()

    def turn(self, frame: int) -> Turn:
        """The turn of the frame of that number; frames get theirs in order, and each must take it."""
        self._newest = Turn(self, frame, self._newest)
        return self._newest

    def forget(self) -> None:
        """Begin anew with the next frame, whatever its number."""
        self._newest = None

    def follow(self, seed: int, drawing: Drawing) -> Drawing:
        """What becomes of the next drawing of a track, in the frame whose turn it is in this thread.

        If a track has two faces in one frame, which a file that was edited can say, nothing is carried on from either.
        """
        turn: Turn = self.here.turn
        last = turn.last(seed)
        made, carried = (drawing, self._carried(drawing, drawing.sight)) if last is None else last.into(drawing)
        turn.carried[seed] = None if seed in turn.carried else carried
        return made
