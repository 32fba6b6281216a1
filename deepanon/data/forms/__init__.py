"""The folder forms in which data sets are kept: which files are pictures, which are annotations, which are neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deepanon.data.forms.coco import read_coco
from deepanon.data.forms.files import SetFiles, pictures_below
from deepanon.data.forms.lfw import read_lfw
from deepanon.data.forms.yolo import read_yolo
from deepanon.errors import DataError, lookup


def read_plain(root: Path) -> SetFiles:
    """Pictures in folders and nothing else."""
    pictures, others = pictures_below(root)
    return SetFiles(pictures, [], others, [])


FORMS: dict[str, Callable[[Path], SetFiles]] = {
    "folder": read_plain,
    "lfw": read_lfw,
    "coco": read_coco,
    "yolo": read_yolo,
}


def read_set(root: str | Path, form: str) -> SetFiles:
    """Sort the files of the data set at `root`; nothing is decoded.

    Raises:
        OptionError: unknown form; the message lists the known ones.
        DataError: no folder, no picture, annotations that cannot be read or speak of pictures that are not there.
    """
    read, root = lookup(FORMS, form, "form"), Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; a data set is one")
    found = read(root)
    if not found.pictures:
        raise DataError(f"{root}: no pictures in the form {form!r}")
    return found


__all__ = ["FORMS", "SetFiles", "read_set"]
