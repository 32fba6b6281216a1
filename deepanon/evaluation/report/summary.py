"""A few plain sentences on a run, made from its numbers: what is kept, what is given away, what failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deepanon.evaluation.report.figures import REIDENTIFIED, plotted_scopes
from deepanon.evaluation.report.lookup import Lookup, bin_of, known
from deepanon.evaluation.report.numbers import bare, interval, spoken
from deepanon.evaluation.values import Value


@dataclass(frozen=True)
class Figure:
    """A number to be seen first: what it is, and what it is of."""

    number: str
    interval: str
    what: str
    of: str


def sentences(lookup: Lookup) -> list[str]:
    """What a reader should take away; each sentence stands only if its numbers do."""
    hero = lookup.hero
    if hero is None:
        return ["No method was measured."]
    said = [_kept(lookup, hero), _given_away(lookup, hero), _changed(lookup, hero), _failed(lookup, hero)]
    return [sentence for sentence in said if sentence] or ["None of the numbers of a summary was measured."]


def key_figures(lookup: Lookup) -> list[Figure]:
    """At most four numbers of the method that the report is about, each the least flattering of its kind."""
    hero = lookup.hero
    if hero is None:
        return []
    kept, found = _least(_retentions(lookup, hero)), _most(_reidentified(lookup, hero))
    chosen = [(kept, "AP retained"), (found, "re-identified")]
    control = next(iter(_controls(lookup, found)), None) if found else None
    chosen += [(control, "re-identified without any face"), (_least(_coverages(lookup, hero)), "faces changed")]
    return [
        Figure(
            spoken(value.value, lookup.metrics[value.metric]),
            interval(value.low, value.high, lookup.metrics[value.metric].unit),
            what,
            ", ".join(filter(None, (lookup.label(value.method), value.data, value.by, _scope(value)))),
        )
        for value, what in chosen
        if value
    ]


def _kept(lookup: Lookup, hero: str) -> str:
    values = _retentions(lookup, hero)
    low, high = _least(values), _most(values)
    if not low or not high:
        return ""
    ends = f"{_with_interval(lookup, low)} of its average precision ({_where(low)})"
    if high is not low:
        ends = f"between {ends} and {_with_interval(lookup, high)} ({_where(high)})"
    return f"On pictures anonymized by {lookup.label(hero)}, a face detector keeps {ends}.{_others(lookup, low)}"


def _others(lookup: Lookup, like: Value) -> str:
    """What the strongest and the weakest other method keep, measured the same way."""
    values = [
        v for v in lookup.values.values()
        if (v.part, v.data, v.by, v.metric, v.scope) == (like.part, like.data, like.by, like.metric, like.scope)
        and v.method != like.method and not lookup.kind(v.method) and known(v)
    ]  # fmt: skip
    low, high = _least(values), _most(values)
    if not low or not high:
        return ""
    if low is high:
        return f" In the same measurement, {lookup.label(low.method)} keeps {_spoken(lookup, low)}."
    ends = [f"{_spoken(lookup, value)} ({lookup.label(value.method)})" for value in (low, high)]
    return f" In the same measurement, the other methods keep from {ends[0]} to {ends[1]}."


def _given_away(lookup: Lookup, hero: str) -> str:
    found = _most(_reidentified(lookup, hero))
    if not found:
        return ""
    metric = lookup.metrics[found.metric]
    many = "" if found.n is None else f" of {bare(found.n, 'count')} photos"
    share = _with_interval(lookup, found)
    text = f"A recogniser still tells who it was on {share}{many} ({metric.label}, {_where(found)})."
    controls = [f"{_with_interval(lookup, value)} ({lookup.label(value.method)})" for value in _controls(lookup, found)]
    if controls:
        text += f" With every face box grey, so from hair, clothes and room alone, it does on {' or '.join(controls)}."
    clear = lookup.get("identity", found.data, found.by, "none", found.metric, found.scope)
    return text + (f" On untouched pictures: {_with_interval(lookup, clear)}." if clear and known(clear) else "")


def _changed(lookup: Lookup, hero: str) -> str:
    value = _least(_coverages(lookup, hero))
    if not value:
        return ""
    left = 1 - value.value
    if left <= 0:
        return f"The method {lookup.label(hero)} changed every annotated face of every set."
    metric = lookup.metrics[value.metric]
    return f"The method {lookup.label(hero)} left {spoken(left, metric)} of the faces of {value.data} unchanged."


def _failed(lookup: Lookup, hero: str) -> str:
    failures = _of(lookup, "identity", hero, ("failure_rate",))
    value = _most(failures)
    if not value or not value.value:
        return ""
    metric = lookup.metrics[value.metric]
    share = spoken(value.value, metric)
    return (
        f"For {share} of its faces on {value.data}, {value.by} got nothing to work with; "
        "they are counted, and the table says how."
    )


def _of(lookup: Lookup, part: str, method: str, keys: Iterable[str]) -> list[Value]:
    """Numbers of the first of `keys` that was measured."""
    for key in keys:
        found = [
            v for v in lookup.values.values()
            if (v.part, v.method, v.metric) == (part, method, key) and known(v) and not bin_of(v.scope)
        ]  # fmt: skip
        if found:
            return found
    return []


def _retentions(lookup: Lookup, hero: str) -> list[Value]:
    """Of the scopes that stand for all: a subset of large or of small faces is not what is kept."""
    values = _of(lookup, "detection", hero, ("retention",))
    return [v for v in values if v.scope in plotted_scopes(lookup, "detection", v.data, v.by)]


def _coverages(lookup: Lookup, hero: str) -> list[Value]:
    return _of(lookup, "detection", hero, ("coverage",))


def _reidentified(lookup: Lookup, hero: str) -> list[Value]:
    """Those that have a control beside them, if any have."""
    values = _of(lookup, "identity", hero, REIDENTIFIED)
    return [value for value in values if _controls(lookup, value)] or values


def _controls(lookup: Lookup, found: Value) -> list[Value]:
    """The context controls, measured as `found` was."""
    names = lookup.controls(lookup.of("identity", found.data, found.by))
    values = [lookup.get("identity", found.data, found.by, name, found.metric, found.scope) for name in names]
    return [value for value in values if value and known(value)]


def _least(values: list[Value]) -> Value | None:
    return min(values, key=lambda value: value.value, default=None)


def _most(values: list[Value]) -> Value | None:
    return max(values, key=lambda value: value.value, default=None)


def _with_interval(lookup: Lookup, value: Value) -> str:
    metric = lookup.metrics[value.metric]
    ends = interval(value.low, value.high, metric.unit)
    return spoken(value.value, metric, value.metric) + (f" {ends}" if ends else "")


def _spoken(lookup: Lookup, value: Value) -> str:
    return spoken(value.value, lookup.metrics[value.metric])


def _where(value: Value) -> str:
    return ", ".join(filter(None, (value.data, value.by, _scope(value))))


def _scope(value: Value) -> str:
    return "" if value.scope == "all" else value.scope
