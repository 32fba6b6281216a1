"""The page of an audit: one file that a browser shows from the disk, with everything in it and nothing to run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader

from deepanon.audit.report.curves import plots
from deepanon.audit.report.lookup import Lookup, eye_name
from deepanon.audit.report.matrix import anchor, matrix, percent
from deepanon.audit.report.rebuilt import grids
from deepanon.audit.report.summary import MEANS, sentences
from deepanon.audit.report.tables import attack_tables, other_values, said
from deepanon.evaluation.report import numbers
from deepanon.evaluation.report.page import environment as evaluation_environment
from deepanon.evaluation.report.pictures import Picture


@dataclass(frozen=True)
class Bar:
    """Shares in percent of the width of a bar; None where there is no such number."""

    rank_1: float | None
    upper: float | None
    chance: float | None
    context: float | None


@dataclass(frozen=True)
class Row:
    """One method on the first screen."""

    anchor: str
    method: str
    picture: str
    face: str
    uses_face: bool | None
    attack: str
    eye: str
    rank_1: str
    upper: str
    context: str
    bar: Bar
    not_run: int
    accepted: str


def page(
    lookup: Lookup, pictures: Sequence[Picture], folder: Path | None, originals: bool, photos_allowed: bool
) -> str:
    """The whole page as HTML.

    Args:
        lookup: the numbers.
        pictures: to show.
        folder: where their files are.
        originals: show originals.
        photos_allowed: show photographs of real people.

    Raises:
        DataError: a picture cannot be read.
    """
    shown = grids(pictures, folder, lookup.attacks, originals, photos_allowed)
    context = {
        "lookup": lookup,
        "result": lookup.result,
        "summary": [] if lookup.void else sentences(lookup),
        "rows": [_row(lookup, name) for name in lookup.worst_first],
        "chance": numbers.bare(lookup.chance, "share"),
        "matrix": matrix(lookup),
        "sections": [_section(lookup, name, shown.get(name, [])) for name in lookup.worst_first],
        "means": MEANS,
        "used": {value.metric for value in lookup.result.values},
    }
    return environment().get_template("audit.html.j2").render(context)


@cache
def environment() -> Environment:
    """Templates of the evaluation's pages and of this one; what they are given is escaped."""
    other = evaluation_environment()
    loaders = [PackageLoader("deepanon.audit.report", "templates"), other.loader]
    made = other.overlay(loader=ChoiceLoader([loader for loader in loaders if loader]))
    made.globals["eye_name"] = eye_name
    return made


def _row(lookup: Lookup, name: str) -> Row:
    top, context = lookup.strongest(name), lookup.context(name)
    return Row(
        anchor(lookup, name), name, *said(lookup, name), lookup.uses_face(name), top.attack, eye_name(top.eye),
        numbers.bare(top.rank_1, "share"), numbers.bare(top.upper, "share"), numbers.bare(context, "share"),
        Bar(*map(_width, (top.rank_1, top.upper, lookup.chance, context))), len(lookup.not_run(name)),
        _accepted(lookup, name),
    )  # fmt: skip


def _accepted(lookup: Lookup, name: str) -> str:
    """The worst TAR in words, where rank 1 is not the number to look at."""
    found = lookup.accepted(name)
    if found is None:
        return ""
    by = f" by {found.scope} × {eye_name(found.by)}" if found.scope in lookup.attacks else ""
    return f"{lookup.metrics[found.metric].label}: {numbers.spoken(found.value, lookup.metrics[found.metric])}{by}"


def _width(share: float) -> float | None:
    return round(min(max(share, 0.0), 1.0) * 100, 2) if math.isfinite(share) else None


def _section(lookup: Lookup, name: str, shown: Sequence[Any]) -> dict[str, Any]:
    about, first = lookup.result.methods[name], lookup.strongest(name).eye
    eyes = sorted(lookup.eyes(name), key=lambda eye: eye != first)
    verdict = lookup.verdict(name)
    return {
        "anchor": anchor(lookup, name),
        "method": name,
        "said": said(lookup, name),
        "about": about,
        "uses_face": lookup.uses_face(name),
        "why": verdict.why if verdict else (),
        "headline": _headline(lookup, name),
        "tables": [(eye_name(eye), *attack_tables(lookup, name, eye)) for eye in eyes],
        "others": other_values(lookup, name),
        "plots": plots(lookup, name),
        "not_run": lookup.not_run(name),
        "side": about.get("side", {}),
        "grids": shown,
    }


def _headline(lookup: Lookup, name: str) -> str:
    """The strongest attack in one sentence."""
    top = lookup.strongest(name)
    if not math.isfinite(top.rank_1):
        return "No attack gave a number."
    sign = f"{numbers.SPACE}%"
    limit = f" (at most {percent(top.upper)}{sign}, one-sided 95{sign})" if math.isfinite(top.upper) else ""
    told = f"{percent(top.rank_1)}{sign} of the people{limit}"
    return f"Strongest attack: {top.attack} with {eye_name(top.eye)} tells {told}."
