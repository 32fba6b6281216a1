"""Measuring a pace: the same faces drawn in several ways, in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from deepanon.runtimes.engine import Engine, Inputs, example
from deepanon.runtimes.pace import Pace

FACES = 8  # at least, drawn in each round
HOPELESS = 1.5  # times the best: not measured further


def paces(engine: Engine, threads: int) -> list[Pace]:
    """All that makes sense: one call with all threads, or as many calls as threads, or half of that."""
    streams = sorted({1, max(1, threads // 2), threads})
    return [Pace(batch, count) for batch in engine.batches for count in streams]


def measured(
    draw: Callable[[Pace, Inputs], Tensor], engine: Engine, threads: int, rounds: int = 3
) -> dict[Pace, float]:
    """Median seconds a face of each pace; what is far from the best is left out after a round.

    Args:
        draw: draws at a pace.
        engine: of which generator.
        threads: that may be used.
        rounds: how often; one before them is judged, and not counted.
    """
    count = max(FACES, threads)
    inputs = _repeated(example(engine.loaded), count)
    times: dict[Pace, list[float]] = {pace: [] for pace in paces(engine, threads)}
    for pace in times:  # some runtimes compile what is asked of them for the first time
        draw(pace, inputs)
    for _ in range(rounds + 1):
        for pace, own in times.items():
            start = time.perf_counter()
            draw(pace, inputs)
            own.append((time.perf_counter() - start) / count)
        best = min(own[-1] for own in times.values())
        times = {pace: own for pace, own in times.items() if own[-1] <= HOPELESS * best}
    return {pace: statistics.median(own[1:]) for pace, own in times.items()}


def _repeated(inputs: Inputs, count: int) -> Inputs:
    context, mask, keypoints, z = inputs
    repeated = (one.expand(count, *one.shape[1:]).contiguous() for one in (context, mask, keypoints))
    first, second, third = repeated
    return first, second, third, torch.randn(count, *z.shape[1:], generator=torch.Generator().manual_seed(1))
