"""Work spread over processes that outlives the death of one of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_end
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 3  # tasks handed out for each process, so that none waits


def in_processes(
    work: Callable[[T], R], tasks: Sequence[T], workers: int, prepare: Callable[[], None] | None = None
) -> Iterator[tuple[T, R | None]]:
    """Yield (task, its result) as they finish, in any order; the result is None if the task killed its process.

    `prepare` is called once in every process. It, `work` and the tasks must be picklable; an exception in `work` ends
    everything. The processes end when this one does, however it ends.
    """
    todo = list(reversed(tasks))
    while todo:
        lost = yield from _until_a_death(work, todo, workers, AHEAD * workers, prepare)
        while lost:  # which of them was it? one at a time tells
            for task in (yield from _until_a_death(work, lost, 1, 1, prepare)):
                yield task, None


def _until_a_death(
    work: Callable[[T], R], todo: list[T], workers: int, ahead: int, prepare: Callable[[], None] | None
) -> Generator[tuple[T, R | None], None, list[T]]:
    """Take tasks from the end of `todo` until it is empty or a process dies; returns those that were under way then."""
    flying: dict[Future[R], T] = {}
    context = multiprocessing.get_context("spawn")  # a forked torch can hang
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(prepare,))
    try:
        while todo or flying:
            while todo and len(flying) < ahead:
                flying[pool.submit(work, todo[-1])] = todo[-1]
                todo.pop()
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                result = future.result()
                yield flying.pop(future), result
    except BrokenProcessPool:
        return list(flying.values())
    finally:
        pool.shutdown(cancel_futures=True)
    return []


def _begin(prepare: Callable[[], None] | None) -> None:
    """Make a new process deaf to Ctrl-C (the parent decides) and mortal with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if prepare is not None:
        prepare()


def single_threaded() -> None:
    """Let torch and OpenCV compute on one thread in this process, so that results do not depend on their number."""
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)
