"""Attackers who learn on top of a frozen recogniser: linear discriminants of anonymized faces of their own people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.learning.discriminant import Discriminant
from deepanon.audit.learning.features import Components, pixels
from deepanon.audit.learning.tuning import Halves, best, recognised
from deepanon.audit.people.samples import Samples
from deepanon.audit.scores import Traces
from deepanon.geometry import Array

SHRINKAGE = (0.01, 0.1, 0.5)  # toward one spread for all directions
INPUTS = ("vector", "pixels", "both")


class ParrotHead:
    """LDA on a recogniser's vectors, on pixels, or on both, of anonymized photos of the attacker's own people.

    What it reads and how strongly it shrinks is chosen on people of the attacker's whom it was not fitted to.
    """

    name, knows, gallery = "parrot head", "the method", "anonymized"
    description = (
        "shrunk linear discriminant on vectors, on pixels of box and surroundings, or on both; gallery anonymized; "
        f"input of {', '.join(INPUTS)} and shrinkage of {', '.join(map(str, SHRINKAGE))} chosen on people of its own"
    )

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye."""
        return {name: self._one(case, eye) for name, eye in eyes.items()}

    def _one(self, case: Case, eye: Eye) -> Traces:
        known, fitting = case.known.anonymized, case.known.fitting
        halves = Halves.of(known, np.flatnonzero(case.known.tuning))
        small = Components(pixels(known[fitting]))
        inputs = {kind: _read(kind, known, eye, small) for kind in INPUTS}

        def found(choice: tuple[str, float]) -> float:
            kind, shrinkage = choice
            head = Discriminant(inputs[kind][fitting], known.people[fitting], shrinkage)
            sides = (halves.gallery, halves.probes)
            (gallery, names), (probes, owners) = ((head(inputs[kind][s]), known.people[s]) for s in sides)
            return recognised(gallery, names, probes, owners)

        (kind, shrinkage), score = best([(k, s) for k in INPUTS for s in SHRINKAGE], found)
        head = Discriminant(inputs[kind], known.people, shrinkage)  # at last, on all people of its own
        gallery, probes = (head(_read(kind, part, eye, small)) for part in (case.gallery_anonymized, case.probes))
        return Traces(gallery, probes, note=f"{kind}, shrinkage {shrinkage:g}; {score:.1%} of its own people")


def _read(kind: str, samples: Samples, eye: Eye, small: Components) -> Array:
    """(N, D) float64, what a candidate reads off each sample."""
    parts = []
    if kind != "pixels":
        parts.append(eye(samples))
    if kind != "vector":
        parts.append(small(pixels(samples)))
    return np.concatenate([part * np.sqrt(part.shape[1]) for part in parts], axis=1).astype(np.float64)
