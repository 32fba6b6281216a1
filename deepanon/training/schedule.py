"""The growth schedule in numbers: steps and work of each phase, before and while it is trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from deepanon.models import Discriminator, Generator, Growth, Phase

PASSES = 3, 12  # forward passes' worth of work in one step: generator; discriminator, with a gradient penalty


@dataclass(frozen=True)
class Timing:
    """What an image of a phase costs.

    Attributes:
        seconds: an image, of all that a step does.
        batch_size: of the steps that were timed; 0 where none was and the number follows from another phase's.
    """

    seconds: float
    batch_size: int


@dataclass(frozen=True)
class Part:
    """The fade of a phase, or what comes after it.

    Attributes:
        index: of the phase.
        phase: to which it belongs.
        fading: whether `alpha` rises in it.
        images: seen in it.
        steps: batches that begin in it.
    """

    index: int
    phase: Phase
    fading: bool
    images: int
    steps: int


def parts(growth: Growth) -> list[Part]:
    """The schedule in parts, one after the other; a part without images is left out."""
    found, seen, end = [], 0, 0
    for index, phase in enumerate(growth.phases):
        for fading, images in ((True, phase.fade), (False, phase.stable)):
            end += images
            steps = max(0, -(-(end - seen) // phase.batch_size))
            seen += steps * phase.batch_size
            if images:
                found.append(Part(index, phase, fading, images, steps))
    return found


def work(generator: Generator, discriminator: Discriminator, growth: Growth) -> list[float]:
    """Multiplications and additions that training on one image takes in each phase, roughly; nothing is computed."""
    networks = [copy.deepcopy(network).to("meta") for network in (generator, discriminator)]
    return [
        sum(factor * _flops(network, phase.resolution) for network, factor in zip(networks, PASSES, strict=True))
        for phase in growth.phases
    ]


def _flops(network: Any, size: int) -> float:
    image, mask = torch.empty(1, 3, size, size, device="meta"), torch.empty(1, 1, size, size, device="meta")
    keypoints = torch.empty(1, network.keypoints, 2, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        if isinstance(network, Generator):
            network(image, mask, keypoints, torch.empty(1, network.noise, 4, 4, device="meta"))
        else:
            network(image, image, mask, keypoints)
    return float(counter.get_total_flops())


class Progress:
    """How much of the work of a schedule is done after so many images, when phases cost differently.

    Args:
        growth: the schedule.
        costs: of an image in each phase, in any unit.
    """

    def __init__(self, growth: Growth, costs: Sequence[float]) -> None:
        self.growth, self.costs = growth, tuple(costs)

    def done(self, images_seen: int) -> float:
        """Work done after `images_seen` images."""
        total, left = 0.0, min(images_seen, self.growth.total_images)
        for phase, cost in zip(self.growth.phases, self.costs, strict=True):
            total += cost * min(left, phase.images)
            left -= min(left, phase.images)
        return total

    def left(self, images_seen: int) -> float:
        """Work still to do."""
        return self.done(self.growth.total_images) - self.done(images_seen)


def table(growth: Growth, timings: Sequence[Timing], warmup_images: int = 0) -> str:
    """The schedule as text: a line for each fade and each stable part, how long it takes, the sum, how it was timed.

    Args:
        growth: the schedule.
        timings: what an image costs, by phase.
        warmup_images: so many of the first are learnt without the discriminator, which the times do not allow for.
    """
    rows: list[tuple[str, ...]] = [("phase", "px", "alpha", "batch", "images", "so far", "steps", "ms/image", "time")]
    total, steps, seconds = 0, 0, 0.0
    for part in parts(growth):
        timing, phase = timings[part.index], part.phase
        took, milliseconds = timing.seconds * part.images, timing.seconds * 1000
        total, steps, seconds = total + part.images, steps + part.steps, seconds + took
        place = f"{part.index + 1}", f"{phase.resolution}", "0 to 1" if part.fading else "1", f"{phase.batch_size}"
        each = f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"
        rows.append((*place, f"{part.images:,}", f"{total:,}", f"{part.steps:,}", each, duration(took)))
    rows.append(("", "", "", "", f"{total:,}", "", f"{steps:,}", "", duration(seconds)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    notes = [_note(n, p.batch_size, t) for n, (p, t) in enumerate(zip(growth.phases, timings, strict=True), 1)]
    if warmup_images:
        notes.append(f"the first {warmup_images:,} images warm up and cost about a third of what is said here")
    return "\n".join([*lines, *(note for note in notes if note)])


def _note(number: int, batch_size: int, timing: Timing) -> str:
    if not timing.batch_size:
        return f"phase {number} was not timed: its time follows from its multiplications and the phase before"
    if timing.batch_size < batch_size:
        return f"phase {number} was timed with batches of {timing.batch_size}; larger ones may be faster an image"
    return ""


def duration(seconds: float) -> str:
    """Seconds as people say them: 59 s, 3 min 20 s, 5 h 03 min, 12 days 4 h."""
    s = round(seconds)
    if s < 60:
        return f"{s} s"
    if s < 3600:
        return f"{s // 60} min {s % 60:02d} s"
    if s < 86400:
        return f"{s // 3600} h {s % 3600 // 60:02d} min"
    return f"{s // 86400} day{'s' * (s >= 2 * 86400)} {s % 86400 // 3600} h"
