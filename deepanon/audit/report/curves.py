"""Which lines the plots of a method have: the strongest attacks by name, the others as one grey crowd."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deepanon.audit.measures import RANK_1
from deepanon.audit.report.lookup import Lookup, eye_name
from deepanon.audit.report.plots import Line, det_plot, rank_plot
from deepanon.evaluation.report import numbers

EER = "audit_eer"


@dataclass(frozen=True)
class Plots:
    """Both plots of one recogniser; empty where there is no curve."""

    eye: str
    cmc: str
    det: str


def plots(lookup: Lookup, method: str) -> list[Plots]:
    """A pair for every recogniser that has curves, that of the strongest attack first."""
    stored = lookup.result.curves.get(method, {})
    eyes = dict.fromkeys(eye for curves in stored.values() for eye in curves)
    first = lookup.strongest(method).eye
    return [_plots(lookup, method, eye, stored) for eye in sorted(eyes, key=lambda eye: eye != first)]


def _plots(lookup: Lookup, method: str, eye: str, stored: Mapping[str, Any]) -> Plots:
    found = {attack: curves[eye] for attack, curves in stored.items() if eye in curves}
    order = sorted(found, key=lambda attack: -_finite(_number(lookup, method, RANK_1, attack, eye)))
    kinds = _kinds(lookup, order)
    cmc = [
        Line(attack, _share(lookup, method, RANK_1, attack, eye), _ranked(found[attack].get("cmc", ())), kinds[attack])
        for attack in order
    ]
    det = [
        Line(attack, _share(lookup, method, EER, attack, eye), _pairs(found[attack].get("det", ())), kinds[attack])
        for attack in order
    ]
    where = f"{method}, {eye_name(eye)}"
    words = f"strongest is {order[0]}; see the table"
    return Plots(
        eye_name(eye),
        rank_plot(cmc, f"People found within a rank, {where}: {words}", lookup.chance) if _any(cmc) else "",
        det_plot(det, f"False accepts against false rejects, {where}: {words}") if _any(det) else "",
    )


def _kinds(lookup: Lookup, order: Iterable[str]) -> dict[str, str]:
    """The three strongest of those who know something, and the strongest of those who know nothing, have names."""
    left, kinds = ["first", "second", "third"], {}
    naive = ["naive"]
    for attack in order:
        free = naive if lookup.naive(attack) else left
        kinds[attack] = free.pop(0) if free else "other"
    return kinds


def _ranked(cmc: Iterable[float | None]) -> list[tuple[float, float]]:
    return [(float(rank), share) for rank, share in enumerate(cmc, 1) if share is not None]


def _pairs(det: Iterable[tuple[float | None, float | None]]) -> list[tuple[float, float]]:
    return [(far, frr) for far, frr in det if far is not None and frr is not None]


def _any(lines: list[Line]) -> bool:
    return any(len(line.points) > 1 for line in lines)


def _number(lookup: Lookup, method: str, metric: str, attack: str, eye: str) -> float:
    value = lookup.get(method, metric, attack, eye)
    return value.value if value else math.nan


def _share(lookup: Lookup, method: str, metric: str, attack: str, eye: str) -> str:
    value = _number(lookup, method, metric, attack, eye)
    return f"{numbers.bare(value, 'share')}{numbers.SPACE}%" if math.isfinite(value) else ""


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -1.0
