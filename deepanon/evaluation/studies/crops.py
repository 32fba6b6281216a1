"""Held-out crops, and how real and varied the faces drawn into them look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.quality import Method, QualityStudy
from deepanon.evaluation.values import Value


class CropStudy:
    """`QualityStudy` of certain methods, in the form that the other studies have.

    Args:
        quality: what measures.
        methods: what is measured.
    """

    def __init__(self, quality: QualityStudy, methods: Sequence[Method]) -> None:
        self.name, self.quality, self.methods = quality.data, quality, list(methods)

    def observe(self, progress: Progress = iter) -> None:
        """Nothing to do ahead: `values` draws chunk by chunk, and keeps what it drew."""

    def values(self) -> list[Value]:
        """All numbers."""
        return list(self.quality.values(self.methods))

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        book, train = self.quality.book, self.quality.train_book
        return {
            "crops": len(book.rows),
            "training crops": 0 if train is None else len(train.rows),
            "resolution": book.resolution,
            "embedders": {embedder.name: embedder.description for embedder in self.quality.embedders},
            "fingerprint": hashlib.sha256(f"{book.fingerprint} {book.rows}".encode()).hexdigest(),
            "resamples": self.quality.resamples,
            "notes": [
                f"{len(book.rows)} held-out crops of {book.resolution} px, the face of each replaced once a seed."
            ],
        }
