"""Held-out crops, and how real and varied the faces drawn into them look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from deepanon.evaluation.newfaces import NewFaces
from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.quality import Method, QualityStudy
from deepanon.evaluation.values import Value


class CropStudy:
    """`QualityStudy` and `NewFaces` of certain methods, in the form that the other studies have.

    Args:
        quality: what measures how real the pictures look.
        methods: what is measured.
        newfaces: what shows the faces to recognisers and detectors; None leaves that out.
    """

    def __init__(self, quality: QualityStudy, methods: Sequence[Method], newfaces: NewFaces | None = None) -> None:
        self.name, self.quality, self.methods, self.newfaces = quality.data, quality, list(methods), newfaces

    def observe(self, progress: Progress = iter) -> None:
        """Nothing to do ahead: `values` draws chunk by chunk, and keeps what it drew."""

    def values(self) -> list[Value]:
        """All numbers."""
        values = list(self.quality.values(self.methods))
        return values + (list(self.newfaces.values(self.methods)) if self.newfaces else [])

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        book, train = self.quality.book, self.quality.train_book
        return {
            "crops": len(book.rows),
            "training crops": 0 if train is None else len(train.rows),
            "resolution": book.resolution,
            "embedders": {embedder.name: embedder.description for embedder in self.quality.embedders},
            **(self.newfaces.facts if self.newfaces else {}),
            "fingerprint": hashlib.sha256(f"{book.fingerprint} {book.rows}".encode()).hexdigest(),
            "resamples": self.quality.resamples,
            "notes": [
                f"{len(book.rows)} held-out crops of {book.resolution} px, the face of each replaced once a seed."
            ],
        }
