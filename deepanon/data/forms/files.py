"""The files of a data set, sorted by what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deepanon.errors import DataError
from deepanon.files import walk
from deepanon.images import WRITERS, stored_size

SHOWN = 3  # names in a message; the rest are counted


@dataclass(frozen=True)
class SetFiles:
    """Names relative to the root, with slashes.

    Attributes:
        pictures: to be anonymized under the same name.
        kept: annotations, to be copied byte for byte.
        left_out: neither; what is in them nobody knows, so they are not copied.
        notes: what is odd but no error, one sentence each.
    """

    pictures: list[str]
    kept: list[str]
    left_out: list[str]
    notes: list[str]


def pictures_below(root: Path) -> tuple[list[str], list[str]]:
    """Names of all pictures below `root`, and of all other files."""
    pictures: list[str] = []
    others: list[str] = []
    for path in walk(root):
        (pictures if path.suffix.lower() in WRITERS else others).append(path.relative_to(root).as_posix())
    return pictures, others


def some(names: Sequence[str]) -> str:
    """The first few of `names`, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def check_upright(root: Path, pictures: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Width and height of every picture whose annotations are in pixels.

    Raises:
        DataError: a picture is stored turned. It would be written upright, and nobody knows whether its annotations
            mean the stored pixels or the upright ones.
        ImageError: a picture cannot be read.
    """
    facts = {name: stored_size(root / name) for name in pictures}
    turned = [name for name, (_, _, orientation) in facts.items() if orientation != 1]
    if turned:
        raise DataError(
            f"{root}: stored turned, with an EXIF orientation: {some(turned)}. They would be written upright, and "
            "their annotations may mean either: turn them upright first, and check the annotations"
        )
    return {name: (width, height) for name, (width, height, _) in facts.items()}
