"""Plots of a report: dots with whiskers, retention against re-identification, curves over bins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deepanon.evaluation.report.labels import Box, place
from deepanon.evaluation.report.numbers import SPACE, bare
from deepanon.evaluation.report.scale import Scale, around
from deepanon.evaluation.report.svg import Svg, shortened, width_of, wrapped

WIDTH, NAMES, NUMBERS, LINE = 380, 112, 44, 27  # of a dot plot: all of it, names, numbers, height of a row
NAME = 150  # room for the name of a point
UNIT = {"share": f"{SPACE}%", "degrees": "°", "pixels": f"{SPACE}px"}


@dataclass(frozen=True)
class Dot:
    """One row of a dot plot; `paper` is what was printed, NaN if nothing was."""

    label: str
    value: float
    low: float
    high: float
    kind: str = ""
    paper: float = math.nan


@dataclass(frozen=True)
class Point:
    """One point of a scatter plot with both intervals, each (value, low, high)."""

    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    kind: str = ""


@dataclass(frozen=True)
class Curve:
    """(value, low, high) for every bin, NaN where a bin is empty."""

    label: str
    values: Sequence[tuple[float, float, float]]


def dot_plot(dots: Sequence[Dot], title: str, unit: str, signed: bool = False) -> str:
    """One row a method: a point, its 95 % interval, its number; a diamond where the paper printed one."""
    top, bottom = 10, 10 + LINE * len(dots)
    svg = Svg(WIDTH, bottom + 30, title)
    ends = [end for dot in dots for end in (dot.value, dot.low, dot.high, dot.paper)]
    scale = around(ends + ([0.0] if signed else []), NAMES + 12, WIDTH - NUMBERS - 8, unit == "share" and not signed)
    _grid_x(svg, scale, top, bottom, unit, signed)
    if signed:
        svg.line(scale(0), top, scale(0), bottom, "zero")
    for row, dot in enumerate(dots):
        _row(svg, dot, top + LINE * (row + 0.5), scale, unit, signed)
    return str(svg)


def _row(svg: Svg, dot: Dot, y: float, scale: Scale, unit: str, signed: bool) -> None:
    name = wrapped(dot.label, NAMES, 11)
    for at, line in enumerate(name):
        svg.text(NAMES, y + 4 + (at - (len(name) - 1) / 2) * 11.5, line, "end", 11, "ink" if not dot.kind else "soft")
    if math.isfinite(dot.paper):
        svg.mark(scale(dot.paper), y, "paper")
    if math.isfinite(dot.low) and math.isfinite(dot.high):
        svg.line(scale(dot.low), y, scale(dot.high), y, "whisker")
        for end in (dot.low, dot.high):
            svg.line(scale(end), y - 3.5, scale(end), y + 3.5, "whisker")
    if math.isfinite(dot.value):
        svg.mark(scale(dot.value), y, dot.kind)
    svg.text(WIDTH, y + 4, bare(dot.value, unit, signed), "end", 11, "number")


def _grid_x(svg: Svg, scale: Scale, top: float, bottom: float, unit: str, signed: bool = False) -> None:
    for tick in scale.ticks(5):
        svg.line(scale(tick), top, scale(tick), bottom, "grid")
        svg.text(scale(tick), bottom + 15, axis_number(tick, scale, unit, signed), "middle", 10, "soft")


def axis_number(tick: float, scale: Scale, unit: str, signed: bool = False) -> str:
    """A round number of an axis, with as many digits as its neighbours need."""
    times = 100 if unit == "share" else 1
    step = min((b - a for a, b in zip(scale.ticks(), scale.ticks()[1:], strict=False)), default=1.0) * times
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{tick * times:.{digits}f}"
    text = text.removeprefix("-") if not float(text) else text
    plus = "+" if signed and float(text) > 0 else ""
    return plus + text.replace("-", "\N{MINUS SIGN}") + ("" if signed else UNIT.get(unit, ""))


def scatter(
    points: Sequence[Point], title: str, x_label: str, y_label: str, controls: Mapping[str, float] | None = None
) -> str:
    """Shares against shares with whiskers both ways; each point has its name beside it and no name covers another.

    Args:
        points: to be drawn, those with both numbers.
        title: what the plot shows.
        x_label: what lies across.
        y_label: what goes up.
        controls: name -> height of a dashed line.
    """
    width, height, left, top, right, bottom = 380.0, 376.0, 40.0, 34.0, 368.0, 328.0
    svg = Svg(width, height, title)
    xs = around([end for point in points for end in point.x], left, right, True)
    levels = dict(sorted((controls or {}).items(), key=lambda level: level[1]))
    ys = around([*levels.values(), *(end for point in points for end in point.y)], bottom, top, True)
    _frame(svg, xs, ys, (left, top, right, bottom))
    svg.text(left, 16, y_label, "start", 11, "strong")
    svg.text(right, bottom + 34, x_label, "end", 11, "strong")
    blocked = [Box.around(xs(p.x[0]), ys(p.y[0]), 6) for p in points]
    for at, (name, height_of) in enumerate(levels.items()):  # the lowest has its name below, the others above
        blocked.append(_level(svg, ys(height_of), (left, right), name, at > 0, blocked))
    for point in points:
        _cross(svg, point, xs, ys)
    names = _names(points, xs, ys, blocked, Box(left + 2, top, right - 2, bottom - 2))
    for point, box in zip(points, names, strict=True):  # before any text, whose halo then covers them
        _leader(svg, xs(point.x[0]), ys(point.y[0]), box)
    for point, box in zip(points, names, strict=True):
        svg.mark(xs(point.x[0]), ys(point.y[0]), point.kind)
        ends = box.x1 <= xs(point.x[0])
        text = shortened(point.label, NAME, 10.5)
        svg.text(box.x1 if ends else box.x0, box.y1 - 2.5, text, "end" if ends else "start", 10.5, "halo")
    return str(svg)


def _level(svg: Svg, y: float, ends: tuple[float, float], name: str, above: bool, taken: Sequence[Box]) -> Box:
    """The line of a control, with its name where it covers the fewest points; returns where that is."""
    svg.line(ends[0], y, ends[1], y, "control-line")
    wide, low = width_of(name, 10), y - 16 if above else y + 3
    places = [Box(x, low, x + wide, low + 13) for x in (ends[0] + 4, sum(ends) / 2 - wide / 2, ends[1] - wide)]
    best = min(places, key=lambda box: sum(box.overlap(other) for other in taken))
    svg.text(best.x0, best.y1 - 3, name, "start", 10, "level")
    return best


def _frame(svg: Svg, xs: Scale, ys: Scale, area: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = area
    _grid_x(svg, xs, top, bottom, "share")
    for tick in ys.ticks(6):
        svg.line(left, ys(tick), right, ys(tick), "grid")
        svg.text(left - 6, ys(tick) + 3.5, axis_number(tick, ys, "share"), "end", 10, "soft")


def _cross(svg: Svg, point: Point, xs: Scale, ys: Scale) -> None:
    (x, x_low, x_high), (y, y_low, y_high) = point.x, point.y
    if math.isfinite(x_low) and math.isfinite(x_high):
        svg.line(xs(x_low), ys(y), xs(x_high), ys(y), "whisker thin")
    if math.isfinite(y_low) and math.isfinite(y_high):
        svg.line(xs(x), ys(y_low), xs(x), ys(y_high), "whisker thin")


def _names(points: Sequence[Point], xs: Scale, ys: Scale, blocked: Sequence[Box], area: Box) -> list[Box]:
    """Where the name of each point goes."""
    taken, names = list(blocked), []
    for point in points:
        wide = width_of(shortened(point.label, NAME, 10.5), 10.5)
        names.append(place(xs(point.x[0]), ys(point.y[0]), wide, 12.0, taken, area))
        taken.append(names[-1])
    return names


def _leader(svg: Svg, x: float, y: float, box: Box) -> None:
    """A thin line from a point to a name that is not right beside it."""
    near_x, near_y = box.nearest(x, y)
    if math.hypot(near_x - x, near_y - y) > 12:
        svg.line(x, y, near_x, near_y, "leader")


def curves(
    curve: Curve, reference: Curve | None, bins: Sequence[str], title: str, unit: str, limits: tuple[float, float]
) -> str:
    """One small plot: a method over bins with its band, and the reference in grey; `limits` are shared by all."""
    width, height, left, top, bottom = 190.0, 132.0, 34.0, 22.0, 104.0
    svg = Svg(width, height, title)
    ys = Scale(*limits, bottom, top)
    xs = [left + (width - left - 8) * (at + 0.5) / len(bins) for at in range(len(bins))]
    for tick in ys.ticks(5):
        svg.line(left, ys(tick), width - 4, ys(tick), "grid")
        svg.text(left - 4, ys(tick) + 3, axis_number(tick, ys, unit), "end", 9, "soft")
    for x, name in zip(xs, bins, strict=True):
        svg.text(x, bottom + 13, shortened(name, (width - left) / len(bins), 9), "middle", 9, "soft")
    svg.text(left, 12, shortened(curve.label, width - left, 11), "start", 11, "strong")
    if reference is not None:
        _trace(svg, reference, xs, ys, "curve reference")
    _band(svg, curve, xs, ys)
    _trace(svg, curve, xs, ys, "curve")
    for x, (value, _, _) in zip(xs, curve.values, strict=True):
        if math.isfinite(value):
            svg.mark(x, ys(value), "", 3)
    return str(svg)


def _trace(svg: Svg, curve: Curve, xs: Sequence[float], ys: Scale, class_: str) -> None:
    """The line, broken where a bin is empty."""
    run: list[tuple[float, float]] = []
    for x, (value, _, _) in [*zip(xs, curve.values, strict=True), (0.0, (math.nan,) * 3)]:
        if math.isfinite(value):
            run.append((x, ys(value)))
        else:
            if len(run) > 1:
                svg.path(run, class_)
            run = []


def _band(svg: Svg, curve: Curve, xs: Sequence[float], ys: Scale) -> None:
    for x, (_, low, high) in zip(xs, curve.values, strict=True):
        if math.isfinite(low) and math.isfinite(high):
            svg.line(x, ys(low), x, ys(high), "whisker")
