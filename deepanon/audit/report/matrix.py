"""Every method against every attack, on one look: what the best recogniser makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deepanon.audit.report.lookup import Lookup, eye_name
from deepanon.evaluation.report import numbers
from deepanon.evaluation.values import Value

GAMMA = 0.7  # of the heat: small shares are told apart better than large ones
NOT_RUN = "not run"


@dataclass(frozen=True)
class Heat:
    """One place: the number as text, how hot it is in [0, 1], and a sentence for whoever points at it."""

    text: str
    heat: float
    hint: str
    state: str = ""  # "worst" of its row, "lacking" without a number


@dataclass(frozen=True)
class Line:
    """One method with its verdict, what a naive and an adapted attacker reach, and all attacks."""

    anchor: str
    method: str
    verdict: str
    naive: Heat
    adapted: Heat
    cells: tuple[Heat, ...]


@dataclass(frozen=True)
class Matrix:
    """Attacks of those who know nothing, of those who know the method, and a line a method."""

    naive: tuple[str, ...]
    adapted: tuple[str, ...]
    lines: tuple[Line, ...]


def matrix(lookup: Lookup) -> Matrix:
    """Rank 1, the highest of all recognisers; attacks that were not run say so."""
    naive = [attack for attack in lookup.attacks if lookup.naive(attack)]
    adapted = [attack for attack in lookup.attacks if attack not in naive]
    lines = [_line(lookup, method, naive, adapted) for method in lookup.worst_first]
    return Matrix(tuple(naive), tuple(adapted), tuple(lines))


def _line(lookup: Lookup, method: str, naive: Sequence[str], adapted: Sequence[str]) -> Line:
    verdict, top = lookup.verdict(method), lookup.best(method, lookup.attacks)
    cells = [_heat(lookup, method, [attack], top) for attack in (*naive, *adapted)]
    return Line(
        anchor(lookup, method), method, verdict.picture if verdict else "",
        _heat(lookup, method, naive, None), _heat(lookup, method, adapted, None), tuple(cells),
    )  # fmt: skip


def _heat(lookup: Lookup, method: str, attacks: Sequence[str], top: Value | None) -> Heat:
    best = lookup.best(method, attacks)
    if best is None:
        why = [lookup.not_run(method)[attack] for attack in attacks if attack in lookup.not_run(method)]
        return Heat(NOT_RUN if why else numbers.NOTHING, 0.0, f"{NOT_RUN}: {why[0]}" if why else "no number", "lacking")
    text = percent(best.value)
    hint = f"{best.scope}, {eye_name(best.by)}: {text} % {numbers.interval(best.low, best.high, 'share')}".strip()
    heat = min(max(best.value, 0.0), 1.0) ** GAMMA
    return Heat(text, round(heat, 3), hint, "worst" if top is not None and best is top else "")


def percent(share: float) -> str:
    """0.883 -> "88", 0.042 -> "4.2": as many digits as fit in a glance."""
    if not math.isfinite(share):
        return numbers.NOTHING
    return f"{share * 100:.0f}" if share >= 0.0995 else f"{share * 100:.1f}"


def anchor(lookup: Lookup, method: str) -> str:
    """The id of a method's section: a number, because names may hold anything."""
    return f"method-{lookup.methods.index(method) + 1}"
