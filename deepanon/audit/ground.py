"""What all methods of an audit are attacked on: clear samples, who is known and who is sought, and the resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deepanon.audit.case import Case, Known
from deepanon.audit.eye import Eye
from deepanon.audit.measures import Deployed, draws
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.split import Split
from deepanon.audit.scores import Scores, Traces, match
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Ground:
    """Clear samples with a split, and what recognisers make of clear faces.

    Attributes:
        clear: every sample, untouched.
        split: rows of it.
        eyes: recognisers that score, by name.
        counts: (R, I) multiplicities of the people sought, the same for everything that is measured.
        clear_scores: by eye, clear probes against the clear gallery: the ceiling.
        deployed: by eye, its thresholds on clear faces.
    """

    clear: Samples
    split: Split
    eyes: Mapping[str, Eye]
    counts: Array
    clear_scores: Mapping[str, Scores]
    deployed: Mapping[str, Deployed]

    @classmethod
    def of(cls, clear: Samples, split: Split, eyes: Mapping[str, Eye], resamples: int = 1000, seed: int = 0) -> Ground:
        """Look at the clear samples."""
        gallery, probes = clear[split.gallery], clear[split.probes]
        counts = draws(len(np.unique(gallery.people)), resamples, seed)
        scores = {
            name: match(Traces(eye(gallery), eye(probes)), gallery.people, probes.people) for name, eye in eyes.items()
        }
        deployed = {name: Deployed.of(one, counts) for name, one in scores.items()}
        return cls(clear, split, eyes, counts, scores, deployed)

    def case(self, anonymized: Samples, again: Sequence[Samples] = (), method: str = "") -> Case:
        """The case of a method.

        Args:
            anonymized: every sample after the method, in the order of `clear`.
            again: further versions with fresh randomness.
            method: its name, for attackers who know the operator of methods of the library.
        """
        split = self.split
        known = Known(
            self.clear[split.known],
            anonymized[split.known],
            split.tuning,
            tuple(version[split.known] for version in again),
        )
        further, galleries = (tuple(version[rows] for version in again) for rows in (split.probes, split.gallery))
        gallery, made = self.clear[split.gallery], anonymized[split.gallery]
        return Case(known, gallery, made, anonymized[split.probes], further, galleries, method)

    def shuffled(self, rng: np.random.Generator) -> Case:
        """Clear samples whose names are dealt anew within each side: nobody can be recognised, only photos can."""
        parts = [
            replace(part, people=rng.permutation(part.people))
            for part in (self.clear[self.split.known], self.clear[self.split.gallery], self.clear[self.split.probes])
        ]
        return Case(Known(parts[0], parts[0], self.split.tuning), parts[1], parts[1], parts[2])
