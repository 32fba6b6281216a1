"""Analytic inversion: whoever knows the method and its strength needs no training to undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from deepanon.audit.attack import NotApplicable, NotRun
from deepanon.audit.attacks.inversion import Faces, levels
from deepanon.audit.attacks.operators import OPERATORS, Operator, operator_of
from deepanon.audit.attacks.projection import project
from deepanon.audit.attacks.recipes import RECIPES, Recipe
from deepanon.audit.case import Case, Known
from deepanon.audit.eye import Eye
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import windows, with_windows
from deepanon.audit.scores import Traces
from deepanon.checks import check_count
from deepanon.errors import OptionError
from deepanon.geometry import Array


class Analytic:
    """Undoes the method by its formula, and compares what comes out with clear photos.

    Of several ways (`recipes`) each eye gets the one after which it best recognises the attacker's own tuning people;
    that is all that is chosen. The faces of the attacker's other people serve as prior. So "Privacy Blur"
    (arXiv 2512.16086) reverses blurs: through the operator as it is, with its 8 bits.

    Args:
        recipes: to choose from.
        side: of the rebuilt faces in pixels, before they are stretched to the box.
        tuned_on: so many tuning samples at most are looked at for the choice.
        batch: so many samples are undone at a time; bounds memory, does not change results.
        device: where that happens.
        seed: which tuning samples are taken, if there are more.

    Attributes:
        chosen: recipe by eye, of the last case.

    Raises:
        OptionError: no recipe, or a number that is too small.
    """

    name = "analytic inversion"
    knows = "the method, its strength"
    gallery = "clear"

    def __init__(
        self,
        recipes: Sequence[Recipe] = RECIPES,
        side: int = 96,
        tuned_on: int = 60,
        batch: int = 32,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        if not recipes:
            raise OptionError("analytic inversion needs one recipe at least")
        self.recipes, self.device, self.seed = tuple(recipes), device, seed
        self.side, self.tuned_on = check_count("side", side, least=8), check_count("tuned_on", tuned_on)
        self.batch = check_count("batch", batch)
        self.chosen: dict[str, Recipe] = {}
        ways = "; ".join(str(recipe) for recipe in self.recipes)
        self.description = f"the best of {ways}, at {side} px, for {tuned_on} tuning samples (seed {seed})"

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces by name of the eye, with the rebuilt pictures.

        Raises:
            NotRun: no operator of the method is known, samples without scale, or no people to fit or choose on.
        """
        operator = _operator(case)
        faces = Faces.fitted(windows(case.known.clear[case.known.fitting], self.side)).to(self.device)
        self.chosen = self._choose(case.known, operator, faces, eyes)
        rebuilt = {way: self.rebuilt(case.probes, operator, faces, way) for way in dict.fromkeys(self.chosen.values())}
        return {
            name: Traces(eye(case.gallery), eye(rebuilt[way]), True, rebuilt[way].pictures, note=str(way))
            for (name, eye), way in zip(eyes.items(), self.chosen.values(), strict=True)
        }

    def rebuilt(self, samples: Samples, operator: Operator, faces: Faces, recipe: Recipe) -> Samples:
        """The samples with undone boxes."""
        if not len(samples):
            return samples
        parts = [self._undone(samples[i : i + self.batch], operator, faces, recipe)
                 for i in range(0, len(samples), self.batch)]  # fmt: skip
        return with_windows(samples, np.concatenate(parts))

    def _undone(self, samples: Samples, operator: Operator, faces: Faces, recipe: Recipe) -> Array:
        projection = project(samples, operator, self.side).to(self.device)
        with torch.no_grad():
            return levels(recipe(projection, faces))

    def _choose(self, known: Known, operator: Operator, faces: Faces, eyes: Mapping[str, Eye]) -> dict[str, Recipe]:
        """By eye, the recipe that brings tuning people nearest to their clear photos."""
        rows = np.flatnonzero(known.tuning)
        rows = np.sort(np.random.default_rng(self.seed).permutation(rows)[: self.tuned_on])
        clear, anonymized = known.clear[rows], known.anonymized[rows]
        alike: dict[str, list[float]] = {name: [] for name in eyes}
        for recipe in self.recipes:
            made = self.rebuilt(anonymized, operator, faces, recipe)
            for name, eye in eyes.items():
                alike[name].append(float((eye(made) * eye(clear)).sum(axis=1).mean()))
        return {name: self.recipes[int(np.argmax(values))] for name, values in alike.items()}


def _operator(case: Case) -> Operator:
    operator = operator_of(case.method)
    if operator is None:
        what = f"of method {case.method!r}" if case.method else "of a method that is none of the library's"
        raise NotApplicable(f"no operator is known {what}; known are those of {', '.join(OPERATORS)}")
    if case.probes.scales is None or case.known.anonymized.scales is None:
        raise NotRun("the samples do not say their scale, so that the method's strength in their pixels is unknown")
    if not case.known.tuning.any() or case.known.tuning.all():
        raise NotRun("the attacker needs people to know faces from, and others to choose the strength on")
    return operator
