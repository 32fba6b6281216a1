"""Attackers who train recognisers on anonymized faces, as a system would be trained that must live with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepanon.audit.attack import OWN
from deepanon.audit.case import Case, Known
from deepanon.audit.eye import Eye
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.learner import Learner, check_trainable, teach
from deepanon.audit.learning.novice import Novice
from deepanon.audit.learning.tuning import Halves, best, recognised
from deepanon.audit.scores import Traces
from deepanon.embedders import Recogniser
from deepanon.geometry import Array

GALLERIES = ("anonymized", "clear", "both")


class ParrotFull:
    """Recognisers fine-tuned on anonymized photos of the attacker's own people.

    The strongest of McPherson et al. 2016 and of Hanisch et al. 2024 ("parrot").

    Each starts from one that knows clear faces: a small network that the attacker trained itself (traces `OWN`), and
    every recogniser of `backbones` (traces under its name and " fine-tuned"). It learns to tell
    anonymized people apart, and to give the vector that the first network gave of the clear photo. So those sought can
    be compared with anonymized photos, with clear ones, or with both at once: what works best on the people that
    nothing was fitted to is used, as are the number of epochs and how hard it is pulled towards clear vectors.

    Args:
        novice: trains the small recogniser of clear faces; share one, and it is trained once.
        budget: of the fine-tuning of the small one, for each of `pulls`.
        backbones: name -> recogniser whose embedder lets gradients through; none of the eyes may be among them if its
            result is to be independent of theirs.
        backbone_budget: of the fine-tuning of each of them.
        pulls: weights that are tried of the distance to the clear vector.
        seed: of everything.

    Raises:
        OptionError: no gradient can flow through a backbone.
    """

    name, knows, gallery = "parrot full", "the method, its strength", "anonymized"

    def __init__(
        self,
        novice: Novice,
        budget: Budget,
        backbones: Mapping[str, Recogniser] | None = None,
        backbone_budget: Budget | None = None,
        pulls: tuple[float, ...] = (2.0,),
        seed: int = 0,
    ) -> None:
        for name, one in (backbones or {}).items():
            check_trainable(name, one)
        self.novice, self.budget, self.pulls, self.seed = novice, budget, pulls, seed
        self.backbones, self.backbone_budget = dict(backbones or {}), backbone_budget or budget
        self.chosen: dict[str, str] = {}  # name of the traces -> what was chosen, and how it did

    @property
    def description(self) -> str:
        """All that results depend on."""
        named = "; ".join(one.description for one in self.backbones.values())
        further = f"; further: {named}: {self.backbone_budget.description}" if named else ""
        return (
            f"{self.novice.description}; then fine-tuned on anonymized faces: {self.budget.description}{further}; "
            f"CosFace and {' or '.join(f'{pull:g}' for pull in self.pulls)} of the distance to clear vectors; "
            f"gallery anonymized, clear or both; seed {self.seed}"
        )

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces of the networks that were trained; `eyes` are not looked through."""
        found = {OWN: self._tuned(case, self.novice(case.known), self.budget, OWN)}
        for name, recogniser in self.backbones.items():
            learner, called = Learner.of(recogniser, self.backbone_budget), f"{name} fine-tuned"
            found[called] = self._tuned(case, learner, self.backbone_budget, called)
        return found

    def _tuned(self, case: Case, clear: Learner, budget: Budget, called: str) -> Traces:
        goal = clear(case.known.clear)
        chances = [self._taught(case.known, clear, goal, budget, pull) for pull in self.pulls]
        chance, score = best(chances, lambda chance: chance.score)
        kind, learner = chance.gallery, chance.learner
        self.chosen[called] = (
            f"gallery {kind}, {chance.pull:g} of the distance to clear vectors: {100 * score:.1f} % of the people "
            "that it was not fitted to"
        )
        anonymized = learner(case.gallery_anonymized) if kind != "clear" else 0.0
        known = clear(case.gallery) if kind != "anonymized" else 0.0
        return Traces(_unit(np.asarray(anonymized + known)), learner(case.probes), note=self.chosen[called])

    def _taught(self, known: Known, clear: Learner, goal: Array, budget: Budget, pull: float) -> _Chance:
        learner, fitting, judge = clear.copy(), known.fitting, Judge(known, goal)
        looks: list[dict[str, float]] = []

        def look() -> float:
            looks.append(judge(learner))
            return max(looks[-1].values())

        said = teach(learner, known.anonymized[fitting], budget, self.seed, look, goal=goal[fitting], pull=pull)
        kept = looks[max(range(len(said)), key=lambda at: (said[at], at))]
        gallery = max(GALLERIES, key=lambda name: kept[name])
        return _Chance(kept[gallery], pull, gallery, learner)


@dataclass(frozen=True, eq=False)
class _Chance:
    """One training: how well it recognised whom, and with which gallery."""

    score: float
    pull: float
    gallery: str
    learner: Learner


class Judge:
    """How well a learner recognises anonymized people whom it does not learn from, for each kind of gallery."""

    def __init__(self, known: Known, goal: Array) -> None:
        rows = np.flatnonzero(known.tuning)
        halves = Halves.of(known.anonymized, rows)
        self.sides = ((halves.gallery, halves.probes), (halves.probes, halves.gallery))
        self.known, self.goal, self.rows = known, goal, rows

    def __call__(self, learner: Learner) -> dict[str, float]:
        """Share that is recognised, by name of the gallery."""
        found = np.zeros_like(self.goal)
        found[self.rows] = learner(self.known.anonymized[self.rows])
        people, sums = self.known.anonymized.people, dict.fromkeys(GALLERIES, 0.0)
        for gallery, probes in self.sides:
            kinds = {"anonymized": found[gallery], "clear": self.goal[gallery]}
            kinds["both"] = _unit(kinds["anonymized"] + kinds["clear"])
            for name, vectors in kinds.items():
                sums[name] += recognised(vectors, people[gallery], found[probes], people[probes]) / 2
        return sums


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
