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


def in_processes(work: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[tuple[T, R | None]]:
    """Yield (task, its result) as they finish, in any order; the result is None if the task killed its process.

    Every process computes on one thread, so that results do not depend on how many there are. `work` and the tasks must
    be picklable; an exception in `work` ends everything. The processes end when this one does, however it ends.
    """
    todo = list(reversed(tasks))
    while todo:
        lost = yield from _until_a_death(work, todo, workers)
        for task in lost:  # which of them was it? each alone tells
            if (yield from _until_a_death(work, [task], 1)):
                yield task, None


def _until_a_death(work: Callable[[T], R], todo: list[T], workers: int) -> Generator[tuple[T, R | None], None, list[T]]:
    """Take tasks from the end of `todo` until it is empty or a process dies; returns those that were under way then."""
    flying: dict[Future[R], T] = {}
    context = multiprocessing.get_context("spawn")  # a forked torch can hang
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare)
    try:
        while todo or flying:
            while todo and len(flying) < AHEAD * workers:
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


def _prepare() -> None:
    """Make a new process single-threaded, deaf to Ctrl-C (the parent decides), and mortal with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    single_threaded()


def single_threaded() -> None:
    """Let torch and OpenCV compute on one thread in this process."""
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)
