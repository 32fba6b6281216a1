"""The numbers behind the curves: one table for each metric and kind of bin, methods by bins."""

from __future__ import annotations

from deepanon.evaluation.report import numbers
from deepanon.evaluation.report.lookup import Lookup, bin_of
from deepanon.evaluation.report.table import Column, Group, Row, Table, noted
from deepanon.evaluation.report.tables import value_cell
from deepanon.evaluation.values import Value


def bin_tables(lookup: Lookup, part: str) -> list[Table]:
    """One for every data set, scorer, metric and kind of bin."""
    families: dict[tuple[str, str, str, str], dict[tuple[str, str], Value]] = {}
    for value in lookup.values.values():
        found = bin_of(value.scope)
        if value.part == part and found:
            family = (value.data, value.by, value.metric, found[0])
            families.setdefault(family, {})[value.method, found[1]] = value
    return [_table(lookup, part, *family, values) for family, values in families.items()]


def _table(
    lookup: Lookup, part: str, data: str, by: str, key: str, kind: str, values: dict[tuple[str, str], Value]
) -> Table:
    metric = lookup.metrics[key]
    bins = list(dict.fromkeys(which for _, which in values))
    unit = numbers.sign_of(metric, key)
    rows = tuple(
        Row(name, lookup.label(name), lookup.kind(name), tuple(value_cell(lookup, values.get((name, b))) for b in bins))
        for name in lookup.methods(values.values())
    )
    table = Table(
        key=f"{part}-{data}-{by}-{key}-{kind}",
        data=data,
        by=by,
        title=f"{metric.label} by {kind} · {data} · {by}",
        caption=f"{metric.label} by {kind}, {by} on {data}; 95 % intervals in brackets.",
        columns=tuple(Column(which, which, unit) for which in bins),
        groups=(Group("", rows),),
    )
    return noted(table)
