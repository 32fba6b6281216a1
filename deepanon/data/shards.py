"""Tar files as random-access stores: indexed once, then each member is one read at a known place."""

from __future__ import annotations

import io
import os
import tarfile
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.data.packed_files import shard_name
from deepanon.errors import DataError, ImageError
from deepanon.geometry import Array

OPEN_FILES = 128  # kept open at a time, well below the usual limit of 1024 a process


class Shards:
    """The members `<key>.<suffix>` of `<split>-NNN.tar`, by row.

    Args:
        root: folder of the shards.
        split: what their names start with.
        keys: (n,) names of the members without suffix.
        numbers: (n,) number of the shard that holds each.

    Raises:
        DataError: a shard or member is missing, a shard is no plain tar file, or two rows are one member.
    """

    def __init__(self, root: Path, split: str, keys: Array, numbers: Array) -> None:
        self.root, self.split, self.keys = root, split, keys
        self.numbers = array("q", numbers.tolist())  # an item of these is a Python int five times sooner than numpy's
        self.offsets = array("q", [-1]) * len(keys)
        self.sizes = array("q", [0]) * len(keys)
        self.suffixes: dict[int, str] = {}  # of members that are not called .jpg
        self._open: dict[int, io.FileIO] = {}
        order = np.argsort(numbers, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            self._index(int(numbers[rows[0]]), rows)
        self._check_complete()

    def path(self, number: int) -> Path:
        """Of a shard."""
        return self.root / shard_name(self.split, number)

    def name(self, row: int) -> str:
        """`<shard>:<member>`, for messages."""
        return f"{self.path(self.numbers[row])}:{self.keys[row]}{self.suffixes.get(row, '.jpg')}"

    def read(self, row: int) -> bytes:
        """Content of a member.

        Raises:
            ImageError: the shard ends before the member does (it was whole when it was indexed).
            OSError: the shard cannot be opened or read any more.
        """
        size = self.sizes[row]
        blob = os.pread(self._file(self.numbers[row]).fileno(), size, self.offsets[row])  # moves no shared position
        if len(blob) != size:
            raise ImageError(f"not a readable picture (the shard ends after {len(blob)} of {size} bytes)")
        return blob

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": {}}

    def _file(self, number: int) -> io.FileIO:
        file = self._open.get(number)
        if file is None:
            while len(self._open) >= OPEN_FILES:
                self._open.pop(next(iter(self._open))).close()
            file = self._open[number] = open(self.path(number), "rb", buffering=0)  # noqa: SIM115 (kept open)
        return file

    def _index(self, number: int, rows: Array) -> None:
        """Find the members of one shard that `rows` ask for."""
        path = self.path(number)
        if not path.is_file():
            raise DataError(f"{path} does not exist")
        wanted = dict(zip(self.keys[rows].tolist(), rows.tolist(), strict=True))
        try:
            with tarfile.open(path, "r:") as shard:
                for member in shard:
                    key, suffix = os.path.splitext(os.path.basename(member.name))
                    row = wanted.pop(key, None) if member.isreg() else None
                    if row is not None:
                        self.offsets[row], self.sizes[row] = member.offset_data, member.size
                        if suffix != ".jpg":
                            self.suffixes[row] = suffix
                    shard.members = []  # type: ignore[attr-defined]  # or the file's whole listing stays in memory
        except tarfile.TarError as error:
            raise DataError(f"{path}: not a readable tar file ({error})") from None

    def _check_complete(self) -> None:
        missing = [row for row, offset in enumerate(self.offsets) if offset < 0]
        if missing:
            raise DataError(
                f"{self.root}: {len(missing)} of {len(self.keys)} crops of {self.split!r} are not in the shards; "
                f"the first is {self.keys[missing[0]]}.jpg"
            )
