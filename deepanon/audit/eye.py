"""A recogniser that looks at samples, and remembers what it has seen."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import numpy as np

from deepanon.audit.people.samples import Samples
from deepanon.embedders import Recogniser
from deepanon.errors import DataError
from deepanon.geometry import Array

REMEMBERED = 64  # sets of samples whose vectors are kept


class Sight(Protocol):
    """What turns samples into vectors of unit length.

    Attributes:
        name: in reports.
        description: all that the vectors depend on.
    """

    name: str

    @property
    def description(self) -> str:
        """See above."""
        ...

    def __call__(self, samples: Samples) -> Array:
        """(N, D) float32 of unit length."""
        ...


class Through:
    """A recogniser of photos that looks at samples; it cuts the face by keypoints or box, as it does on photos."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.recogniser, self.name = recogniser, recogniser.name

    @property
    def description(self) -> str:
        """Of the recogniser."""
        return self.recogniser.description

    def __call__(self, samples: Samples) -> Array:
        """(N, D) float32 of unit length; `DataError` if a face cannot be cut by its keypoints."""
        rows = [self.recogniser(samples.pictures[row], samples.face(row))[0] for row in range(len(samples))]
        vectors = np.stack(rows) if rows else np.zeros((0, self.recogniser.length), dtype=np.float32)
        if not np.isfinite(vectors).all():
            raise DataError(f"recogniser {self.name!r} cannot cut a face: keypoints that all lie on one spot")
        return vectors


class Eye:
    """Vectors of samples, by whoever was trained on clear faces; the same samples are looked at once.

    Args:
        sight: who looks; a recogniser of photos is wrapped.
    """

    def __init__(self, sight: Sight | Recogniser) -> None:
        self.sight = Through(sight) if isinstance(sight, Recogniser) else sight
        self.name = self.sight.name
        self._seen: OrderedDict[bytes, Array] = OrderedDict()

    @property
    def description(self) -> str:
        """Of who looks."""
        return self.sight.description

    def __call__(self, samples: Samples) -> Array:
        """(N, D) float32 vectors of unit length."""
        key = samples.digest
        if key not in self._seen:
            self._seen[key] = self.sight(samples)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return self._seen[key]
