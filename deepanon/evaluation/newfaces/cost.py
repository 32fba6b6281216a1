"""How large and how fast a generator is, beside the paper's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from deepanon.models import DeepPrivacyGenerator, Generator
from deepanon.weights import DEFAULT, load_generator, model_path

PAPERS_WIDTHS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128}  # 46.9 M parameters


@dataclass(frozen=True)
class Cost:
    """What a generator takes.

    Attributes:
        megabytes: of its file.
        load_seconds: from the file to a network that can draw.
        face_seconds: a face, one at a time.
        paper_seconds: the same of DeepPrivacy's 46.9 M parameter generator, measured in turns with it.
    """

    megabytes: float
    load_seconds: float
    face_seconds: float
    paper_seconds: float


def measure_cost(model: str | Path = DEFAULT, repeats: int = 9) -> Cost:
    """Time a generator on the CPU, in turns with the paper's large one; medians, one face at a time.

    Args:
        model: name of a bundled generator, or path of a file.
        repeats: how often each is run.
    """
    path = model_path(model)
    loads = [_seconds(lambda: load_generator(path)) for _ in range(3)]
    networks = load_generator(path).network, _papers()
    runs = [_drawing(network) for network in networks]
    times: list[list[float]] = [[], []]
    for turn in range(repeats + 1):
        for own, run in zip(times, runs, strict=True):
            seconds = _seconds(run)
            if turn:  # the first warms up
                own.append(seconds)
    face, papers = (statistics.median(own) for own in times)
    return Cost(path.stat().st_size / 1e6, statistics.median(loads), face, papers)


def _papers() -> Generator:
    return DeepPrivacyGenerator(128, PAPERS_WIDTHS, keypoints=7, mask_channel=False, composite=False).eval()


def _drawing(network: Generator) -> Callable[[], object]:
    size = network.resolution
    given = torch.zeros(1, 3, size, size), torch.ones(1, 1, size, size), torch.full((1, network.keypoints, 2), 0.5)
    z = torch.zeros(1, network.noise, 4, 4)

    def draw() -> object:
        with torch.inference_mode():
            return network(*given, z)

    return draw


def _seconds(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start
