"""The form of Labeled Faces in the Wild (Huang et al. 2007): `Name/Name_0001.jpg`, and lists of pairs and people."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from deepanon.data.forms.files import SetFiles, pictures_below, some
from deepanon.errors import DataError

PAIRS = ("pairs.txt", "pairsDevTrain.txt", "pairsDevTest.txt")
LISTS = (*PAIRS, "people.txt", "peopleDevTrain.txt", "peopleDevTest.txt", "lfw-names.txt")


def read_lfw(root: Path) -> SetFiles:
    """Sort the files; every picture that a list of pairs speaks of must be there.

    Raises:
        DataError: a line of a list cannot be understood, or its picture is not there.
    """
    found, others = pictures_below(root)
    pictures = [name for name in found if _fits(name)]
    kept = [name for name in others if name in LISTS]
    known = {_key(name) for name in pictures}
    for name in kept:
        if name in PAIRS:
            _check_pairs(root / name, known)
    odd = [name for name in found if not _fits(name)]
    notes = [f"not of the form Name/Name_0001.jpg, and left out: {some(odd)}"] if odd else []
    notes += ["file names and lists hold the names of the people; the form cannot be kept without them"]
    return SetFiles(pictures, kept, sorted({*odd, *others} - {*kept}), notes)


def _fits(name: str) -> bool:
    path = PurePosixPath(name)
    return len(path.parts) == 2 and re.fullmatch(rf"{re.escape(path.parts[0])}_\d{{4,}}", path.stem) is not None


def _key(name: str) -> tuple[str, int]:
    """Who, and which picture."""
    person, _, number = PurePosixPath(name).stem.rpartition("_")
    return person, int(number)


def _check_pairs(path: Path, known: set[tuple[str, int]]) -> None:
    """Lines: `name i j` for one person, `name i other j` for two; the first one only counts."""
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines()[1:], start=2):
        words = text.split()
        try:
            if not words:
                continue
            who = [(words[0], int(words[1])), (words[-2] if len(words) == 4 else words[0], int(words[-1]))]
            if len(words) not in (3, 4):
                raise ValueError
        except (ValueError, IndexError):
            raise DataError(f"{path}:{line}: expected `name i j` or `name i other j`, got {text!r}") from None
        for person, number in who:
            if (person, number) not in known:
                raise DataError(f"{path}:{line}: there is no picture {person}/{person}_{number:04d} for this pair")
