"""Attackers who rebuild the picture by one linear map, learnt in seconds: blurs, permutations and leftovers fall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from deepanon.audit.attacks.parrot_head import ParrotHead
from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.learning.ridge import Ridge
from deepanon.audit.learning.tuning import Halves, best, recognised
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import windows, with_windows
from deepanon.audit.scores import Traces
from deepanon.geometry import Array

SIDE = 64  # px of the box frame
STRENGTHS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
SHARPER = (1.0, 0.1, 0.01)  # times the strength of least error: what looks worse may be recognised better


class LinearMap:
    """Ridge regression from all pixels of the anonymized box to all pixels of the clear one.

    Args:
        side: of the window in pixels.
        most: examples that are learnt from at most.
    """

    def __init__(self, side: int = SIDE, most: int = 4000) -> None:
        self.side, self.most = side, most

    def flat(self, samples: Samples) -> Array:
        """(N, side² · 3) float32 levels of the box."""
        return windows(samples, self.side).reshape(len(samples), -1).astype(np.float32)

    def into(self, samples: Samples, faces: Array) -> Samples:
        """The samples with rebuilt boxes, (N, side² · 3) levels."""
        return with_windows(samples, faces.reshape(len(samples), self.side, self.side, 3))

    def fit(self, clear: Samples, anonymized: Samples) -> Ridge:
        """Learn from pairs."""
        return Ridge(self.flat(anonymized[: self.most]), self.flat(clear[: self.most]))

    def strengths(self, fit: Ridge, clear: Samples, anonymized: Samples) -> list[float]:
        """Candidates: the strength of least error on pairs that were not learnt from, and sharper ones."""
        before, after = self.flat(anonymized), self.flat(clear)
        least, _ = best(STRENGTHS, lambda strength: -float(np.mean((fit(before, strength) - after) ** 2)))
        return [least * factor for factor in SHARPER]


class LinearReconstruction:
    """A linear map rebuilds the faces sought, and a recogniser that knows clear faces looks at what comes out.

    A convolutional network cannot undo a permutation of blocks, a dense linear map can: without this rung a ladder
    certifies permutations as safe. How strongly the map is held back is chosen on people of the attacker's whom it was
    not fitted to, by how well they are recognised.

    Args:
        linear: the map.
    """

    name, knows, gallery = "linear reconstruction", "the method", "clear"

    def __init__(self, linear: LinearMap | None = None) -> None:
        self.linear = linear or LinearMap()
        self.description = (
            f"ridge from {self.linear.side} x {self.linear.side} anonymized to clear pixels of the box; "
            f"at most {self.linear.most} pairs; clear gallery"
        )

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye."""
        known = case.known
        fit = self.linear.fit(known.clear[known.fitting], known.anonymized[known.fitting])
        halves = Halves.of(known.clear, np.flatnonzero(known.tuning))
        tuning = [part[halves.probes] for part in (known.clear, known.anonymized)]
        strengths = self.linear.strengths(fit, *tuning)
        tried = {strength: self._rebuilt(fit, strength, tuning[1]) for strength in strengths}
        final = self.linear.fit(known.clear, known.anonymized)
        made: dict[str, Traces] = {}
        for name, eye in eyes.items():
            gallery = known.clear[halves.gallery]
            strength, score = best(strengths, _found(eye, gallery, tried))
            probes = self._rebuilt(final, strength, case.probes)
            note = f"strength {strength:g}; {score:.1%} of its own people"
            made[name] = Traces(eye(case.gallery), eye(probes), deployable=True, pictures=probes.pictures, note=note)
        return made

    def _rebuilt(self, fit: Ridge, strength: float, samples: Samples) -> Samples:
        return self.linear.into(samples, fit(self.linear.flat(samples), strength))


class RebuiltHead:
    """Both sides are rebuilt by a linear map, and a parrot head learns to recognise what comes out.

    What the head learns from is rebuilt by maps that were learnt without the sample itself, so that it looks as the
    samples of the people sought do.

    Args:
        linear: the map.
        head: learns from what is rebuilt.
    """

    name, knows, gallery = "rebuilt head", "the method", "anonymized"

    def __init__(self, linear: LinearMap | None = None, head: ParrotHead | None = None) -> None:
        self.linear, self.head = linear or LinearMap(), head or ParrotHead()
        self.description = f"linear map of {self.linear.side} px on both sides, then: {self.head.description}"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye."""
        known, linear = case.known, self.linear
        fit = linear.fit(known.clear, known.anonymized)
        tuning = known.tuning
        other = linear.fit(known.clear[~tuning], known.anonymized[~tuning])
        strength = linear.strengths(other, known.clear[tuning], known.anonymized[tuning])[1]

        def rebuilt(samples: Samples) -> Samples:
            return linear.into(samples, fit(linear.flat(samples), strength))

        own = rebuilt(known.anonymized)
        learnt = known.anonymized[: linear.most]
        left_out = linear.into(learnt, fit.left_out(strength))
        own = Samples.join([left_out, own[linear.most :]]) if len(own) > linear.most else left_out
        inner = replace(
            case,
            known=replace(known, anonymized=own),
            gallery_anonymized=rebuilt(case.gallery_anonymized),
            probes=rebuilt(case.probes),
        )
        return self.head(inner, eyes)


def _found(eye: Eye, gallery: Samples, tried: Mapping[float, Samples]) -> Callable[[float], float]:
    """How well rebuilt samples are recognised, by strength."""
    vectors = eye(gallery)

    def score(strength: float) -> float:
        probes = tried[strength]
        return recognised(vectors, gallery.people, eye(probes), probes.people)

    return score
