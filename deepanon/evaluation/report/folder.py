"""The folder of a report: what is written to it, what is read back from it, and what must not lie in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepanon.errors import DataError, OptionError, SaveError
from deepanon.evaluation.report.pictures import INDEX, Picture
from deepanon.files import replacing


def write_files(folder: Path, contents: Mapping[str, str]) -> Path:
    """Write text by file name, in order; returns the path of `index.html`.

    Raises:
        SaveError: a file cannot be written.
    """
    try:
        for name, content in contents.items():
            with replacing(folder / name) as temporary:
                temporary.write_text(content, encoding="utf-8")
    except OSError as error:
        raise SaveError(f"{folder}: the report cannot be written: {error.strerror or error}") from error
    return folder / "index.html"


def read_stored(path: str | Path, file: str, schema: int) -> tuple[Path, dict[str, Any]]:
    """Read the numbers that a report was drawn from; `path` is the file, or the folder in which it is called `file`.

    Returns:
        Its path and what is in it, of which only the schema version is checked.

    Raises:
        DataError: there is no such file, it is damaged, something else, or of another schema version.
    """
    path = Path(path) / file if Path(path).is_dir() else Path(path)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged, or no JSON ({error})") from error
    if not isinstance(stored, dict) or "schema" not in stored:
        raise DataError(f"{path}: no {file} of deepanon (it has no `schema`)")
    if stored["schema"] != schema:
        raise DataError(f"{path}: schema version {stored['schema']!r}, this deepanon reads version {schema}")
    return path, stored


def refuse_photos_inside(
    folder: Path, pictures: Path, listed: Sequence[Picture], way_out: str = "choose another folder"
) -> None:
    """A folder that is handed on without photographs must not hold them as files either.

    Raises:
        OptionError: it does.
    """
    inside = pictures.resolve() == folder.resolve() or folder.resolve() in pictures.resolve().parents
    if inside and any(picture.real for picture in listed):
        raise OptionError(
            f"{pictures / INDEX} lists photographs and lies in {folder}, which is to have none; {way_out}"
        )
