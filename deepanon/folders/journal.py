"""What a run has done, on the disk: it can be killed at any time and taken up again."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from deepanon.errors import OptionError, SaveError
from deepanon.files import remove_parts
from deepanon.folders.jobs import Job, Shard, journal_folder
from deepanon.folders.outcome import Outcome
from deepanon.folders.sidecars import sidecar_of

SETTINGS = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
TABLES = """
CREATE TABLE IF NOT EXISTS made (fact TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS done (
    name TEXT PRIMARY KEY, stamp TEXT NOT NULL, written INTEGER NOT NULL,
    status TEXT NOT NULL, faces INTEGER NOT NULL, facts TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS begun (path TEXT PRIMARY KEY);
"""


class Journal:
    """The files that are done, of one shard of one output folder.

    It lies beside the output and is kept when the run ends, so that the same command does only what is new. It holds
    names, boxes and settings, no pixel and no secret.

    Args:
        output: folder of the results.
        shard: whose files it lists.
        made: with what the files are made, plain values; a journal begun with others is not gone on with.
        given: folder of sidecars that say where the faces are; a file whose sidecar was edited is done again.
        anew: forget what is there.

    Raises:
        OptionError: it was begun with other settings, or another run is at it.
        SaveError: it cannot be written.
    """

    def __init__(
        self,
        output: str | Path,
        shard: Shard,
        made: dict[str, Any],
        *,
        given: str | Path | None = None,
        anew: bool = False,
    ) -> None:
        self.output, self.file = Path(output), journal_folder(output) / f"{shard}.sqlite"
        self.given, self.lock = given, threading.Lock()
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            for old in self.file.parent.glob(f"{self.file.name}*") if anew else ():
                old.unlink()
            self.base = sqlite3.connect(self.file, isolation_level=None, check_same_thread=False)
            self.base.executescript(SETTINGS + TABLES)
        except (OSError, sqlite3.Error) as error:
            if "locked" in str(error):
                raise OptionError(
                    f"{self.output}: another run is writing there; wait, or give each a --shard"
                ) from error
            raise SaveError(f"{self.file}: no journal can be kept there ({error})") from error
        try:
            self._settle(made)
        except OptionError:
            self.base.close()
            raise
        self._tidy()

    def _settle(self, made: dict[str, Any]) -> None:
        """Note with what the files are made, or see that it is the same as before."""
        stored = dict(self.base.execute("SELECT fact, value FROM made"))
        wanted = {fact: json.dumps(value) for fact, value in made.items()}
        for fact in sorted(stored.keys() | wanted.keys()) if stored else ():
            if stored.get(fact) != wanted.get(fact):
                raise OptionError(
                    f"{self.output} was begun with {fact} {stored.get(fact)}, not {wanted.get(fact)}: go on with the "
                    "same options, take another folder, or begin anew with --anew"
                )
        self.base.executemany("INSERT OR IGNORE INTO made VALUES (?, ?)", wanted.items())

    def _tidy(self) -> None:
        """Remove what a killed run was writing."""
        for (path,) in self.base.execute("SELECT path FROM begun").fetchall():
            remove_parts(Path(path).parent, of=Path(path).name)
        self.base.execute("DELETE FROM begun")

    def begin(self, *paths: Path) -> None:
        """Note that these files are about to be written, so that nothing half is left for ever."""
        with self.lock, self._writing():
            self.base.executemany("INSERT OR IGNORE INTO begun VALUES (?)", [(str(path.resolve()),) for path in paths])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction; what SQLite says when it fails, as our own error."""
        try:
            self.base.execute("BEGIN")
            yield
            self.base.execute("COMMIT")
        except sqlite3.Error as error:
            raise SaveError(f"{self.file}: the journal cannot be written ({error})") from error

    def done(self, job: Job) -> Outcome | None:
        """What became of `job` in an earlier run; None if it was not done, or from another file, or is gone since."""
        with self.lock:
            row = self.base.execute(
                "SELECT stamp, written, status, faces, facts FROM done WHERE name = ?", (job.name,)
            ).fetchone()
        if row is None or row[:2] != (self._stamp(job), _size(self.output / job.name)):
            return None
        return Outcome(job.name, row[2], row[3], json.loads(row[4]), earlier=True)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Note that `job` is done and its result in place.

        Raises:
            SaveError: the disk is full.
        """
        written = _size(self.output / job.name)
        row = (job.name, self._stamp(job), written, outcome.status, outcome.faces, json.dumps(outcome.facts))
        with self.lock, self._writing():
            self.base.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?, ?)", row)
            self.base.execute("DELETE FROM begun")

    def _stamp(self, job: Job) -> str:
        """Size and time of last change of all that the result comes from; a file that is gone has neither."""
        stamps = []
        for path in (job.source, *([sidecar_of(self.given, job.name)] if self.given else [])):
            try:
                found = path.stat()
                stamps.append(f"{found.st_size} bytes {found.st_mtime_ns}")
            except OSError:
                stamps.append("none")
        return ", ".join(stamps)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.base.close()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
