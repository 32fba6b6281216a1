"""Which tables a report has, made from its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from deepanon.evaluation.detection.retention import MEAN
from deepanon.evaluation.report import numbers
from deepanon.evaluation.report.lookup import SHARED, Lookup, bin_of, known
from deepanon.evaluation.report.published import WHY, Published, published
from deepanon.evaluation.report.table import Cell, Column, Group, Row, Table, noted
from deepanon.evaluation.values import Value

Wanted = Callable[[str], bool]

PAPER, PAPER_AP = "paper retained", "paper AP"  # columns of printed numbers
PAPER_METRIC = {PAPER: "retention", PAPER_AP: "ap"}
ORDER = {
    "detection": ("coverage", "ap", "retention", PAPER, "difference", PAPER_AP),
    "identity": (
        "rank_1",
        "rank_1_over_context",
        "self_retrieval",
        "match_rate_1e-3",
        "lfw_tar_1e-3",
        "lfw_accuracy",
        "pair_auc",
    ),
    "quality": ("fid", "fid_half", "fd", "fd_half", "kid", "kid_half", "kd", "kd_half"),
    "utility": ("detected", "nme", "pose", "box_iou"),
}  # what comes first; other metrics follow in the order of METRICS
SECONDARY = {
    "keypoints", "replaced", "left_out", *(f"rank_{k}" for k in (10, 20, 30, 40, 50)), "self_retrieval_normalised",
    "rank_1_normalised", "lfw_accuracy", "match_rate_1e-2", "match_rate_least_error", "lfw_tar_1e-2", "pair_tar_1e-2",
    "pair_tar_1e-3", "pair_eer", "pair_auc_over_context", "fid_train", "kid_train", "fd_train",
    "kd_train",
    "precision_half", "recall_half", "diversity_share", "found", "box_distance", "landmark_distance", "landmark_auc",
    "pose_failures",
}  # fmt: skip  # in tables of their own, not in those that go into a paper
FURTHER = ("AP50:95 ", "own, skip", "own, chance")  # scopes that begin so have tables of their own as well
WIDER, PLAIN = ("easy", "medium", "hard"), ("AP50", "all")  # scopes that may stand beside a printed number
ARROWS = {"high": "↑", "low": "↓", "": ""}
UNVERIFIED = "* from memory, not looked up in the paper, and of another detector (DSFD); do not quote."


def main_tables(lookup: Lookup, part: str) -> list[Table]:
    """One table for each data set and who measures it, without the bins and what is secondary."""
    return _tables(lookup, part, lambda scope: not scope.startswith(FURTHER), lambda key: key not in SECONDARY)


def other_tables(lookup: Lookup, part: str) -> list[Table]:
    """What is secondary, and further scopes, where there are any."""
    main = _tables(lookup, part, lambda scope: not scope.startswith(FURTHER), lambda key: key in SECONDARY)
    return main + _tables(lookup, part, lambda scope: scope.startswith(FURTHER), lambda key: True)


def _tables(lookup: Lookup, part: str, in_scope: Wanted, wanted: Wanted) -> list[Table]:
    tables = []
    for data in lookup.sets(part):
        for by in lookup.scorers(part, data):
            scopes = [scope for scope in lookup.scopes(part, data, by) if in_scope(scope)]
            columns = _columns(lookup, part, data, by, scopes, wanted) if scopes else ()
            if columns:
                tables.append(_table(lookup, part, data, by, scopes, columns))
    return tables


def _table(lookup: Lookup, part: str, data: str, by: str, scopes: list[str], columns: tuple[Column, ...]) -> Table:
    """Methods by metrics, one group of rows a scope."""
    values = [v for v in lookup.of(part, data, by) if not bin_of(v.scope)]
    groups = []
    for scope in scopes:
        names = lookup.methods(v for v in values if v.scope == scope)
        rows = [_row(lookup, part, data, by, scope, columns, name) for name in names]
        rows = [row for row in rows if any(cell.text for cell in row.cells)]
        groups.append(Group(scope if len(scopes) > 1 or scope != "all" else "", tuple(rows)))
    groups = [group for group in groups if group.rows]
    shown = {column.key for column in columns}
    return noted(
        Table(
            key=f"{part}-{data}-{by}-{scopes[0]}",
            data=data,
            by=by,
            title=" · ".join(filter(None, (data, by))),
            caption=_caption(
                part, data, by, [v for v in values if v.metric in shown and v.scope in scopes], PAPER in shown
            ),
            columns=columns,
            groups=tuple(groups),
        ),
        always=PAPER_METRIC,
    )


def _columns(lookup: Lookup, part: str, data: str, by: str, scopes: list[str], wanted: Wanted) -> tuple[Column, ...]:
    values = lookup.of(part, data, by)
    methods = list(dict.fromkeys(v.method for v in values))
    order = [*ORDER[part], *(key for key in lookup.metrics if key not in ORDER[part])]
    chosen: list[Column] = []
    for key in filter(wanted, order):
        if key in PAPER_METRIC:
            if any(v.metric == "retention" for v in values) and _printed(key, methods, scopes):
                chosen.append(Column(key, key, "%"))
        elif any(lookup.get(part, data, by, method, key, scope) for method in methods for scope in scopes):
            metric = lookup.metrics[key]
            chosen.append(Column(key, metric.label, numbers.sign_of(metric, key), ARROWS[metric.better]))
    return tuple(chosen)


def _printed(column: str, methods: Iterable[str], scopes: Sequence[str]) -> bool:
    return any(paper_number(column, method, scope, scopes) for method in methods for scope in scopes)


def paper_number(column: str, method: str, scope: str, scopes: Sequence[str]) -> Published | None:
    """What the paper printed, for scopes that are measured as it did: WIDER's subsets and their mean, or AP at IoU 0.5.

    Retention is printed over everything, AP by subset. COCO has a "medium" too, which is another.
    """
    wider = "hard" in scopes
    if scope not in ((MEAN,) if wider else PLAIN) if column == PAPER else not wider or scope not in WIDER:
        return None
    return published(method, PAPER_METRIC[column], "all" if column == PAPER else scope)


def _row(lookup: Lookup, part: str, data: str, by: str, scope: str, columns: tuple[Column, ...], method: str) -> Row:
    cells = []
    for column in columns:
        if column.key in PAPER_METRIC:
            cells.append(paper_cell(column.key, method, scope, lookup.scopes(part, data, by)))
        else:
            cells.append(value_cell(lookup, lookup.get(part, data, by, method, column.key, scope)))
    return Row(method, lookup.label(method), lookup.kind(method), tuple(cells))


def value_cell(lookup: Lookup, value: Value | None) -> Cell:
    """A number with its interval, the range of its seeds and its note."""
    if value is None:
        return Cell("")
    unit, signed = lookup.metrics[value.metric].unit, numbers.is_signed(value.metric)
    seeds = ""
    drawn = [seed for seed in value.seeds if math.isfinite(seed)]
    if len(drawn) > 1 and known(value):
        low, high = (numbers.bare(end, unit, signed) for end in (min(drawn), max(drawn)))
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


def _caption(part: str, data: str, by: str, values: list[Value], paper: bool) -> str:
    counts = [v.n for v in values if v.n is not None and known(v) and v.metric not in SHARED]
    what = {
        "detection": f"Detector {by} on {data}",
        "identity": f"Recogniser {by} on {data}",
        "quality": f"Distances and shares by {by} on {data}",
        "utility": f"What {by} reads off {data}",
    }[part]
    low, high = (min(counts), max(counts)) if counts else (0, 0)
    size = numbers.bare(low, "count") + (f" to {numbers.bare(high, 'count')}" if high > low else "")
    printed = " Printed numbers are of DSFD on WIDER FACE; what is retained fits the mean of its subsets." * paper
    return f"{what}; 95 % intervals in brackets{f'; n = {size}' if counts else ''}.{printed}"
