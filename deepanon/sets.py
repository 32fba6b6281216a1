"""Whole data sets: every picture anonymized under its name, annotations kept, for other tools to read."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from deepanon.data.forms import SetFiles, read_set
from deepanon.errors import OptionError, SaveError
from deepanon.files import replacing, walk
from deepanon.folders import Job, Listed


def plan_set(source: str | Path, target: str | Path, form: str) -> tuple[Listed, SetFiles]:
    """What `anonymize_files` has to do for the data set at `source`, and what else is there.

    Raises:
        DataError: see `read_set`.
        OptionError: unknown form, source and target lie in each other, or the target holds files that are not of this
            set: they may be originals, and nobody could tell them apart.
    """
    source, target = Path(source), Path(target)
    inner, outer = target.resolve(), source.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise OptionError(f"{target} and {source} lie in each other; choose another folder for the result")
    files = read_set(source, form)
    if target.exists() and not target.is_dir():
        raise OptionError(f"{target} is a file; a data set needs a folder")
    if target.is_dir():
        known = {*files.pictures, *files.kept}
        foreign = [path for path in walk(target) if path.relative_to(target).as_posix() not in known]
        if foreign:
            raise OptionError(f"{foreign[0]} is not of this data set; choose a folder that is new or empty")
    jobs = [Job(source / name, name) for name in files.pictures]
    return Listed(jobs, [source / name for name in files.left_out]), files


def copy_kept(source: str | Path, target: str | Path, names: Sequence[str]) -> None:
    """Copy the annotations byte for byte, each whole or not at all.

    Raises:
        SaveError: one cannot be copied.
    """
    for name in names:
        try:
            with replacing(Path(target) / name) as temporary:
                shutil.copyfile(Path(source) / name, temporary)
        except OSError as error:
            raise SaveError(f"{Path(target) / name} cannot be written: {error.strerror or error}") from error
