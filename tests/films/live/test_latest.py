"""A source that does not wait: the newest pictures, the others counted, and no thread left."""

import threading
import time

import pytest

from deepanon.errors import FilmError
from deepanon.films.frames import Frame
from deepanon.films.live import latest
from deepanon.films.live.latest import Latest


def numbered(count, before=lambda index: None):
    for index in range(count):
        before(index)
        yield Frame(index, index, 1, None)


def test_nothing_is_dropped_from_who_is_slow_enough():
    taken = threading.Semaphore(1)
    with Latest(numbered(20, lambda index: taken.acquire(timeout=20))) as frames:
        got = []
        for frame in frames:
            got.append(frame.index)
            taken.release()
    assert got == list(range(20))
    assert frames.dropped == 0


def test_the_oldest_are_dropped_and_counted():
    done = threading.Event()

    def all_read():
        yield from numbered(50)
        done.set()

    with Latest(all_read(), size=3) as frames:
        assert done.wait(20)
        assert [frame.index for frame in frames] == [47, 48, 49]
    assert frames.dropped == 47


def test_an_error_is_raised_after_what_came_before_it():
    def gone():
        yield from numbered(2)
        raise FilmError("unplugged")

    got = []
    with Latest(gone()) as frames, pytest.raises(FilmError, match="unplugged"):
        got.extend(frame.index for frame in frames)
    assert got == [0, 1]


def test_who_leaves_early_leaves_no_thread():
    """The fixture of all these tests looks for threads; here the source would go on for ever."""

    def endless():
        index = 0
        while True:
            yield Frame(index, index, 1, None)
            index += 1
            time.sleep(0.001)

    with Latest(endless()) as frames:
        assert next(iter(frames)).index >= 0
    assert "camera" not in {thread.name for thread in threading.enumerate()}


def test_it_ends_though_no_picture_comes(monkeypatch):
    """Whoever asks to end is heard, and a driver that does not come back is not waited for."""
    monkeypatch.setattr(latest, "PATIENCE", 0.1)
    stalled = threading.Event()
    with Latest(numbered(9, lambda index: stalled.wait(60) if index == 2 else None), stop=lambda: True) as frames:
        assert len(list(frames)) <= 2
        thread = frames._thread
    assert thread.daemon  # it cannot keep the process
    stalled.set()
    thread.join(20)
    assert not thread.is_alive()


def test_the_thread_does_not_spin():
    waiting = threading.Event()
    with Latest(numbered(2, lambda index: waiting.wait(20) if index else None)) as frames:
        took = iter(frames)
        next(took)
        before = time.process_time()
        timer = threading.Timer(0.5, waiting.set)
        timer.start()
        next(took)
        assert time.process_time() - before < 0.3
    timer.join()
