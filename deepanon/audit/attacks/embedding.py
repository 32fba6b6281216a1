"""Attackers who lead the vector of an anonymized face back to that of the clear one: no picture is ever rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.learning.features import Components, pixels, unit
from deepanon.audit.learning.ridge import Ridge
from deepanon.audit.learning.tuning import Halves, best, recognised
from deepanon.audit.people.samples import Samples
from deepanon.audit.scores import Traces
from deepanon.geometry import Array

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
WIDTHS = (None, 1.0)  # linear, Gaussian kernel


class EmbeddingInversion:
    """Regression from pixels and vector of the anonymized face to the clear person's vector; the gallery stays clear.

    So a leaked database of clear vectors, or a set of passport photos, is enough. Linear or with a Gaussian kernel, and
    how strongly it is held back, is chosen on people of the attacker's whom it was not fitted to.
    """

    name, knows, gallery = "embedding inversion", "the method", "clear"
    description = "ridge from anonymized pixels and vector to the mean clear vector of the person; linear or RBF kernel"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye."""
        return {name: self._one(case, eye) for name, eye in eyes.items()}

    def _one(self, case: Case, eye: Eye) -> Traces:
        known, fitting = case.known, case.known.fitting
        small = Components(pixels(known.anonymized[fitting]))
        inputs, clear = _read(known.anonymized, eye, small), eye(known.clear)
        targets = _means(clear, known.clear.people)
        halves = Halves.of(known.clear, np.flatnonzero(known.tuning))
        people = known.clear.people
        fits = {width: Ridge(inputs[fitting], targets[fitting], width) for width in WIDTHS}

        def found(choice: tuple[float | None, float]) -> float:
            width, strength = choice
            led = unit(fits[width](inputs[halves.probes], strength))
            return recognised(clear[halves.gallery], people[halves.gallery], led, people[halves.probes])

        (width, strength), score = best(list(product(WIDTHS, STRENGTHS)), found)
        led = unit(Ridge(inputs, targets, width)(_read(case.probes, eye, small), strength)).astype(np.float32)
        kind = "linear" if width is None else "kernel"
        note = f"{kind}, strength {strength:g}; {score:.1%} of its own people"
        return Traces(eye(case.gallery), led, deployable=True, note=note)


def _read(samples: Samples, eye: Eye, small: Components) -> Array:
    """(N, D) float64: vector and pixels, both of length 1 or so."""
    return np.concatenate([eye(samples), small(pixels(samples))], axis=1).astype(np.float64)


def _means(vectors: Array, people: Array) -> Array:
    """(N, D) each row the mean vector of its person, at unit length."""
    _, column = np.unique(people, return_inverse=True)
    sums = np.zeros((column.max() + 1, vectors.shape[1]))
    np.add.at(sums, column, vectors)
    return unit(sums)[column]
