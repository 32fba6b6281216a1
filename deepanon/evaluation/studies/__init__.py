"""Who measures what: a set, those who look at it, and the values that come of it."""

from __future__ import annotations

from typing import Any, Protocol

from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.studies.crops import CropStudy
from deepanon.evaluation.studies.examples import Example, add_examples
from deepanon.evaluation.studies.people import PeopleStudy
from deepanon.evaluation.studies.photos import PhotoStudy
from deepanon.evaluation.values import Value


class Study(Protocol):
    """One set, measured.

    Attributes:
        name: of the set.
    """

    name: str

    def observe(self, progress: Progress = iter) -> None:
        """Look at everything that is not in the store yet; what was seen is kept if it fails."""
        ...

    def values(self) -> list[Value]:
        """All numbers."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        ...


__all__ = ["CropStudy", "Example", "PeopleStudy", "PhotoStudy", "Study", "add_examples"]
