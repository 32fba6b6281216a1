"""The form that YOLO's trainers read: pictures in `images/`, a text file each in `labels/`, a `data.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from deepanon.data.forms.files import SetFiles, check_upright, pictures_below, some
from deepanon.errors import DataError

LISTS = ("classes.txt", "train.txt", "val.txt", "test.txt")


def read_yolo(root: Path) -> SetFiles:
    """Sort the files: pictures below a folder `images` (`images/train/` or `train/images/`), labels in its twin.

    Raises:
        DataError: labels without their picture, or pictures that are stored turned.
    """
    found, others = pictures_below(root)
    pictures = [name for name in found if "images" in PurePosixPath(name).parts[:-1]]
    expected = {_label(name) for name in pictures}
    labels = [name for name in others if name.endswith(".txt") and "labels" in PurePosixPath(name).parts[:-1]]
    orphans = [name for name in labels if name not in expected]
    if orphans:
        raise DataError(f"{root}: labels without their picture: {some(orphans)}")
    kept = [name for name in others if name in LISTS or ("/" not in name and name.endswith((".yaml", ".yml")))]
    check_upright(root, pictures)
    bare = sorted(name for name in pictures if _label(name) not in set(labels))
    elsewhere = sorted(set(found) - set(pictures))
    notes = [f"pictures without labels (background, to YOLO): {some(bare)}"] if bare else []
    notes += [f"pictures outside a folder images/, and left out: {some(elsewhere)}"] if elsewhere else []
    notes += list(_absolute(root, kept))
    if not any(name.endswith((".yaml", ".yml")) for name in kept):
        notes.append("there is no data.yaml at the root")
    kept = sorted([*labels, *kept])
    return SetFiles(pictures, kept, sorted({*elsewhere, *others} - {*kept}), notes)


def _label(picture: str) -> str:
    """`images/train/a.jpg` -> `labels/train/a.txt`; the last `images` counts, as in the trainers."""
    parts = list(PurePosixPath(picture).with_suffix(".txt").parts)
    last = len(parts) - 2 - parts[-2::-1].index("images")
    parts[last] = "labels"
    return "/".join(parts)


def _absolute(root: Path, kept: list[str]) -> Iterator[str]:
    """A kept file that names an absolute path would send a trainer to the originals without a word."""
    for name in kept:
        text = (root / name).read_text(encoding="utf-8", errors="replace")
        pattern = r"^\s*(?:-\s*)?(?:(?:path|train|val|test)\s*:\s*)?[\[\"']*(/\S+|[A-Za-z]:[\\/]\S+|~\S*)"
        if name != "classes.txt" and (found := re.search(pattern, text, re.MULTILINE)):
            yield f"{name} names the absolute path {found[1]}: a trainer would read the originals there; change it"
