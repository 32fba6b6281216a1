"""Which plots a report has, made from its values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from deepanon.evaluation.report.lookup import Lookup, bin_of, known
from deepanon.evaluation.report.numbers import is_signed
from deepanon.evaluation.report.plots import Curve, Dot, Point, curves, dot_plot, scatter
from deepanon.evaluation.report.scale import around
from deepanon.evaluation.report.tables import MEAN, PAPER, WIDER, paper_number
from deepanon.evaluation.values import Value

DOTS = {
    "detection": ("retention",),
    "identity": ("rank_1", "self_retrieval", "match_rate_1e-3"),
    "quality": ("fid", "fd", "precision", "recall"),
    "utility": ("detected", "nme", "pose"),
}
CURVES = ("retention", "detected", "nme")  # drawn over bins; the other metrics have tables
REIDENTIFIED = ("rank_1", "self_retrieval", "match_rate_1e-3")  # the first that there is stands against retention
NOTHING = (math.nan,) * 3


@dataclass(frozen=True)
class Panel:
    """One plot: its own heading, empty if the plot says it, and the SVG."""

    title: str
    svg: str


@dataclass(frozen=True)
class Figure:
    """Plots of one kind that are read alike; `kind` is "dots", "scatter" or "curves"."""

    kind: str
    title: str
    caption: str
    panels: tuple[Panel, ...]


def dot_figures(lookup: Lookup, part: str) -> list[Figure]:
    """One for every metric that is worth a plot, with a panel for each data set, scorer and scope."""
    panels: dict[str, list[Panel]] = {}
    for data in lookup.sets(part):
        for by in lookup.scorers(part, data):
            for metric, scope in product(DOTS[part], plotted_scopes(lookup, part, data, by)):
                values = _at(lookup, part, data, by, metric, scope)
                if sum(map(known, values)) > 1:
                    panels.setdefault(metric, []).append(_dots(lookup, values))
    return [_dot_figure(lookup, metric, found) for metric, found in panels.items()]


def _at(lookup: Lookup, part: str, data: str, by: str, metric: str, scope: str) -> list[Value]:
    """Values of a metric in one scope; of one with several columns, those of the first."""
    return [v for v in lookup.of(part, data, by) if (v.metric, v.scope) == (metric, scope)]


def _dot_figure(lookup: Lookup, key: str, panels: list[Panel]) -> Figure:
    metric = lookup.metrics[key]
    better = {"high": "Higher is better.", "low": "Lower is better.", "": ""}[metric.better]
    return Figure("dots", metric.label, f"{metric.text} {better}".strip(), tuple(panels))


def plotted_scopes(lookup: Lookup, part: str, data: str, by: str) -> list[str]:
    """Of detection what the paper has, of identity the headline, as the others count the same queries in other ways."""
    scopes = lookup.scopes(part, data, by)
    headline = [lookup.headline(part, data, by)]
    if part == "detection":
        return [scope for scope in scopes if scope in (*WIDER, MEAN)] if "hard" in scopes else headline
    return headline if part == "identity" else scopes


def _dots(lookup: Lookup, values: list[Value]) -> Panel:
    first = values[0]
    metric, scope = lookup.metrics[first.metric], "" if first.scope == "all" else first.scope
    by_method = {value.method: value for value in values}
    dots = [_dot(lookup, by_method[name]) for name in lookup.methods(values)]
    title = " · ".join(filter(None, (first.data, first.by, scope)))
    words = f"{metric.label}, {title}: {_in_words(lookup, values)}"
    return Panel(title, dot_plot(dots, words, metric.unit, is_signed(first.metric)))


def _dot(lookup: Lookup, value: Value) -> Dot:
    scopes = lookup.scopes(value.part, value.data, value.by)
    paper = paper_number(PAPER, value.method, value.scope, scopes) if value.metric == "retention" else None
    return Dot(
        lookup.label(value.method), value.value, value.low, value.high, lookup.kind(value.method),
        paper.value if paper else math.nan,
    )  # fmt: skip


def _in_words(lookup: Lookup, values: list[Value]) -> str:
    """For those who cannot see the plot: from which method to which it goes."""
    there = sorted((value for value in values if known(value)), key=lambda value: value.value)
    return f"from {lookup.label(there[0].method)} (lowest) to {lookup.label(there[-1].method)} (highest); see the table"


def scatter_figures(lookup: Lookup) -> list[Figure]:
    """AP retained against re-identification, a panel for every recogniser: on the same set if there is one."""
    panels: list[Panel] = []
    for data in lookup.sets("identity"):
        for by in lookup.scorers("identity", data):
            up = _first_metric(lookup, data, by, lookup.headline("identity", data, by))
            sets = lookup.sets("detection")
            across = data if data in sets else next(iter(sets), None)
            if up and across:
                panels += _against(lookup, up, across)
    text = (
        "Useful pictures lie to the right, protected people at the bottom. Whiskers are 95 % intervals. The dashed "
        "lines are what can be told with every face box grey, from hair, clothes and room alone."
    )
    return [Figure("scatter", "Use against privacy", text, tuple(panels))] if panels else []


def _first_metric(lookup: Lookup, data: str, by: str, scope: str) -> dict[str, Value]:
    for metric in REIDENTIFIED:
        found = {v.method: v for v in _at(lookup, "identity", data, by, metric, scope) if known(v)}
        if found:
            return found
    return {}


def _against(lookup: Lookup, up: dict[str, Value], data: str) -> Iterable[Panel]:
    scorer = next(iter(lookup.scorers("detection", data)))
    scope = lookup.headline("detection", data, scorer)
    across = {v.method: v for v in _at(lookup, "detection", data, scorer, "retention", scope)}
    names = [name for name in lookup.methods(up.values()) if known(across.get(name))]
    if len(names) < 2:
        return
    first = next(iter(up.values()))
    metric = lookup.metrics[first.metric]
    points = [Point(lookup.label(n), _triple(across[n]), _triple(up[n]), lookup.kind(n)) for n in names]
    controls = {lookup.label(name): up[name].value for name in lookup.controls(up.values())}
    title = f"{metric.label} by {first.by} against AP retained"
    where = f"{data}, {scorer}{'' if scope == 'all' else ', ' + scope}"
    plot = scatter(points, title, f"AP retained ({where}) →", f"↑ {metric.label} ({first.data}, {first.by})", controls)
    yield Panel("", plot)


def curve_figures(lookup: Lookup, part: str) -> list[Figure]:
    """Small plots, one a method, for every kind of bin: face size, pose, occlusion."""
    families: dict[tuple[str, str, str, str], list[Value]] = {}
    for value in lookup.values.values():
        found = bin_of(value.scope)
        if value.part == part and found and value.metric in CURVES:
            families.setdefault((value.data, value.by, value.metric, found[0]), []).append(value)
    several = {f: values for f, values in families.items() if len({v.scope for v in values if known(v)}) > 1}
    return [_curves(lookup, *family, values) for family, values in several.items()]


def _curves(lookup: Lookup, data: str, by: str, key: str, kind: str, values: list[Value]) -> Figure:
    metric = lookup.metrics[key]
    bins = list(dict.fromkeys(which for v in values for which in [_bin_name(v)]))
    table = {(v.method, _bin_name(v)): v for v in values}
    limits = around([end for v in values for end in _triple(v)], 0, 1, metric.unit == "share")
    names = lookup.methods(values)
    lines = {n: Curve(lookup.label(n), [_triple(table.get((n, which))) for which in bins]) for n in names}
    reference = lines.get("none")
    panels = tuple(
        Panel(
            "",
            curves(
                line, None if line is reference else reference, [_narrow(which) for which in bins],
                f"{metric.label} of {line.label} by {kind}: " + _points(table, name, bins), metric.unit,
                (limits.low, limits.high),
            ),
        )
        for name, line in lines.items()
    )  # fmt: skip
    grey = " The dashed line is the untouched picture." if reference else ""
    title = " · ".join((f"{metric.label} by {kind}", data, by))
    return Figure("curves", title, f"{metric.text} Bins: {', '.join(bins)}.{grey}", panels)


def _points(table: Mapping[tuple[str, str], Value], name: str, bins: list[str]) -> str:
    return ", ".join(f"{which} {table[name, which].value:.3g}" for which in bins if (name, which) in table)


def _bin_name(value: Value) -> str:
    found = bin_of(value.scope)
    return found[1] if found else value.scope


def _narrow(name: str) -> str:
    """For an axis: "0-32 px" -> "0–32"."""
    return name.removesuffix("px").removesuffix("°").strip().replace("-", "–")


def _triple(value: Value | None) -> tuple[float, float, float]:
    return (value.value, value.low, value.high) if value else NOTHING
