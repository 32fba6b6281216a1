"""Threads that draw at the same time, each with its share of the processor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from deepanon.runtimes.engine import Draw, Inputs


class Lanes:
    """`streams` threads, each of which computes with `each` threads of PyTorch's.

    PyTorch's thread count belongs to a thread, but new threads take the one that was set last anywhere: it is set back
    once all lanes have theirs.
    """

    def __init__(self, streams: int, each: int) -> None:
        before, ready = torch.get_num_threads(), threading.Barrier(streams + 1)
        self.pool = ThreadPoolExecutor(streams, "deepanon-lane")

        def begin() -> None:
            torch.get_num_threads()  # a thread takes the common count when it first asks: not later, over what is set
            torch.set_num_threads(each)
            ready.wait()

        for _ in range(streams):
            self.pool.submit(begin)
        ready.wait()
        torch.set_num_threads(before)

    def draw(self, draw: Draw, parts: Sequence[Inputs]) -> list[Tensor]:
        """What `draw` makes of each part, in order; the first error of any is raised when all have ended."""
        waiting = [self.pool.submit(_inferred, draw, part) for part in parts]
        done = [one.exception() for one in waiting]
        for error in filter(None, done):
            raise error
        return [one.result() for one in waiting]

    def close(self) -> None:
        """End the threads."""
        self.pool.shutdown()


@torch.inference_mode()
def _inferred(draw: Callable[[Inputs], Tensor], part: Inputs) -> Tensor:
    return draw(part)
