"""What an audit found of one method, and its keeping, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deepanon.audit.result import Verdict
from deepanon.errors import SaveError
from deepanon.evaluation.values import Value
from deepanon.files import replacing, sha256_of_sources

FOLDER = "methods"
CODE = (
    *("audit", "anonymizers", "embedders", "models", "runtimes"),
    *("crops.py", "geometry.py", "pasting.py", "pipeline.py", "seeds.py"),
)


@cache
def code_version() -> str:
    """SHA-256 over the sources that decide what an audit finds; how it is shown changes nothing."""
    return sha256_of_sources(CODE, but="audit/report/")


@dataclass(frozen=True)
class Record:
    """All that a result says of one method, as plain values.

    Attributes:
        about: `AuditResult.methods[name]`.
        values: every number.
        curves: `AuditResult.curves[name]`.
        verdict: on it.
    """

    about: dict[str, Any]
    values: tuple[Value, ...]
    curves: dict[str, Any]
    verdict: Verdict

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        values = [value.plain() for value in self.values]
        return {"about": self.about, "values": values, "curves": self.curves, "verdict": asdict(self.verdict)}

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Record:
        """What `plain` gave."""
        values = tuple(Value.read(value) for value in stored["values"])
        verdict = Verdict(**stored["verdict"] | {"why": tuple(stored["verdict"]["why"])})
        return cls(stored["about"], values, stored["curves"], verdict)


class Records:
    """Records in files, each under all that it depends on.

    Args:
        folder: where `methods/` lies; None keeps nothing.
        base: all that every record depends on: samples, split, eyes, ladder, limits, version.
    """

    def __init__(self, folder: Path | None, base: str) -> None:
        self.folder, self.base = folder, base

    def get(self, name: str, description: str, make: Callable[[], Record]) -> Record:
        """The record of a method: read if it was made before with the same of everything, else made and kept.

        Raises:
            SaveError: it cannot be written.
        """
        if self.folder is None:
            return make()
        key = hashlib.sha256(f"{self.base}\0{name}\0{description}".encode()).hexdigest()[:24]
        path = self.folder / FOLDER / f"{key}.json"
        kept = _read(path)
        if kept is not None:
            return kept
        record = make()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(record.plain(), ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            raise SaveError(f"{path}: cannot be written: {error.strerror or error}") from error
        return record


def _read(path: Path) -> Record | None:
    """None if there is none, or a damaged one: it is made again."""
    try:
        return Record.read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
