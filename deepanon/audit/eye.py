"""A recogniser that looks at samples, and remembers what it has seen."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np

from deepanon.audit.samples import Samples
from deepanon.embedders import Recogniser
from deepanon.errors import DataError
from deepanon.geometry import Array

REMEMBERED = 64  # sets of samples whose vectors are kept


class Eye:
    """Vectors of samples, by a recogniser that was trained on clear faces; the same samples are looked at once.

    Args:
        recogniser: who looks; it cuts the face by keypoints or box, as it does on photos.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        self.recogniser, self.name = recogniser, recogniser.name
        self._seen: OrderedDict[bytes, Array] = OrderedDict()

    @property
    def description(self) -> str:
        """Of the recogniser."""
        return self.recogniser.description

    def __call__(self, samples: Samples) -> Array:
        """(N, D) float32 vectors of unit length.

        Raises:
            DataError: a face cannot be cut by its keypoints.
        """
        key = _digest(samples)
        if key not in self._seen:
            self._seen[key] = self._look(samples)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return self._seen[key]

    def _look(self, samples: Samples) -> Array:
        rows = [self.recogniser(samples.pictures[row], samples.face(row))[0] for row in range(len(samples))]
        vectors = np.stack(rows) if rows else np.zeros((0, self.recogniser.length), dtype=np.float32)
        if not np.isfinite(vectors).all():
            raise DataError(f"recogniser {self.name!r} cannot cut a face: keypoints that all lie on one spot")
        return vectors


def _digest(samples: Samples) -> bytes:
    made = hashlib.blake2b(samples.pictures.tobytes(), digest_size=16)
    for part in (samples.keypoints, samples.boxes):
        made.update(part.tobytes())
    return made.digest()
