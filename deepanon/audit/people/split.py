"""Who is known to the attacker and who is sought: disjoint people, and galleries that share no photo with probes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from deepanon.audit.people.samples import Samples
from deepanon.errors import DataError, OptionError
from deepanon.geometry import Array

LEAST_TUNING = 2  # people with two photos among those that choices are made on
LEAST = 2  # photos a person needs: one to be known by, one to be found on


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of a set of samples.

    Attributes:
        known: (K,) int64, the attacker's own people.
        tuning: (K,) bool, of them, people on whom hyper-parameters are chosen.
        gallery: (G,) int64, clear photos of the people sought.
        probes: (P,) int64, other photos of the same people.
    """

    known: Array
    tuning: Array
    gallery: Array
    probes: Array

    @classmethod
    def of(cls, samples: Samples, attacker: float = 0.6, tuning: float = 0.25, seed: int = 0) -> Split:
        """Part the people at random, and the photos of each person sought into two halves.

        Args:
            samples: people with a single photo are left out of what is sought.
            attacker: share of the people whom the attacker knows.
            tuning: share of those on whom it chooses.
            seed: of the order.

        Raises:
            OptionError: a share is not between 0 and 1.
            DataError: too few people are left on one side.
        """
        for name, share in (("attacker", attacker), ("tuning", tuning)):
            if not 0 < share < 1:
                raise OptionError(f"{name} must lie between 0 and 1, got {share}")
        rng = np.random.default_rng(seed)
        own, sought = parted(samples, attacker, rng)
        known = np.flatnonzero(np.isin(samples.people, own))
        chosen = own[: max(LEAST_TUNING, round(tuning * len(own)))]
        gallery, probes = _halves(samples, sought, rng)
        twice = [int((samples.people == person).sum() >= LEAST) for person in chosen]
        if len(own) - len(chosen) < 2 or sum(twice) < LEAST_TUNING or len(np.unique(samples.people[probes])) < 2:
            raise DataError(
                f"{len(own) + len(sought)} people, {len(own)} of them for the attacker: too few with {LEAST} photos or "
                "more to learn from some and seek others; take more people"
            )
        return cls(known, np.isin(samples.people[known], chosen), gallery, probes)

    def digest(self, samples: Samples) -> str:
        """16 hexadecimal digits that say which photos are on which side."""
        made = hashlib.sha256()
        for rows in (self.known, self.known[self.tuning], self.gallery, self.probes):
            made.update(np.sort(samples.photos[rows]).astype("<i8").tobytes() + b"|")
        return made.hexdigest()[:16]


def parted(samples: Samples, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """All people in random order, in two parts: (`share` of them, the others)."""
    people = rng.permutation(np.unique(samples.people))
    cut = round(share * len(people))
    return people[:cut], people[cut:]


def _halves(samples: Samples, people: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    gallery, probes = [], []
    for person in people:
        rows = rng.permutation(np.flatnonzero(samples.people == person))
        if len(rows) >= LEAST:
            half = (len(rows) + 1) // 2
            gallery.append(rows[:half])
            probes.append(rows[half:])
    nothing = [np.zeros(0, dtype=np.int64)]
    return np.sort(np.concatenate(gallery or nothing)), np.sort(np.concatenate(probes or nothing))
