"""From vectors to scores: how alike each probe is to each person in the gallery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deepanon.errors import DataError
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Traces:
    """What one attack makes of gallery and probes for one recogniser.

    Attributes:
        gallery: (G, D) float32 of unit length.
        probes: (P, D) float32 of unit length; NaN rows where the attack has nothing to say (counted as a blind guess).
        deployable: the vectors lie in the recogniser's own space of clear photos, where a threshold of a system that
            is in use means something.
        pictures: (P, S, S, 3) uint8 what the attack rebuilt, or None.
        swapped: the roles are changed: each clear photo of the gallery looks for its person among the anonymized ones.
            Then `gallery` are vectors of the probes, and `probes` of the gallery.
        note: what was chosen on the attacker's own people, for readers.
    """

    gallery: Array
    probes: Array
    deployable: bool = False
    pictures: Array | None = None
    swapped: bool = False
    note: str = ""


@dataclass(frozen=True, eq=False)
class Scores:
    """How alike each probe is to each person.

    Attributes:
        matrix: (P, I) float32, cosine to the person's template or any other score, more = more alike. NaN rows = the
            attack has nothing to say of this probe.
        owner: (P,) int64 in [0, I), who is on the probe.
        people: I names or numbers of the people, in order of the columns; for nothing but identity of two matrices.

    Raises:
        DataError: arrays that do not fit together, or fewer than two people.
    """

    matrix: Array
    owner: Array
    people: Array

    def __post_init__(self) -> None:
        probes, people = self.matrix.shape
        if self.owner.shape != (probes,) or self.people.shape != (people,) or people < 2 or not probes:
            raise DataError(
                f"scores of shape {self.matrix.shape} for {len(self.owner)} probes, {len(self.people)} people"
            )
        if ((self.owner < 0) | (self.owner >= people)).any():
            raise DataError("a probe shows somebody who has no column")
        lost = np.isnan(self.matrix)
        if (lost.any(axis=1) != lost.all(axis=1)).any() or np.isinf(self.matrix).any():
            raise DataError("scores must be finite numbers; only whole rows may be missing (NaN)")


def match(traces: Traces, gallery_people: Array, probe_people: Array) -> Scores:
    """Cosine of each probe with each person's template, the mean of that person's gallery vectors at unit length.

    Args:
        traces: vectors.
        gallery_people: (G,) int64.
        probe_people: (P,) int64, all of them in the gallery.
    """
    people, column = np.unique(gallery_people, return_inverse=True)
    sums = np.zeros((len(people), traces.gallery.shape[1]))
    np.add.at(sums, column, traces.gallery)
    templates = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    matrix = (traces.probes @ templates.T).astype(np.float32)
    return Scores(matrix, np.searchsorted(people, probe_people), people)
