"""What became of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deepanon.errors import DeepanonError

FINISHED = ("anonymized", "copied", "detected")


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        name: as in `Job`.
        status: "anonymized", "copied" (no face, and a copy was asked for; or every face was left), "detected" or
            "failed" (nothing written).
        faces: how many were found; in a film, how many tracks.
        facts: what was found and done, plain values.
        error: why it failed.
        earlier: an earlier run had done it.
    """

    name: str
    status: str
    faces: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    earlier: bool = False

    @classmethod
    def failure(cls, name: str, error: Exception) -> Outcome:
        """A file that failed; what our own errors say is for users, others come with their type."""
        known = isinstance(error, DeepanonError)
        return cls(name, "failed", error=str(error) if known else f"unexpected {type(error).__name__}: {error}")

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        facts: dict[str, Any] = {"name": self.name, "status": self.status} | self.facts
        return facts | ({"error": self.error} if self.error else {})
