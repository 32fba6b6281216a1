"""What has been observed, on disk: written picture by picture, so that a run that is stopped goes on where it was."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from deepanon.errors import DataError, SaveError
from deepanon.files import sha256_of_sources
from deepanon.geometry import Array

Arrays = Mapping[str, Array]
Key = tuple[str, str, str]  # picture, what was done to it, who looked

# Whatever decides what an observer writes down; a change in one of these files makes all that was stored void.
CODE = (
    "anonymizers",
    "crops.py",
    "data/crops.py",
    "data/cropset.py",
    "data/decode.py",
    "data/decoded.py",
    "detections.py",
    "detectors",
    "embedders",
    "evaluation/observing",
    "evaluation/quality/draws.py",
    "evaluation/quality/features.py",
    "evaluation/quality/perceptual.py",
    "geometry.py",
    "images.py",
    "jpeg.py",
    "models",
    "pasting.py",
    "pipeline.py",
    "runtimes",
    "seeds.py",
    "weights",
)


@cache
def code_version() -> str:
    """SHA-256 over the sources that decide what is observed."""
    return sha256_of_sources(CODE)


TABLE = "observed"


class Store:
    """Small arrays by key, in one SQLite file.

    Nothing in it is ever out of date: a key names the picture with its contents, what was done to it with weights and
    seed, and the observer with its weights; and entries of other versions of the code are not found.

    Args:
        path: of the file; made if it is missing. None keeps everything in memory.

    Raises:
        DataError: the file is no such store.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = path
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        with self._failing():
            self._connection = sqlite3.connect(":memory:" if path is None else path, timeout=60)
            self._connection.execute("PRAGMA journal_mode=WAL")  # two runs may share a file
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (key BLOB PRIMARY KEY, arrays BLOB)")
            self._connection.commit()

    def get(self, key: Key) -> dict[str, Array] | None:
        """What is stored under `key`, or None."""
        with self._failing():
            row = self._connection.execute(f"SELECT arrays FROM {TABLE} WHERE key = ?", (_digest(key),)).fetchone()
            return None if row is None else _read(row[0])

    def __contains__(self, key: Key) -> bool:
        with self._failing():
            found = self._connection.execute(f"SELECT 1 FROM {TABLE} WHERE key = ?", (_digest(key),))
            return found.fetchone() is not None

    def put(self, entries: Mapping[Key, Arrays]) -> None:
        """Store all of them or none; they are on the disk when this returns.

        Raises:
            SaveError: the disk is full, or the file cannot be written.
        """
        rows = [(_digest(key), _bytes(arrays)) for key, arrays in entries.items()]
        with self._failing(), self._connection:
            self._connection.executemany(f"INSERT OR REPLACE INTO {TABLE} VALUES (?, ?)", rows)

    def array(self, key: str, make: Callable[[], Arrays]) -> dict[str, Array]:
        """What is stored under one name that says all it depends on; made and stored if it is not there."""
        whole = ("", "", key)
        found = self.get(whole)
        if found is None:
            found = dict(make())
            self.put({whole: found})
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """SQLite's errors in words that say what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SaveError(
                f"{self.path} cannot be read or written: {error}; what was stored before is whole"
            ) from error
        except (sqlite3.DatabaseError, ValueError, OSError, EOFError) as error:
            raise DataError(
                f"{self.path} is no store of observations, or is damaged ({error}): move it away"
            ) from error


def _digest(key: Key) -> bytes:
    """16 bytes for a key and the version of the code: the words themselves would take more room than the arrays."""
    return hashlib.sha256("\0".join((code_version(), *key)).encode()).digest()[:16]


def _bytes(arrays: Arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **{name: np.asarray(value) for name, value in arrays.items()})  # type: ignore[arg-type]
    return stream.getvalue()


def _read(stored: bytes) -> dict[str, Array]:
    with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
