"""One thing being made while the one before is used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
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
