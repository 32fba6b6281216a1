"""Attackers who learn on top of a frozen recogniser: linear discriminants of anonymized faces of their own people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.features import Components, pixels, unit
from deepanon.audit.samples import Samples
from deepanon.audit.scores import Traces
from deepanon.audit.tuning import Halves, best, recognised
from deepanon.geometry import Array

SHRINKAGE = (0.01, 0.1, 0.5)  # toward one spread for all directions
INPUTS = ("vector", "pixels", "both")


class Discriminant:
    """Fisher's linear discriminant with shrinkage: directions that tell people apart come first, at equal noise.

    Args:
        vectors: (N, D).
        people: (N,) int64; people with a single vector say nothing of the noise, but count as people.
        shrinkage: in (0, 1].
    """

    def __init__(self, vectors: Array, people: Array, shrinkage: float) -> None:
        self.mean = vectors.mean(axis=0)
        _, column = np.unique(people, return_inverse=True)
        counts = np.bincount(column)
        means = np.zeros((len(counts), vectors.shape[1]))
        np.add.at(means, column, vectors)
        means /= counts[:, None]
        noise = np.cov((vectors - means[column]).T) * len(vectors) / max(len(vectors) - len(counts), 1)
        noise = np.atleast_2d(noise)
        even = np.trace(noise) / len(noise) + 1e-9
        values, directions = np.linalg.eigh((1 - shrinkage) * noise + shrinkage * even * np.eye(len(noise)))
        white = directions / np.sqrt(np.maximum(values, 1e-12))
        told, turned = np.linalg.eigh(np.atleast_2d(np.cov(((means - self.mean) @ white).T)))
        share = np.clip(told - 1 / counts.mean(), 0, None)  # of the spread of means, noise makes 1 / photos
        self.matrix = white @ turned * np.sqrt(share / (share + 1 / counts.mean()))

    def __call__(self, vectors: Array) -> Array:
        """(M, D) -> (M, D) float32 of unit length."""
        return unit((vectors - self.mean) @ self.matrix).astype(np.float32)


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
