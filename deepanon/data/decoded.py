"""All crops of a set, decoded, in one file that is mapped into memory: a set is decoded once, and not once a run.

A cache and nothing more: its name says what it was made from, and it may be removed at any time. Several processes may
write it at once; each writes its own, and the last one takes the place of others that are the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepanon.files import replacing
from deepanon.geometry import Array

MAGIC = b"deepanon crops 1"
PAGE = 4096  # bytes; pictures begin at a whole one
CHUNK = 64  # crops that are decoded before they are written


@dataclass
class Decoded:
    """Decoded crops at one resolution; `used` names the row that each shows, -1 = not read yet."""

    images: Array  # (n, R, R, 3) uint8
    used: Array  # (n,) int64


def open_decoded(path: Path, n: int, side: int) -> Decoded | None:
    """What `write_decoded` wrote, mapped and not read; None if it is not there, or is not a whole file of that kind."""
    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) != MAGIC or np.fromfile(stream, np.int64, 2).tolist() != [n, side]:
                return None
            used = np.fromfile(stream, np.int64, n)
            if os.fstat(stream.fileno()).st_size != _start(n) + n * side * side * 3:
                return None
            images = np.memmap(stream, np.uint8, "r", _start(n), (n, side, side, 3))
    except OSError:
        return None
    return Decoded(np.asarray(images), used)


def write_decoded(path: Path, n: int, side: int, decode: Callable[[int, Array], int]) -> None:
    """Decode `n` crops to a file, whole or not at all.

    Args:
        path: file to write.
        n: number of crops.
        side: R in pixels.
        decode: fills (R, R, 3) uint8 with the crop of a row, and returns which row that was.

    Raises:
        OSError: it cannot be written.
    """
    used, room = np.full(n, -1, np.int64), np.empty((CHUNK, side, side, 3), np.uint8)
    with replacing(path) as temporary, temporary.open("wb") as stream:  # not mapped: a full disk is an error there
        stream.seek(_start(n))
        for start in range(0, n, CHUNK):
            rows = range(start, min(start + CHUNK, n))
            for at, row in enumerate(rows):
                used[row] = decode(row, room[at])
            stream.write(room[: len(rows)].tobytes())
        stream.seek(0)
        stream.write(MAGIC + np.array([n, side], np.int64).tobytes() + used.tobytes())
        stream.flush()
        os.fsync(stream.fileno())


def _start(n: int) -> int:
    """Where the pictures begin in the file."""
    return -(-(len(MAGIC) + 8 * (2 + n)) // PAGE) * PAGE
