"""Whether a precision is worth what it changes: it must be faster on this machine."""

from __future__ import annotations

import time

import torch

from deepanon.errors import OptionError
from deepanon.runtimes.engine import Draw, Engine, example
from deepanon.runtimes.pace import Pace, PaceBook
from deepanon.runtimes.precision import FLOAT32

ROUNDS = 10  # each; the least counts, so that other work on the machine does not


def check_worth(engine: Engine, draw: Draw, book: PaceBook, key: str, threads: int, faces: int = 1) -> None:
    """Measure an engine beside the same in float32, once: that it is faster is kept, so that later runs do the same.

    Args:
        engine: of another precision than float32.
        draw: what it draws with.
        book: where that is kept.
        key: under which, see `runtime.pace_key`.
        threads: of a call.
        faces: of a call.

    Raises:
        OptionError: it takes as long as float32, or longer; or see `Engine`.
    """
    key = f"{key}; faster than {FLOAT32}"
    if book.seconds(key) is not None:
        return
    own, plain = least([draw, type(engine)(engine.loaded).opened(threads)], engine, faces)
    if own >= plain:
        raise OptionError(
            f"{engine.precision} is not faster than {FLOAT32} on this machine with runtime {engine.name}: "
            f"{1000 * own:.1f} ms a face instead of {1000 * plain:.1f}; leave the precision out"
        )
    book.put(key, Pace(faces), own)


@torch.inference_mode()
def least(draws: list[Draw], engine: Engine, faces: int) -> list[float]:
    """Least seconds a face of each, in turns, after one that warms up."""
    context, mask, keypoints, z = (one.repeat(faces, *[1] * (one.ndim - 1)) for one in example(engine.loaded))
    best = [float("inf")] * len(draws)
    for turn in range(ROUNDS + 1):
        for row, draw in enumerate(draws):
            began = time.perf_counter()
            draw((context, mask, keypoints, z))
            if turn:
                best[row] = min(best[row], (time.perf_counter() - began) / faces)
    return best
