"""The figures of a generator's card: what was asked of it, what it reached, and whether that is enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from deepanon.evaluation.newfaces.cost import Cost
from deepanon.evaluation.report.lookup import Lookup, known
from deepanon.evaluation.report.numbers import NOTHING, interval, spoken
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.values import Value

FOUND, SPREAD, SHARE_OF_BEST = 0.97, 0.5, 1 / 3
BASELINES = ("pixelate8", "heavy_blur", "blackout")  # the best of them is to be beaten, by three to one
MEGABYTES, LOAD_SECONDS, SHARE_OF_PAPERS = 25.0, 1.0, 1 / 3
VERDICTS = {True: "yes", False: "**no**", None: "not measured"}


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    by: str
    reached: str
    asked: str
    enough: bool | None


def figures(results: Results, method: str = "gan", cost: Cost | None = None) -> list[Figure]:
    """All lines, of every set of crops that was measured."""
    lookup = Lookup(results)
    found: list[Figure] = []
    for data in lookup.sets("quality"):
        values = [v for v in results.values if (v.part, v.data, v.method) == ("quality", data, method)]
        found += [*_found(lookup, values), *_spread(lookup, values), *_matches(lookup, values)]
        found += [*_nearest(lookup, values), *_distances(lookup, values)]
    return found + (list(_costs(cost)) if cost else [])


def card_table(results: Results, method: str = "gan", cost: Cost | None = None) -> str:
    """The same as a Markdown table."""
    rows = [
        f"| {f.what} | {f.by} | {f.reached} | {f.asked} | {VERDICTS[f.enough]} |"
        for f in figures(results, method, cost)
    ]
    return "\n".join(["| what | by | reached | asked for | enough |", "|---|---|---|---|---|", *rows]) + "\n"


def _of(values: Iterable[Value], metric: str, scope: str = "all") -> Iterator[Value]:
    return (value for value in values if (value.metric, value.scope) == (metric, scope))


def _said(lookup: Lookup, value: Value) -> str:
    if not known(value):
        return f"{NOTHING} ({value.note})"
    metric = lookup.metrics[value.metric]
    return " ".join(filter(None, (spoken(value.value, metric, value.metric), _ends(lookup, value))))


def _ends(lookup: Lookup, value: Value) -> str:
    return interval(value.low, value.high, lookup.metrics[value.metric].unit)


def _found(lookup: Lookup, values: Sequence[Value]) -> Iterator[Figure]:
    for value in _of(values, "found_again"):
        yield Figure(
            "drawn faces that a detector finds, of those that it found before", value.by, _said(lookup, value),
            f"{FOUND:.0%} (goal 99.3 %)", value.value >= FOUND if known(value) else None,
        )  # fmt: skip


def _spread(lookup: Lookup, values: Sequence[Value]) -> Iterator[Figure]:
    for value in _of(values, "z_spread"):
        yield Figure(
            "distance of two draws of one face, of that between two people", value.by, _said(lookup, value),
            f"{SPREAD:.0%}", value.value >= SPREAD if known(value) else None,
        )  # fmt: skip


def _matches(lookup: Lookup, values: Sequence[Value]) -> Iterator[Figure]:
    over = {value.by: value for value in _of(values, "drawn_match_over_stranger")}
    for value in _of(values, "drawn_match"):
        more = over[value.by]
        yield Figure(
            "drawn faces taken for the person who was there, at FAR 1e-3", value.by,
            _said(lookup, value) + f"; {_said(lookup, more)} over a stranger's face" * known(value),
            "no more than a stranger's face, within the interval", more.low <= 0 if known(more) else None,
        )  # fmt: skip


def _nearest(lookup: Lookup, values: Sequence[Value]) -> Iterator[Figure]:
    over = {value.by: value for value in _of(values, "nearest_over_stranger")}
    for value in _of(values, "nearest"):
        more = over[value.by]
        yield Figure(
            "distance to the nearest face of the training set", value.by,
            f"{_said(lookup, value)}; {_said(lookup, more)} over that of the originals",
            "no nearer than the originals, within the interval", more.high >= 0 if known(more) else None,
        )  # fmt: skip


def _distances(lookup: Lookup, values: Sequence[Value]) -> Iterator[Figure]:
    for value in (v for metric in ("fid", "fd") for v in _of(values, metric, "face")):
        others = {name: lookup.get("quality", value.data, value.by, name, value.metric, "face") for name in BASELINES}
        measured = {name: other.value for name, other in others.items() if other and known(other)}
        best = min(measured.values(), default=math.nan)
        floor = lookup.get("quality", value.data, value.by, "none", f"{value.metric}_half", "face")
        metric = lookup.metrics[value.metric]
        said = [f"{name} {spoken(distance, metric)}" for name, distance in measured.items()]
        said += [f"real halves {spoken(floor.value, metric)}"] if floor and known(floor) else []
        yield Figure(
            f"{metric.label} of the face box", value.by, f"{_said(lookup, value)} ({', '.join(said)})",
            "a third of the best of these", value.value <= SHARE_OF_BEST * best if measured else None,
        )  # fmt: skip


def _costs(cost: Cost) -> Iterator[Figure]:
    share = cost.face_seconds / cost.paper_seconds
    yield Figure("file", "", f"{cost.megabytes:.1f} MB", f"{MEGABYTES:.0f} MB", cost.megabytes <= MEGABYTES)
    loads = cost.load_seconds
    yield Figure("time to load", "", f"{loads:.2f} s", f"{LOAD_SECONDS:.0f} s", loads <= LOAD_SECONDS)
    yield Figure(
        "time a face", "", f"{cost.face_seconds * 1e3:.0f} ms, the paper's large generator "
        f"{cost.paper_seconds * 1e3:.0f} ms: {share:.1%}", "a third of the paper's", share <= SHARE_OF_PAPERS,
    )  # fmt: skip
