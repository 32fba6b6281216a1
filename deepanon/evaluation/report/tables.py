"""Which tables a report has, made from its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from deepanon.evaluation.report import numbers
from deepanon.evaluation.report.lookup import SHARED, Lookup, bin_of, known, split_scope
from deepanon.evaluation.report.published import WHY, Published, published
from deepanon.evaluation.report.table import Cell, Column, Group, Row, Table, noted
from deepanon.evaluation.values import Value

PAPER, PAPER_AP = "paper retained", "paper AP"  # columns of printed numbers
PAPER_METRIC = {PAPER: "retention", PAPER_AP: "ap"}
ORDER = {
    "detection": ("coverage", "ap", "retention", PAPER, "difference", PAPER_AP),
    "identity": (
        "rank_1",
        "rank_1_over_context",
        "self_retrieval",
        "match_rate",
        "lfw_tar",
        "lfw_accuracy",
        "pair_auc",
    ),
    "quality": ("fid", "fid_half", "fd", "fd_half", "kid", "kid_half", "kd", "kd_half"),
    "utility": ("detected", "nme", "pose", "box_iou"),
}  # what comes first; other metrics follow in the order of METRICS
SECONDARY = {
    "keypoints", "replaced", "left_out", *(f"rank_{k}" for k in (10, 20, 30, 40, 50)), "self_retrieval_normalised",
    "rank_1_normalised", "lfw_accuracy", "pair_tar", "pair_auc_over_context", "fid_train", "kid_train", "fd_train",
    "kd_train",
    "precision_half", "recall_half", "diversity_share", "found", "box_distance", "landmark_distance", "landmark_auc",
    "pose_failures",
}  # fmt: skip  # in tables of their own, not in those that go into a paper
WIDER, PLAIN = ("easy", "medium", "hard"), ("AP50", "all")  # scopes that may stand beside a printed number
ARROWS = {"high": "↑", "low": "↓", "": ""}
UNVERIFIED = "* from memory, not looked up in the paper, and of another detector (DSFD); do not quote."


def main_tables(lookup: Lookup, part: str) -> list[Table]:
    """One table for each data set and who measures it, without the bins and what is secondary."""
    return _tables(lookup, part, lambda key: key not in SECONDARY)


def other_tables(lookup: Lookup, part: str) -> list[Table]:
    """The same of what is secondary, where there is any."""
    return _tables(lookup, part, lambda key: key in SECONDARY)


def _tables(lookup: Lookup, part: str, wanted: Callable[[str], bool]) -> list[Table]:
    tables = []
    for data in lookup.sets(part):
        for by in lookup.scorers(part, data):
            scopes = lookup.scopes(part, data, by)
            columns = _columns(lookup, part, data, by, scopes, wanted) if scopes else ()
            if columns:
                tables.append(_table(lookup, part, data, by, scopes, columns))
    return tables


def _table(lookup: Lookup, part: str, data: str, by: str, scopes: list[str], columns: tuple[Column, ...]) -> Table:
    """Methods by metrics, one group of rows a scope."""
    values = lookup.of(part, data, by)
    groups = []
    for scope in scopes:
        names = lookup.methods(v for v in values if split_scope(v.scope)[0] == scope)
        rows = [_row(lookup, part, data, by, scope, columns, name) for name in names]
        rows = [row for row in rows if any(cell.text for cell in row.cells)]
        groups.append(Group(scope if len(scopes) > 1 or scope != "all" else "", tuple(rows)))
    groups = [group for group in groups if group.rows]
    return noted(
        Table(
            key=f"{part}-{data}-{by}",
            data=data,
            by=by,
            title=" · ".join(filter(None, (data, by))),
            caption=_caption(part, data, by, [v for v in values if any(v.metric == column.key for column in columns)]),
            columns=columns,
            groups=tuple(groups),
        ),
        always=PAPER_METRIC,
    )


def _columns(
    lookup: Lookup, part: str, data: str, by: str, scopes: list[str], wanted: Callable[[str], bool]
) -> tuple[Column, ...]:
    values = lookup.of(part, data, by)
    methods = list(dict.fromkeys(v.method for v in values))
    order = [*ORDER[part], *(key for key in lookup.metrics if key not in ORDER[part])]
    chosen: list[Column] = []
    for key in filter(wanted, order):
        if key in PAPER_METRIC:
            if any(v.metric == "retention" for v in values) and _printed(key, methods, scopes):
                chosen.append(Column(key, key, "%"))
        elif any(v.metric == key and not bin_of(v.scope) for v in values) or (
            key in SHARED and any(lookup.get(part, data, by, m, key, scope) for m in methods for scope in scopes)
        ):
            metric = lookup.metrics[key]
            unit, arrow = numbers.sign_of(metric, key), ARROWS[metric.better]
            for qualifier in lookup.qualifiers(part, data, by, key):
                label = f"{metric.label} ({qualifier})" if qualifier else metric.label
                chosen.append(Column(key, label, unit, arrow, qualifier))
    return tuple(chosen)


def _printed(column: str, methods: Iterable[str], scopes: Sequence[str]) -> bool:
    return any(paper_number(column, method, scope, scopes) for method in methods for scope in scopes)


def paper_number(column: str, method: str, scope: str, scopes: Sequence[str]) -> Published | None:
    """What the paper printed, for scopes that are measured as it did: WIDER's subsets, or AP at IoU 0.5.

    Retention is printed over everything, AP by subset. COCO has a "medium" too, which is another.
    """
    wider = "hard" in scopes
    if scope not in (WIDER if wider else PLAIN) or (column == PAPER_AP and not wider):
        return None
    return published(method, PAPER_METRIC[column], "all" if column == PAPER else scope)


def _row(lookup: Lookup, part: str, data: str, by: str, scope: str, columns: tuple[Column, ...], method: str) -> Row:
    cells = []
    for column in columns:
        if column.key in PAPER_METRIC:
            cells.append(paper_cell(column.key, method, scope, lookup.scopes(part, data, by)))
        else:
            where = f"{scope}, {column.qualifier}" if column.qualifier else scope
            cells.append(value_cell(lookup, lookup.get(part, data, by, method, column.key, where)))
    return Row(method, lookup.label(method), lookup.kind(method), tuple(cells))


def value_cell(lookup: Lookup, value: Value | None) -> Cell:
    """A number with its interval, the range of its seeds and its note."""
    if value is None:
        return Cell("")
    unit, signed = lookup.metrics[value.metric].unit, numbers.is_signed(value.metric)
    seeds = ""
    if len(value.seeds) > 1 and known(value):
        low, high = (numbers.bare(end, unit, signed) for end in (min(value.seeds), max(value.seeds)))
        seeds = f"{len(value.seeds)} seeds: {low if low == high else f'{low} to {high}'}"
    return Cell(
        numbers.bare(value.value, unit, signed),
        numbers.interval(value.low, value.high, unit, signed) if known(value) else "",
        seeds,
        value.note,
        value.value,
    )


def paper_cell(column: str, method: str, scope: str, scopes: Sequence[str]) -> Cell:
    """A printed number, with a star if nobody has looked it up."""
    found = paper_number(column, method, scope, scopes)
    if found is None:
        return Cell("")
    note = UNVERIFIED if not found.verified else ""
    why = WHY.get(method, "") if column == PAPER else ""
    about = f"“{found.row}” of the paper{': ' + why if why else ''}." if why else note
    return Cell(numbers.bare(found.value, "share") + ("" if found.verified else "*"), note=about, value=found.value)


def _caption(part: str, data: str, by: str, values: list[Value]) -> str:
    counts = [v.n for v in values if v.n is not None and known(v) and v.metric not in SHARED]
    what = {
        "detection": f"Detector {by} on {data}",
        "identity": f"Recogniser {by} on {data}",
        "quality": f"Distances and shares by {by} on {data}",
        "utility": f"What {by} reads off {data}",
    }[part]
    low, high = (min(counts), max(counts)) if counts else (0, 0)
    size = numbers.bare(low, "count") + (f" to {numbers.bare(high, 'count')}" if high > low else "")
    return f"{what}; 95 % intervals in brackets{f'; n = {size}' if counts else ''}."
