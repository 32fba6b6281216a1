"""What a build has done so far, in one SQLite file: a photo stands in it wholly or not at all, even after `kill -9`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.data.packed_writer import StoredCrop
from deepanon.errors import DataError

TABLES = """
CREATE TABLE IF NOT EXISTS settings (value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS photos (
    name TEXT PRIMARY KEY, size INTEGER, modified INTEGER, sha256 TEXT, faces INTEGER, dropped TEXT, error TEXT);
CREATE TABLE IF NOT EXISTS crops (name TEXT, face INTEGER, jpeg BLOB, facts TEXT, PRIMARY KEY (name, face));
CREATE INDEX IF NOT EXISTS by_content ON photos (sha256, name);
"""


@dataclass(frozen=True)
class Examined:
    """What was found in one photo.

    Attributes:
        name: of the photo, its path below the folder, with slashes.
        stamp: size in bytes and time of change in nanoseconds, as they were then.
        sha256: of the file; "" if it could not be read.
        faces: how many the detector found.
        crops: the faces that are kept; `source` and `identity` are still empty.
        dropped: reason -> number of faces.
        error: why the photo failed, or "".
    """

    name: str
    stamp: tuple[int, int]
    sha256: str = ""
    faces: int = 0
    crops: list[StoredCrop] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    error: str = ""


class Journal:
    """The journal at `path`, for one process at a time.

    Args:
        path: made if it is missing.

    Raises:
        DataError: not a journal, in use by another process, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._named_errors():
            self.base = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            self.base.execute("PRAGMA locking_mode=EXCLUSIVE")
            self.base.execute("BEGIN EXCLUSIVE")  # a second process stops here
            self.base.execute("COMMIT")
            self.base.executescript(TABLES)

    def close(self) -> None:
        """Close the file; it can be opened again."""
        self.base.close()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "; another build is at work there" if "locked" in str(error) else ""
            raise DataError(f"{self.path}: {error}{hint}") from error

    @property
    def settings(self) -> dict[str, Any] | None:
        """What the build was started with, None in a new journal."""
        with self._named_errors():
            row = self.base.execute("SELECT value FROM settings").fetchone()
        return json.loads(row[0]) if row else None

    @settings.setter
    def settings(self, value: dict[str, Any]) -> None:
        """Store them; once, in a new journal."""
        with self._named_errors():
            self.base.execute("INSERT INTO settings VALUES (?)", (json.dumps(value),))

    def keep_only(self, stamps: dict[str, tuple[int, int]]) -> set[str]:
        """Forget photos that failed, changed or went away; returns the names of the others."""
        with self._named_errors():
            rows = self.base.execute("SELECT name, size, modified, error FROM photos").fetchall()
            good = {name for name, *stamp, error in rows if stamps.get(name) == tuple(stamp) and not error}
            gone = [(name,) for name, *_ in rows if name not in good]
            with self._transaction():
                self.base.executemany("DELETE FROM photos WHERE name = ?", gone)
                self.base.executemany("DELETE FROM crops WHERE name = ?", gone)
        return good

    def add(self, photo: Examined) -> None:
        """Enter one photo with all its crops, or nothing."""
        crops = [(photo.name, face, crop.jpeg, _facts(crop)) for face, crop in enumerate(photo.crops)]
        row = (photo.name, *photo.stamp, photo.sha256, photo.faces, json.dumps(photo.dropped), photo.error)
        with self._named_errors(), self._transaction():
            self.base.execute("INSERT INTO photos VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self.base.executemany("INSERT INTO crops VALUES (?, ?, ?, ?)", crops)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.base.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.base.rollback()
            raise
        self.base.execute("COMMIT")

    def photos(self) -> Iterator[Examined]:
        """Every readable photo, without its crops, by content; of identical files the one whose name comes first."""
        query = "SELECT MIN(name), size, modified, sha256, faces, dropped FROM photos WHERE error = '' GROUP BY sha256"
        for name, size, modified, sha256, faces, dropped in self._rows(f"{query} ORDER BY sha256"):
            yield Examined(name, (size, modified), sha256, faces, dropped=json.loads(dropped))

    def failed(self) -> dict[str, str]:
        """Photo name -> why it failed."""
        return dict(self._rows("SELECT name, error FROM photos WHERE error != '' ORDER BY name"))

    def crops(self, name: str) -> Iterator[StoredCrop]:
        """The crops of one photo, best face first."""
        for jpeg, facts in self._rows("SELECT jpeg, facts FROM crops WHERE name = ? ORDER BY face", name):
            yield _stored(jpeg, json.loads(facts))

    def _rows(self, query: str, *values: Any) -> Iterable[Any]:
        with self._named_errors():
            yield from self.base.execute(query, values)


def _facts(crop: StoredCrop) -> str:
    return json.dumps({
        "box": np.asarray(crop.box, dtype=np.float32).tolist(),
        "keypoints": np.asarray(crop.keypoints, dtype=np.float32).tolist(),
        "score": float(crop.score),
        "crop_side": int(crop.crop_side),
        "photo": crop.photo,
        "others": int(crop.others),
    })  # fmt: skip


def _stored(jpeg: bytes, facts: dict[str, Any]) -> StoredCrop:
    points = np.array(facts.pop("keypoints"), dtype=np.float32)
    return StoredCrop(jpeg, np.array(facts.pop("box"), dtype=np.float32), points, source="", identity="", **facts)
