"""Packed crops as the files they are: meta, arrays and members, read without judging them."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.data.packed_writer import FORMAT
from deepanon.errors import DataError
from deepanon.geometry import Array

SPLITS = ("train", "val")


def read_meta(root: str | Path) -> dict[str, Any]:
    """`meta.json` of a set: `schema`, `resolution`, `made_with`; an empty dict if there is none.

    Raises:
        DataError: unreadable, or of another format.
    """
    path = Path(root) / "meta.json"
    if not path.is_file():
        return {}
    try:
        meta = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable ({error})") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DataError(f"{path}: not of format {FORMAT}")
    return meta | {"made_with": meta.get("made_with") or {}}


def read_arrays(path: Path) -> dict[str, Array]:
    """Every array of an npz file, as stored.

    Raises:
        DataError: not a readable npz file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a readable npz file ({error})") from None


def read_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file in a shard, in order.

    Raises:
        DataError: not a readable tar file, at whatever point that shows.
    """
    try:
        with tarfile.open(path, "r:") as shard:
            for member in shard:
                stream = shard.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"{path}: not a readable tar file ({error})") from None
