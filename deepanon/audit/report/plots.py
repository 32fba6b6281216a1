"""Plots of an audit: who is found within which rank, and which errors a system must choose between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from deepanon.evaluation.report.numbers import SPACE
from deepanon.evaluation.report.svg import Svg, shortened

WIDTH, LEFT, TOP, RIGHT, BOTTOM = 380.0, 44.0, 26.0, 368.0, 256.0
KINDS = ("first", "second", "third", "naive", "other")  # what sets a line apart: how strong its attack is
NAMED = KINDS[:4]
POINTS = {"other": 24}  # of a line at most; one that stands for its crowd needs few
MOST = 72
SHARES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)  # ticks of a DET plot
ENDS = (0.0008, 0.993)

Axis = Callable[[float], float]


@dataclass(frozen=True)
class Line:
    """One attack: its name, the number beside it in the legend, its points, and one of `KINDS`."""

    label: str
    number: str
    points: Sequence[tuple[float, float]]
    kind: str


def rank_plot(lines: Sequence[Line], title: str, chance: float = math.nan) -> str:
    """CMC: rank on a logarithmic axis, share of probes found within it; dashed: a blind guess."""
    last = max((x for line in lines for x, _ in line.points), default=10.0)
    last = max(last, 2.0)

    def across(rank: float) -> float:
        return LEFT + (RIGHT - LEFT) * math.log(max(rank, 1)) / math.log(last)

    def up(share: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * min(max(share, 0), 1)

    svg = _begun(lines, title, "found within this rank", "rank (people looked at)")
    for tick in _ranks(last):
        _tick_x(svg, across(tick), f"{tick:g}")
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        _tick_y(svg, up(share), f"{share:.0%}".replace("%", f"{SPACE}%"))
    if math.isfinite(chance):
        ranks = [last ** (step / 30) for step in range(31)]
        svg.path([(across(rank), up(rank * chance)) for rank in ranks], "line guess")
    _draw(svg, lines, across, up, "a blind guess" if math.isfinite(chance) else "")
    return str(svg)


def det_plot(lines: Sequence[Line], title: str) -> str:
    """DET: false accepts against false rejects, both axes as normal deviates; dashed: where both are equal."""
    across, up = _deviate(LEFT, RIGHT), _deviate(BOTTOM, TOP)
    svg = _begun(lines, title, "false rejects", "false accepts")
    for share in SHARES:
        text = f"{share * 100:g}{SPACE}%"
        _tick_x(svg, across(share), text if share not in (0.05, 0.95) else "")
        _tick_y(svg, up(share), text)
    svg.path([(across(share), up(share)) for share in ENDS], "line guess")
    _draw(svg, lines, across, up, "both errors equal (EER)")
    return str(svg)


def _begun(lines: Sequence[Line], title: str, up: str, across: str) -> Svg:
    named = sum(line.kind in NAMED for line in lines)
    others = any(line.kind not in NAMED for line in lines)
    svg = Svg(WIDTH, BOTTOM + 48 + 17 * (named + others + 1), title)
    svg.text(LEFT, 12, up, "start", 11, "strong")
    svg.text(RIGHT, BOTTOM + 32, across, "end", 11, "strong")
    return svg


def _tick_x(svg: Svg, x: float, text: str) -> None:
    svg.line(x, TOP, x, BOTTOM, "grid")
    if text:
        svg.text(x, BOTTOM + 15, text, "middle", 10, "soft")


def _tick_y(svg: Svg, y: float, text: str) -> None:
    svg.line(LEFT, y, RIGHT, y, "grid")
    svg.text(LEFT - 6, y + 3.5, text, "end", 10, "soft")


def _draw(svg: Svg, lines: Sequence[Line], across: Axis, up: Axis, dashed: str) -> None:
    """Lines, the strongest on top, and below them who is who."""
    for line in sorted(lines, key=lambda line: -KINDS.index(line.kind)):
        places = [(across(x), up(y)) for x, y in line.points if math.isfinite(x) and math.isfinite(y)]
        if len(places) > 1:
            svg.path(_thinned(places, POINTS.get(line.kind, MOST)), f"line {line.kind}")
    rows = [(line.kind, line.label, line.number) for line in lines if line.kind in NAMED]
    others = [line for line in lines if line.kind not in NAMED]
    if others:
        rows.append(("other", f"{len(others)} other {'attack' if len(others) == 1 else 'attacks'}", ""))
    if dashed:
        rows.append(("guess", dashed, ""))
    for at, (kind, label, number) in enumerate(rows):
        y = BOTTOM + 54 + 17 * at
        svg.line(LEFT, y - 4, LEFT + 24, y - 4, f"line {kind}")
        svg.text(LEFT + 32, y, shortened(label, RIGHT - LEFT - 92, 11), "start", 11, "ink")
        if number:
            svg.text(RIGHT, y, number, "end", 11, "number")


def _thinned(places: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """First, last and those between that lie at least so far apart on the plot."""
    apart = (RIGHT - LEFT + BOTTOM - TOP) / most
    kept = places[:1]
    for x, y in places[1:-1]:
        if abs(x - kept[-1][0]) + abs(y - kept[-1][1]) >= apart:
            kept.append((x, y))
    return kept + places[-1:]


def _deviate(start: float, end: float) -> Axis:
    """From a share to its place on an axis of normal deviates."""
    normal = NormalDist()
    low, high = (normal.inv_cdf(share) for share in ENDS)

    def place(share: float) -> float:
        return start + (normal.inv_cdf(min(max(share, ENDS[0]), ENDS[1])) - low) / (high - low) * (end - start)

    return place


def _ranks(last: float) -> list[int]:
    """1, 2, 5, 10, … up to the last rank."""
    return [times * 10**power for power in range(6) for times in (1, 2, 5) if times * 10**power <= last]
