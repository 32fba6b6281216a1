"""What attackers make of faces, side by side: original, anonymized, and each attempt to rebuild the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepanon.errors import OptionError
from deepanon.evaluation.report.page import embedded
from deepanon.evaluation.report.pictures import Picture, Pictures
from deepanon.evaluation.report.privacy import without_paths
from deepanon.geometry import Array

ORIGINAL, ANONYMIZED = "original", "anonymized"
PHOTOS_OUT = (
    "No photograph of a real person is shown, nor what was rebuilt from one: nobody said that the licence of the data "
    "and the people in it allow that."
)
ORIGINALS_OUT = "Originals are left out, and with them every face that was rebuilt from a photograph."


@dataclass(frozen=True)
class Grid:
    """Faces of one method: headings, and a row of pictures for each face; None where there is none.

    Attributes:
        set: name of the data.
        heads: "original", "anonymized", names of attacks.
        rows: pictures ready for the page, in the order of `heads`.
        hidden: how many pictures are left out.
        why: they are left out, a sentence each.
    """

    set: str
    heads: tuple[str, ...]
    rows: tuple[tuple[dict[str, Any] | None, ...], ...]
    hidden: int
    why: tuple[str, ...]


def add_faces(
    pictures: Pictures,
    *,
    set: str,
    method: str,
    face: str,
    original: Array,
    anonymized: Array,
    rebuilt: Mapping[str, Array],
    real: bool = True,
) -> None:
    """Store one face for a report, and what attackers rebuilt of it.

    Args:
        pictures: the folder.
        set: name of the data.
        method: that anonymized it.
        face: which one it is; a number, no name of a person.
        original: (H, W, 3) uint8.
        anonymized: the same after the method.
        rebuilt: attack -> what it made of it; with several recognisers name both.
        real: whether it is of a photograph. Rebuilt and generated faces of a photograph are photographs.

    Raises:
        OptionError: an attack is called "original" or "anonymized".
        ImageError: the pixels are no picture, or it cannot be written.
    """
    odd = rebuilt.keys() & {ORIGINAL, ANONYMIZED}
    if odd:
        raise OptionError(f"an attack is called {', '.join(sorted(odd))}; give it another name")
    for what, pixels in {ORIGINAL: original, ANONYMIZED: anonymized, **rebuilt}.items():
        pictures.add(pixels, set=set, method=method, photo=face, reason=what, real=real)


def may_be_shown(picture: Picture, originals: bool, photos_allowed: bool) -> str:
    """Empty if it may, else why not."""
    if picture.real and not photos_allowed:
        return PHOTOS_OUT
    rebuilt = picture.reason != ANONYMIZED
    return ORIGINALS_OUT if not originals and rebuilt and (picture.real or picture.reason == ORIGINAL) else ""


def grids(
    pictures: Sequence[Picture], folder: Path | None, attacks: Sequence[str], originals: bool, photos_allowed: bool
) -> dict[str, list[Grid]]:
    """Method -> a grid for each set of data.

    Raises:
        DataError: a picture cannot be read.
    """
    groups: dict[tuple[str, str], list[Picture]] = {}
    for picture in pictures:
        groups.setdefault((without_paths(picture.method), picture.set), []).append(picture)
    found: dict[str, list[Grid]] = {}
    for (method, data), group in groups.items():
        found.setdefault(method, []).append(_grid(data, group, folder, attacks, originals, photos_allowed))
    return found


def _grid(
    data: str, group: list[Picture], folder: Path | None, attacks: Sequence[str], originals: bool, allowed: bool
) -> Grid:
    why = {picture: may_be_shown(picture, originals, allowed) for picture in group}
    seen = {(p.photo, p.reason): p for p, reason in why.items() if not reason}
    order = [ORIGINAL, ANONYMIZED, *attacks]
    heads = sorted({what for _, what in seen}, key=lambda what: (order.index(_attack(what, order)), what))
    rows: list[tuple[dict[str, Any] | None, ...]] = []
    for photo in dict.fromkeys(photo for photo, _ in seen):
        row = [seen.get((photo, what)) for what in heads]
        rows.append(tuple(_picture(p, folder, len(rows) + 1) if p else None for p in row))
    reasons = tuple(dict.fromkeys(reason for reason in why.values() if reason))
    return Grid(data, tuple(heads), tuple(rows), sum(map(bool, why.values())), reasons)


def _attack(what: str, order: list[str]) -> str:
    """The attack that a heading such as "linear, sface" begins with; "original" stays itself."""
    fits = [name for name in order if what == name or what.startswith((f"{name},", f"{name} "))]
    return max(fits, key=len, default=order[-1])


def _picture(picture: Picture, folder: Path | None, number: int) -> dict[str, Any]:
    alt = f"Face {number}, {picture.reason}, {without_paths(picture.method)}"
    return embedded(picture, folder) | {"alt": alt}
