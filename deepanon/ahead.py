"""Things being made while the ones before are used."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from deepanon.threads import compute_with

T = TypeVar("T")


def ahead(source: Iterable[T], size: int = 4, single: bool = False) -> Generator[T, None, None]:
    """Yield what `source` yields, in order, from a thread that is at most `size` items ahead.

    An exception of `source` is raised here, after what came before it. When the caller closes
    it, the thread has ended.

    Args:
        source: what is made.
        size: how far ahead.
        single: whether PyTorch starts no threads of its own in this one: for many small operations beside other work,
            whose processors they would take for waiting.
    """
    waiting: queue.Queue[tuple[bool, object]] = queue.Queue(size)
    stop = threading.Event()

    def put(item: tuple[bool, object]) -> None:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        try:
            if single:
                compute_with(1)
            for item in source:
                put((True, item))
                if stop.is_set():
                    return
        except BaseException as error:  # it belongs to whoever asked
            put((False, error))
        else:
            put((False, None))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            more, item = waiting.get()
            if not more:
                if isinstance(item, BaseException):
                    raise item
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


def side_by_side(calls: Iterable[Callable[[], T]], threads: int, size: int = 4) -> Generator[T, None, None]:
    """Yield what `calls` return, in order, while up to `threads` of them run, for which PyTorch starts no more threads.

    Calls are begun in order. An exception, of one of them or of the iterator, is raised here after what came before
    it. When the caller closes it, the threads have ended, and what was not begun is not called any more.

    Args:
        calls: what makes the things; each is taken when there is room for it.
        threads: that call.
        size: how many calls may have begun or wait for that.
    """
    source, waiting = iter(calls), deque[Future[T]]()
    over: BaseException | None = None
    pool = ThreadPoolExecutor(threads, "deepanon-ahead", compute_with, (1,))
    try:
        while True:
            while over is None and len(waiting) < size:
                try:
                    waiting.append(pool.submit(next(source)))
                except Exception as error:  # it belongs after what came before it
                    over = error
            if not waiting:
                break
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
    if over is not None and not isinstance(over, StopIteration):
        raise over
