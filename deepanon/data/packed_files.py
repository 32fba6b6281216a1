"""Packed crops as the files they are: what they are called, and meta, arrays and members, read without judging them."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.data import SPLITS
from deepanon.detections import FIVE, KeypointSchema, schema_for
from deepanon.errors import DataError
from deepanon.geometry import Array

FORMAT = 1  # of `meta.json`
META = "meta.json"
_SPLIT = f"({'|'.join(SPLITS)})"
_PART = r"\.[0-9a-f]{8}\.part"  # what `files.replacing` puts between stem and suffix
_CACHE = r"-\d+px-[0-9a-f]{32}"
_OURS = re.compile(
    rf"{_SPLIT}(-\d{{3,}}\.tar|\.npz|{_CACHE}\.crops)|meta\.json|"
    rf"\.{_SPLIT}(-\d{{3,}}{_PART}\.tar|{_PART}\.npz|{_CACHE}{_PART}\.crops)|\.meta{_PART}\.json"
)


def arrays_name(split: str) -> str:
    """File of a split's arrays."""
    return f"{split}.npz"


def shard_name(split: str, number: int) -> str:
    """File of a shard."""
    return f"{split}-{number:03d}.tar"


def cache_name(split: str, side: int, key: str) -> str:
    """File of a split's decoded crops of one size, made from what `key` stands for (32 digits in hex)."""
    return f"{split}-{side}px-{key}.crops"


def is_packed_name(name: str) -> bool:
    """Whether a file of this name is part of a set, or what a writer that was killed left of one."""
    return _OURS.fullmatch(name) is not None


def read_meta(root: str | Path) -> dict[str, Any]:
    """`meta.json` of a set: `format`, `schema`, `made_with`, mostly `resolution`; an empty dict if there is none.

    Raises:
        DataError: unreadable, or of another format.
    """
    path = Path(root) / META
    if not path.is_file():
        return {}
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        known, facts = meta["format"], {"schema": str(meta["schema"]), "made_with": meta.get("made_with") or {}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not a description of packed crops ({error!r})") from None
    if known != FORMAT:
        raise DataError(f"{path}: format {known!r} is not known; this version reads format {FORMAT}")
    return dict(meta | facts)


def stored_schema(root: str | Path) -> KeypointSchema:
    """What the keypoints of a set mean: as `meta.json` says, "five" where there is none.

    Raises:
        DataError: see `read_meta`.
        SchemaError: an unknown schema.
    """
    meta = read_meta(root)
    return schema_for(meta["schema"]) if meta else FIVE


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, Array]:
    """The arrays of an npz file, as stored: all of them, or those of `names` that are there.

    Raises:
        DataError: not a readable npz file.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files if names is None or name in names}
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
