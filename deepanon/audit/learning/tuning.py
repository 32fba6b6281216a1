"""How an attacker chooses: by how well each candidate recognises people of its own on whom it was not fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from deepanon.audit.people.samples import Samples
from deepanon.audit.scores import Traces, match
from deepanon.geometry import Array

Candidate = TypeVar("Candidate")


@dataclass(frozen=True, eq=False)
class Halves:
    """Rows of some people's samples, so parted that everybody is in both halves, and no photo is."""

    gallery: Array
    probes: Array

    @classmethod
    def of(cls, samples: Samples, rows: Array) -> Halves:
        """Part the samples at `rows`, (M,) int64; people with a single one are left out."""
        order = {int(row): place for place, row in enumerate(rows)}
        seen: dict[int, int] = {}
        sides: tuple[list[int], list[int]] = ([], [])
        for row in rows:
            person = int(samples.people[row])
            sides[seen.get(person, 0) % 2].append(order[int(row)])
            seen[person] = seen.get(person, 0) + 1
        alone = {person for person, count in seen.items() if count < 2}
        kept = [[i for i in side if int(samples.people[rows[i]]) not in alone] for side in sides]
        return cls(*(rows[np.array(side, dtype=np.int64)] for side in kept))


def recognised(gallery: Array, gallery_people: Array, probes: Array, probe_people: Array) -> float:
    """Share of probes whose nearest template is their own person's, ties broken at random.

    Args:
        gallery: (G, D) vectors of unit length.
        gallery_people: (G,) int64.
        probes: (P, D) likewise.
        probe_people: (P,) int64, all in the gallery.
    """
    scores = match(Traces(gallery, probes), gallery_people, probe_people)
    own = scores.matrix[np.arange(len(scores.owner)), scores.owner][:, None]
    ahead, level = (scores.matrix > own).sum(axis=1), (scores.matrix == own).sum(axis=1)
    return float(np.mean(np.where(ahead == 0, 1 / level, 0)))


def best(candidates: Sequence[Candidate], score: Callable[[Candidate], float]) -> tuple[Candidate, float]:
    """The first of the candidates with the highest score, and that score."""
    scored = [score(candidate) for candidate in candidates]
    at = int(np.argmax(scored))
    return candidates[at], scored[at]
