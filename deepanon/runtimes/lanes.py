"""Threads that draw at the same time, each with its share of the processor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from deepanon.runtimes.engine import Draw, Inputs
from deepanon.threads import compute_with


class Lanes:
    """`streams` threads, each of which computes with `each` threads of PyTorch's."""

    def __init__(self, streams: int, each: int) -> None:
        self.pool = ThreadPoolExecutor(streams, "deepanon-lane", compute_with, (each,))

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
