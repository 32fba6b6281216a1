"""Attackers who rebuild faces with a network and let recognisers look at them (Todt et al. 2024, "Fantômas")."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepanon.audit.case import Case, Known
from deepanon.audit.eye import Eye
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.frames import template
from deepanon.audit.learning.learner import Learner
from deepanon.audit.learning.novice import Novice
from deepanon.audit.learning.rebuilder import Frame, Rebuilder, Watcher
from deepanon.audit.learning.tuning import Halves, recognised
from deepanon.audit.people.samples import Samples
from deepanon.audit.scores import Traces
from deepanon.embedders import Aligned, Recogniser
from deepanon.geometry import Array

IDENTITY = 0.5  # of the loss, to 1 of the mean absolute difference


class UNetReconstruction:
    """A U-Net learns from pairs of the attacker's own people what a face was; the rebuilt probes are recognised.

    It is shown the box, in which cells and blurs lie still, and what surrounds it. What it makes must look like the
    person to a recogniser that is none of the eyes. How many epochs, and whether the gallery is of clear photos or of
    photos that were anonymized and rebuilt, too, is chosen on people that nothing was fitted to, by each eye.

    Args:
        novice: trains the recogniser of the loss; share one with other attacks, and it is trained once.
        budget: of the U-Net.
        frame: what it is shown.
        width: its channels at full size.
        depth: how often it halves the side.
        dense: see `UNet`; 0 leaves it purely convolutional.
        identity: weight of the recogniser in the loss.
        backbone: a recogniser that lets gradients through, for the loss in place of the novice's; not one of the eyes.
            One that does not align faces by keypoints cannot be used, and the novice is.
        seed: of everything.
    """

    name, knows, gallery = "unet", "the method, its strength", "clear"

    def __init__(
        self,
        novice: Novice,
        budget: Budget,
        frame: Frame | None = None,
        width: int = 16,
        depth: int = 4,
        dense: int = 256,
        identity: float = IDENTITY,
        backbone: Recogniser | None = None,
        seed: int = 0,
    ) -> None:
        self.novice, self.budget, self.frame = novice, budget, frame or Frame()
        self.width, self.depth, self.dense, self.identity = width, depth, dense, identity
        aligned = backbone is not None and isinstance(backbone.cut, Aligned)
        self.backbone, self.seed = backbone if aligned else None, seed
        self.chosen: dict[str, str] = {}  # name of the eye -> which gallery, and how it did

    @property
    def description(self) -> str:
        """All that results depend on."""
        judge = self.backbone.description if self.backbone else self.novice.description
        return (
            f"U-Net of width {self.width}, depth {self.depth}, dense {self.dense}, box at {self.frame.side} px and "
            f"{self.frame.around} px around it; L1 + {self.identity:g} (1 - cosine) of {judge}; "
            f"{self.budget.description}; "
            f"gallery clear or rebuilt; seed {self.seed}"
        )

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces for every eye, with the rebuilt pictures."""
        known, fitting = case.known, case.known.fitting
        rebuilder = Rebuilder(self.frame, self.width, self.depth, self.dense, self.budget, self.seed)
        watcher = self._watcher(known)
        watch: Mapping[str, Eye | Learner] = eyes or {"": watcher.learner}
        looks: list[dict[str, tuple[float, float]]] = []

        def judge() -> float:
            looks.append(_judged(known, rebuilder, watch))
            return float(np.mean([max(scores) for scores in looks[-1].values()]))

        pairs = known.anonymized[fitting], known.clear[fitting]
        said = rebuilder.train(*pairs, watcher, self.identity, judge)
        kept = looks[max(range(len(said)), key=lambda at: (said[at], at))]
        return self._traces(case, rebuilder, eyes, kept)

    def _watcher(self, known: Known) -> Watcher:
        """Who looks at what is made."""
        if self.backbone is None:
            return Watcher(self.novice(known), self.novice.side, template(self.novice.side))
        cut = self.backbone.cut
        assert isinstance(cut, Aligned)
        return Watcher(Learner.of(self.backbone, self.budget), cut.size, cut.points)

    def _traces(
        self, case: Case, rebuilder: Rebuilder, eyes: Mapping[str, Eye], kept: Mapping[str, tuple[float, float]]
    ) -> dict[str, Traces]:
        probes, found = rebuilder(case.probes), {}
        useful = any(both > clear for clear, both in kept.values())
        again = rebuilder(case.gallery_anonymized) if useful else case.gallery
        for name, eye in eyes.items():
            clear, both = kept[name]
            gallery, share = ("rebuilt", both) if both > clear else ("clear", clear)
            self.chosen[name] = f"gallery {gallery}: {100 * share:.1f} % of the people that it was not fitted to"
            vectors = eye(again if gallery == "rebuilt" else case.gallery)
            found[name] = Traces(vectors, eye(probes), gallery == "clear", probes.pictures, note=self.chosen[name])
        return found


def _judged(known: Known, rebuilder: Rebuilder, watch: Mapping[str, Eye | Learner]) -> dict[str, tuple[float, float]]:
    """By name, the share of tuning people that is recognised with a clear gallery, and with a rebuilt one."""
    rows = np.flatnonzero(known.tuning)
    clear, made = known.clear[rows], rebuilder(known.anonymized[rows])
    halves = Halves.of(clear, np.arange(len(rows)))
    return {
        name: (_share(eye(clear), eye(made), clear, halves), _share(eye(made), eye(made), clear, halves))
        for name, eye in watch.items()
    }


def _share(gallery: Array, probes: Array, samples: Samples, halves: Halves) -> float:
    """Each half is sought in the other."""
    sides = (halves.gallery, halves.probes), (halves.probes, halves.gallery)
    people = samples.people
    return float(np.mean([recognised(gallery[a], people[a], probes[b], people[b]) for a, b in sides]))
