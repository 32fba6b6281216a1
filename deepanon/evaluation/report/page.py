"""The page: `index.html`, one file that needs nothing else and asks nobody for anything."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deepanon.errors import DataError
from deepanon.evaluation.report.bins import bin_tables
from deepanon.evaluation.report.figures import curve_figures, dot_figures, plotted_scopes, scatter_figures
from deepanon.evaluation.report.lookup import Lookup
from deepanon.evaluation.report.pictures import Picture
from deepanon.evaluation.report.published import PAPER, PUBLISHED, row_of
from deepanon.evaluation.report.summary import key_figures, sentences
from deepanon.evaluation.report.table import Table, trimmed
from deepanon.evaluation.report.tables import main_tables, other_tables

SECTIONS = {
    "detection": "Do detectors still find the faces?",
    "identity": "Can people still be recognised?",
    "quality": "Do the new faces look like faces?",
    "utility": "What else survives?",
}
ABOUT = {
    "detection": "Average precision of a face detector on anonymized pictures, as a share of the same on the "
    "originals. High means useful; it says nothing about privacy.",
    "identity": "Recognisers try to tell who was in the picture. The context control makes every face box grey: it "
    "shows how much hair, clothes and room give away, which every method leaves as they are.",
    "quality": "How far the new faces lie from real ones, for the whole crop and for the face alone. Distances shrink "
    "when the surroundings are shared, so compare like with like, and with the floor between real and real.",
    "utility": "Whether faces are found in the same place, look the same way and keep their points.",
}
LEFT_OUT = "Photographs are left out of this report."


@dataclass(frozen=True)
class Strip:
    """Pictures of one method in one set, ready for the page; `hidden` counts the photographs left out."""

    set: str
    method: str
    pictures: list[dict[str, Any]]
    hidden: int


def page(lookup: Lookup, pictures: Sequence[Picture], folder: Path | None, no_photos: bool) -> str:
    """The whole page as HTML.

    Args:
        lookup: the values.
        pictures: to show.
        folder: where their files are.
        no_photos: leave out every picture with `real`, and say so.

    Raises:
        DataError: a picture cannot be read.
    """
    parts = [
        {
            "key": part,
            "title": title,
            "about": ABOUT[part],
            "tables": [_folded(lookup, part, table) for table in main_tables(lookup, part)],
            "others": other_tables(lookup, part),
            "figures": dot_figures(lookup, part),
            "scatter": scatter_figures(lookup) if part == "identity" else [],
            "curves": curve_figures(lookup, part),
            "bins": bin_tables(lookup, part),
        }
        for part, title in SECTIONS.items()
    ]
    context = {
        "lookup": lookup,
        "results": lookup.results,
        "summary": sentences(lookup),
        "key_figures": key_figures(lookup),
        "parts": [part for part in parts if part["tables"] or part["bins"]],
        "grids": _strips(lookup, pictures, folder, no_photos, "grid"),
        "worst": _strips(lookup, pictures, folder, no_photos, "worst"),
        "no_photos": no_photos,
        "left_out": LEFT_OUT,
        "used": {value.metric for value in lookup.results.values},
        "paper_name": PAPER,
        "row_of": row_of,
        "printed": PUBLISHED,
    }
    return environment().get_template("index.html.j2").render(context)


def _folded(lookup: Lookup, part: str, table: Table) -> dict[str, Any]:
    """What is plotted stands open; other sizes of faces and other ways of counting the same queries fold away."""
    shown = plotted_scopes(lookup, part, table.data, table.by)
    first = tuple(group for group in table.groups if group.label in shown or not group.label)
    rest = tuple(group for group in table.groups if group not in first)
    if not first or not rest:
        return {"title": table.title, "first": table, "rest": None}
    opened, folded = (trimmed(replace(table, groups=groups)) for groups in (first, rest))
    return {"title": table.title, "first": opened, "rest": folded}


@cache
def environment() -> Environment:
    """The templates of all pages, with their style sheet; what they are given is escaped."""
    environment = Environment(
        loader=PackageLoader("deepanon.evaluation.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["raw"] = Markup  # for our own SVG alone, which escapes what it is given
    environment.filters["plain"] = plain
    return environment


def _strips(
    lookup: Lookup, pictures: Sequence[Picture], folder: Path | None, no_photos: bool, kind: str
) -> list[Strip]:
    """Pictures of a kind by set and method, in the order of the methods; drawn sets first."""
    chosen = [picture for picture in pictures if picture.kind == kind]
    groups: dict[tuple[str, str], list[Picture]] = {}
    for picture in chosen:
        groups.setdefault((picture.set, picture.method), []).append(picture)
    order = [*lookup.results.methods, *(method for _, method in groups)]
    sets = sorted({name for name, _ in groups}, key=lambda name: any(p.real for p in chosen if p.set == name))
    strips = []
    for name, method in sorted(groups, key=lambda group: (sets.index(group[0]), order.index(group[1]))):
        group = groups[name, method]
        seen = [picture for picture in group if not (no_photos and picture.real)]
        shown = [embedded(picture, folder) for picture in seen]
        strips.append(Strip(name, lookup.label(method), shown, len(group) - len(seen)))
    return strips


def embedded(picture: Picture, folder: Path | None) -> dict[str, Any]:
    """A picture for the page: its contents as a data URL, its size, and what it shows in words."""
    from PIL import Image

    assert folder is not None
    path = folder / picture.file
    try:
        content = path.read_bytes()
        with Image.open(path) as opened:
            opened.verify()
            width, height = opened.size
    except Exception as error:  # Pillow's decoders raise whatever they like on damaged files
        raise DataError(f"{path}: not a readable picture ({error})") from None
    kind = mimetypes.guess_type(path.name)[0] or "image/jpeg"
    source = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    what = "A face before and after" if picture.kind == "grid" else "A case that went wrong, before and after"
    alt = f"{what}: {picture.method}, {picture.set}, {picture.photo}{', ' + picture.reason if picture.reason else ''}"
    return {"source": source, "width": width, "height": height, "alt": alt, "reason": picture.reason}


def plain(value: Any) -> str:
    """A plain value of the provenance or of a set as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") if abs(value) > 9999 else str(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
