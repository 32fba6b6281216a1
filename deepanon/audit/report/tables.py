"""Tables of an audit: the verdicts, and every attack with every recogniser."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from deepanon.audit.measures import RANK_1
from deepanon.audit.report.lookup import Lookup, eye_name, of_attack
from deepanon.audit.report.matrix import matrix
from deepanon.evaluation.report import numbers
from deepanon.evaluation.report.table import Cell, Column, Group, Row, Table, noted, trimmed
from deepanon.evaluation.values import Value

FIRST = (
    RANK_1, "audit_tar_deployed_1e-3", "audit_tar_1e-3", "audit_eer", "audit_d_sys", "audit_anonymity_set",
)  # fmt: skip
VOID, NO_VERDICT = "VOID", "no verdict"
YES = {True: "yes", False: "no", None: numbers.NOTHING}
ARROWS = {"high": "↑", "low": "↓", "": ""}


def verdict_table(lookup: Lookup) -> Table:
    """A row a method, worst first: what a terminal shows."""
    columns = [
        Column("picture", "whole picture"), Column("face", "face alone"), Column("uses_face", "uses the face"),
        Column("attack", "strongest attack"), Column("eye", "recogniser"), Column(RANK_1, "rank 1", "%"),
        Column("upper", "upper 95 %", "%"), Column("context", "context", "%"), Column("not_run", "not run"),
    ]  # fmt: skip
    rows = tuple(Row(name, name, "", tuple(map(Cell, _said(lookup, name)))) for name in lookup.worst_first)
    chance = f" Chance is {numbers.bare(lookup.chance, 'share')} %." if math.isfinite(lookup.chance) else ""
    caption = f"The strongest attack of all, with the one-sided upper 95 % limit of the strongest.{chance}"
    return Table("verdicts", "", "", "Verdicts", caption, tuple(columns), (Group("", rows),))


def _said(lookup: Lookup, name: str) -> list[str]:
    strongest, left = lookup.strongest(name), lookup.not_run(name)
    return [
        *said(lookup, name), YES[lookup.uses_face(name)], strongest.attack or numbers.NOTHING,
        eye_name(strongest.eye) or numbers.NOTHING, numbers.bare(strongest.rank_1, "share"),
        numbers.bare(strongest.upper, "share"), numbers.bare(lookup.context(name), "share"),
        ", ".join(left) or numbers.NOTHING,
    ]  # fmt: skip


def said(lookup: Lookup, name: str) -> tuple[str, str]:
    """The verdicts on the whole picture and on the face alone; "VOID" of a void audit."""
    verdict = lookup.verdict(name)
    return (verdict.picture, verdict.face) if verdict else (VOID if lookup.void else NO_VERDICT,) * 2


def matrix_table(lookup: Lookup) -> Table:
    """Methods by attacks as text."""
    made = matrix(lookup)
    names = (*made.naive, *made.adapted)
    columns = tuple(Column(name, name, "" if lookup.naive(name) else "adapted") for name in names)
    rows = tuple(Row(line.method, line.method, "", tuple(Cell(c.text) for c in line.cells)) for line in made.lines)
    caption = "Rank 1 in percent, the highest of all recognisers."
    return Table("matrix", "", "", "Methods by attacks", caption, columns, (Group("", rows),))


def attack_tables(lookup: Lookup, method: str, eye: str) -> tuple[Table, Table | None]:
    """All attacks with one recogniser: the numbers that one asks for first, and the others if there are any."""
    values = [v for v in lookup.of(method) if v.by == eye and v.scope in lookup.attacks and of_attack(v)]
    keys = [key for key in lookup.metrics if any(value.metric == key for value in values)]
    rest = [key for key in keys if key not in FIRST]
    first = sorted((key for key in keys if key in FIRST), key=FIRST.index)
    made = [_table(lookup, method, eye, part) for part in (first, rest) if part]
    return made[0], made[1] if len(made) > 1 else None


def _table(lookup: Lookup, method: str, eye: str, keys: Sequence[str]) -> Table:
    rows = [
        Row(
            attack,
            attack,
            "reference" if lookup.naive(attack) else "",
            tuple(_cells(lookup, method, attack, eye, keys)),
        )
        for attack in lookup.attacks
        if any(value.scope == attack and value.by == eye for value in lookup.of(method))
    ]
    title = f"{method} · {eye_name(eye)}"
    caption = f"Attacks on {method}, {eye_name(eye)}; 95 % intervals in brackets. Grey: the attacker knows nothing."
    table = Table(
        f"{method}-{eye}", "", eye, title, caption, tuple(_column(lookup, key) for key in keys),
        (Group("", tuple(rows)),),
    )  # fmt: skip
    return noted(trimmed(table))


def other_values(lookup: Lookup, method: str) -> list[tuple[str, str]]:
    """Numbers of a method that belong to no single attack: what they are, and the number in words."""
    found = [v for v in lookup.of(method) if v.scope not in lookup.attacks or not of_attack(v)]
    return [(_what(lookup, value), _words(lookup, value)) for value in found]


def _what(lookup: Lookup, value: Value) -> str:
    where = [part for part in (value.scope, eye_name(value.by)) if part != "all"]
    return lookup.metrics[value.metric].label + (f" ({', '.join(where)})" if where else "")


def _words(lookup: Lookup, value: Value) -> str:
    metric, signed = lookup.metrics[value.metric], numbers.is_signed(value.metric)
    ends = numbers.interval(value.low, value.high, metric.unit, signed)
    if not ends and math.isfinite(value.high):
        ends = f"[≤ {numbers.bare(value.high, metric.unit, signed)}]"
    note = f"({value.note})" if value.note else ""
    return " ".join(filter(None, (numbers.spoken(value.value, metric, value.metric), ends, note)))


def _column(lookup: Lookup, key: str) -> Column:
    metric = lookup.metrics[key]
    return Column(key, metric.label, numbers.sign_of(metric, key), ARROWS[metric.better])


def _cells(lookup: Lookup, method: str, attack: str, eye: str, keys: Iterable[str]) -> list[Cell]:
    return [_cell(lookup, lookup.get(method, key, attack, eye)) for key in keys]


def _cell(lookup: Lookup, value: Value | None) -> Cell:
    if value is None:
        return Cell("")
    unit, signed = lookup.metrics[value.metric].unit, numbers.is_signed(value.metric)
    ends = numbers.interval(value.low, value.high, unit, signed)
    return Cell(numbers.bare(value.value, unit, signed), ends, "", value.note, value.value)


def control_table(lookup: Lookup) -> Table:
    """What must come out if the attackers can be trusted, and what did."""
    columns = (Column("passed", "passed"), Column("must", "must be"), Column("found", "was"))
    rows = tuple(
        Row(c.name, c.name, "", (Cell("yes" if c.passed else "NO"), Cell(c.must), Cell(c.found)))
        for c in lookup.result.controls
    )
    caption = "If one control fails the whole audit is void." if rows else "No control was made: the audit is void."
    return Table("controls", "", "", "What shows that the attackers work", caption, columns, (Group("", rows),))
