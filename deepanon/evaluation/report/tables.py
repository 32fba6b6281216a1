"""Tables of a report, before anybody decides whether they become HTML, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from deepanon.evaluation.report import numbers
from deepanon.evaluation.report.lookup import Lookup, known
from deepanon.evaluation.report.published import WHY, Published, published
from deepanon.evaluation.values import Value

PAPER, PAPER_AP = "paper retained", "paper AP"  # columns of printed numbers
PAPER_METRIC = {PAPER: "retention", PAPER_AP: "ap"}
ORDER = {
    "detection": ("coverage", "keypoints", "ap", "retention", PAPER, "difference", PAPER_AP),
    "identity": ("self_retrieval", "match_rate_1e-3", "rank_1", "rank_5", "rank_10"),
    "quality": (),
    "utility": ("detection_rate", "nme", "box_distance", "pose_distance"),
}  # what comes first; other metrics follow in the order of METRICS
ARROWS = {"high": "↑", "low": "↓", "": ""}
UNVERIFIED = "* from memory, not looked up in the paper, and of another detector (DSFD); do not quote."


@dataclass(frozen=True)
class Cell:
    """What stands in one place: the number, its interval, what to know of it."""

    text: str = numbers.NOTHING
    interval: str = ""
    seeds: str = ""
    note: str = ""
    value: float = float("nan")


@dataclass(frozen=True)
class Column:
    """One metric: heading, unit, which way is better, and its definition."""

    key: str
    label: str
    unit: str = ""
    arrow: str = ""


@dataclass(frozen=True)
class Row:
    """One method; `kind` as in `Results.methods`."""

    method: str
    label: str
    kind: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Rows of one scope; `label` is empty where there is only one."""

    label: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table with its caption; notes are numbered from 1, and cells point to them by their text."""

    key: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = field(default=())

    def mark(self, cell: Cell) -> str:
        """The number of a cell's note, or nothing."""
        return str(self.notes.index(cell.note) + 1) if cell.note in self.notes else ""


def main_tables(lookup: Lookup, part: str) -> list[Table]:
    """One table for each data set and who measures it, without the bins."""
    return [
        score_table(lookup, part, data, by, lookup.scopes(part, data, by))
        for data in lookup.sets(part)
        for by in lookup.scorers(part, data)
        if lookup.scopes(part, data, by)
    ]


def score_table(lookup: Lookup, part: str, data: str, by: str, scopes: list[str]) -> Table:
    """Methods by metrics, one group of rows a scope."""
    values = [v for v in lookup.values.values() if (v.part, v.data, v.by) == (part, data, by) and v.scope in scopes]
    columns = _columns(lookup, part, data, by, scopes, values)
    several = len(scopes) > 1
    groups = tuple(
        Group(scope if several or scope != "all" else "", _rows(lookup, part, data, by, scope, columns, values))
        for scope in scopes
    )
    notes = dict.fromkeys(cell.note for group in groups for row in group.rows for cell in row.cells if cell.note)
    return Table(
        key=f"{part}-{data}-{by}",
        title=" · ".join(filter(None, (data, by))),
        caption=_caption(part, data, by, values),
        columns=columns,
        groups=groups,
        notes=tuple(notes),
    )


def _columns(
    lookup: Lookup, part: str, data: str, by: str, scopes: list[str], values: list[Value]
) -> tuple[Column, ...]:
    methods = {v.method for v in values}
    order = [*ORDER[part], *(key for key in lookup.metrics if key not in ORDER[part])]
    chosen: list[Column] = []
    for key in order:
        if key in PAPER_METRIC:
            if any(v.metric == "retention" for v in values) and _printed(key, methods, scopes):
                chosen.append(Column(key, key, "%"))
        elif any(lookup.get(part, data, by, method, key, scope) for method in methods for scope in scopes):
            metric = lookup.metrics[key]
            chosen.append(Column(key, metric.label, numbers.sign_of(metric, key), ARROWS[metric.better]))
    return tuple(chosen)


def _printed(column: str, methods: Iterable[str], scopes: Iterable[str]) -> bool:
    return any(_paper(column, method, scope) for method in methods for scope in scopes)


def _paper(column: str, method: str, scope: str) -> Published | None:
    """What the paper printed: retention over everything, AP by subset."""
    return published(method, PAPER_METRIC[column], "all" if column == PAPER else scope)


def _rows(
    lookup: Lookup, part: str, data: str, by: str, scope: str, columns: tuple[Column, ...], values: list[Value]
) -> tuple[Row, ...]:
    rows = []
    for method in lookup.methods(v for v in values if v.scope == scope):
        cells = tuple(
            paper_cell(column.key, method, scope)
            if column.key in PAPER_METRIC
            else value_cell(lookup, lookup.get(part, data, by, method, column.key, scope))
            for column in columns
        )
        rows.append(Row(method, lookup.label(method), lookup.kind(method), cells))
    return tuple(rows)


def value_cell(lookup: Lookup, value: Value | None) -> Cell:
    """A number with its interval, the range of its seeds and its note."""
    if value is None:
        return Cell("")
    unit, signed = lookup.metrics[value.metric].unit, value.metric in numbers.SIGNED
    seeds = ""
    if len(value.seeds) > 1:
        low, high = (numbers.bare(end, unit, signed) for end in (min(value.seeds), max(value.seeds)))
        seeds = f"{len(value.seeds)} seeds: {low if low == high else f'{low} to {high}'}"
    return Cell(
        numbers.bare(value.value, unit, signed),
        numbers.interval(value.low, value.high, unit, signed) if known(value) else "",
        seeds,
        value.note,
        value.value,
    )


def paper_cell(column: str, method: str, scope: str) -> Cell:
    """A printed number, with a star if nobody has looked it up."""
    found = _paper(column, method, scope)
    if found is None:
        return Cell("")
    note = UNVERIFIED if not found.verified else ""
    why = WHY.get(method, "") if column == PAPER else ""
    about = f"“{found.row}” of the paper{': ' + why if why else ''}." if why else note
    return Cell(numbers.bare(found.value, "share") + ("" if found.verified else "*"), note=about, value=found.value)


def _caption(part: str, data: str, by: str, values: list[Value]) -> str:
    counts = [v.n for v in values if v.n is not None and not v.metric.startswith("replaced")]
    what = {
        "detection": f"Detector {by} on {data}",
        "identity": f"Recogniser {by} on {data}",
        "quality": f"Distances and shares by {by} on {data}",
        "utility": f"What {by} reads off {data}",
    }[part]
    low, high = (min(counts), max(counts)) if counts else (0, 0)
    size = numbers.bare(low, "count") + (f" to {numbers.bare(high, 'count')}" if high > low else "")
    return f"{what}; 95 % intervals in brackets{f'; n = {size}' if counts else ''}."
