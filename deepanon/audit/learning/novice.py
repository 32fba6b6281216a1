"""The recogniser that an attacker without one trains itself, on clear photos of its own people."""

from __future__ import annotations

import hashlib

import numpy as np

from deepanon.audit.case import Known
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.learner import Learner, teach
from deepanon.audit.learning.tuning import Halves, recognised


class Novice:
    """Trains an `IdentityNet` on aligned clear faces of people that it may be fitted to; the same once.

    Args:
        budget: how long.
        side: of the aligned view in pixels, a multiple of 16.
        width: channels of the network's first stage.
        features: length of its vectors.
        seed: of everything.
    """

    def __init__(self, budget: Budget, side: int = 64, width: int = 16, features: int = 128, seed: int = 0) -> None:
        self.budget, self.side, self.width, self.features, self.seed = budget, side, width, features, seed
        self._trained: tuple[bytes, Learner] | None = None

    @property
    def description(self) -> str:
        """All that results depend on."""
        return (
            f"IdentityNet of width {self.width}, {self.features} features, on clear aligned faces at {self.side} px, "
            f"{self.budget.description}, seed {self.seed}"
        )

    def __call__(self, known: Known) -> Learner:
        """The trained network; whoever trains it further takes a copy."""
        key = _digest(known)
        if self._trained is None or self._trained[0] != key:
            self._trained = key, self._train(known)
        return self._trained[1]

    def _train(self, known: Known) -> Learner:
        learner = Learner.small(self.side, self.width, self.features, self.budget, self.seed)
        halves, people = Halves.of(known.clear, np.flatnonzero(known.tuning)), known.clear.people

        def judge() -> float:
            gallery, probes = (learner(known.clear[rows]) for rows in (halves.gallery, halves.probes))
            return recognised(gallery, people[halves.gallery], probes, people[halves.probes])

        self.said = teach(learner, known.clear[known.fitting], self.budget, self.seed, judge)
        return learner


def _digest(known: Known) -> bytes:
    made = hashlib.blake2b(known.clear.pictures.tobytes(), digest_size=16)
    for part in (known.clear.keypoints, known.clear.boxes, known.clear.people, known.tuning):
        made.update(np.ascontiguousarray(part).tobytes())
    return made.digest()
