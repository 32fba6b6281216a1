"""Photos of known people, the recognisers that look at them in every variant, and the values that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deepanon.checks import check_count
from deepanon.data.pairs import Pairs
from deepanon.data.wider import AnnotatedPhoto
from deepanon.embedders import Recogniser
from deepanon.errors import OptionError
from deepanon.evaluation.identity import Seen, identity_values
from deepanon.evaluation.observing import (
    CONTEXT,
    NONE,
    ORACLE,
    OWN,
    Faces,
    Observations,
    Regions,
    Store,
    Variant,
    Vectors,
    faces_of,
    subject,
)
from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.report import worst_cases
from deepanon.evaluation.scorer import Scorer
from deepanon.evaluation.studies.examples import Example
from deepanon.evaluation.utility import utility_values
from deepanon.evaluation.values import Value
from deepanon.geometry import Array


class PeopleStudy:
    """Re-identification by recognisers, and utility, on photos of known people.

    The faces are what the finder of `regions` finds: such sets have no boxes. All faces of a photo are replaced; the
    one nearest to the middle is the person.

    Args:
        name: of the set.
        photos: with `person`.
        regions: which faces are replaced; "detected".
        variants: what is done to the photos, untouched ones and the context control among them.
        recognisers: by name.
        scorer: the attacker's detector, and that of utility.
        pairs: of the photos, in folds.
        store: where observations are kept.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        OptionError: no recogniser, or impossible numbers.
    """

    def __init__(
        self,
        name: str,
        photos: Sequence[AnnotatedPhoto],
        regions: Regions,
        variants: Sequence[Variant],
        recognisers: Mapping[str, Recogniser],
        scorer: Scorer,
        pairs: Pairs,
        store: Store,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        self.name, self.photos, self.regions, self.recognisers = name, photos, regions, recognisers
        self.detector, self.threshold, self.pairs = scorer.detector, scorer.threshold, pairs
        self.resamples, self.seed = check_count("resamples", resamples), check_count("seed", seed, 0)
        if not recognisers:
            raise OptionError(f"{name}: no recogniser is named, and without one nobody is recognised")
        self.eye = Faces(self.detector)
        self.looks: dict[tuple[str, str], Vectors] = {}
        for by, recogniser in recognisers.items():
            self.looks[by, ORACLE] = Vectors(recogniser, ORACLE)
            self.looks[by, OWN] = Vectors(recogniser, OWN, self.detector, self.threshold)
        self.observations = Observations(photos, regions, variants, [self.eye, *self.looks.values()], store)

    @property
    def n_people(self) -> int:
        """Different names."""
        return len({photo.person for photo in self.photos})

    def observe(self, progress: Progress = iter) -> None:
        """Look at everything; see `Observations.make`."""
        self.observations.make(progress)

    def vectors(self, by: str, alignment: str, method: str) -> list[Array]:
        """Seed -> (N, D) vectors of every photo; NaN rows where no face was found."""
        look = self.looks[by, alignment]
        return [
            np.stack([entry["vector"] for entry in self.observations.of(variant, look)])
            for variant in self.observations.seeds(method)
        ]

    def values(self) -> list[Value]:
        """All numbers; everything must have been observed."""
        people = [photo.person for photo in self.photos]
        methods = [method for method in self.observations.methods if method not in (NONE, CONTEXT)]
        values = []
        for by, alignment in self.looks:
            seen = {method: self.vectors(by, alignment, method) for method in self.observations.methods}
            context = seen[CONTEXT][0] if CONTEXT in seen else None
            runs = {method: seen[method] for method in methods}
            vectors = Seen(by, alignment, people, seen[NONE][0], runs, context)
            values += identity_values(self.name, vectors, self.pairs, resamples=self.resamples, seed=self.seed)
        return values + self._utility([NONE, *methods])

    def _utility(self, methods: Sequence[str]) -> list[Value]:
        """The replaced faces stand in for annotated ones."""
        every = self.observations.by_method(self.eye, faces_of)
        found = {method: every[method] for method in methods}
        annotated = [
            replace(photo, boxes=faces.boxes, ignored=np.zeros(len(faces), dtype=bool))
            for photo, faces in zip(self.photos, self.observations.replaced, strict=True)
        ]
        return utility_values(
            self.name, self.detector.name, annotated, found[NONE][0], found, self.threshold, self.resamples, self.seed
        )

    def examples(self, worst: int = 4) -> list[Example]:
        """Under every method the faces that the first recogniser still takes most for the person on the original."""
        by, examples = next(iter(self.recognisers)), []
        originals = self.vectors(by, ORACLE, NONE)[0]
        for method in self.observations.methods:
            variant = self.observations.seeds(method)[0]
            if method == NONE:
                continue
            alike = (originals * self.vectors(by, ORACLE, method)[0]).sum(axis=1)
            for row in worst_cases(alike.tolist(), worst):
                box = subject(self.observations.replaced[row], self.photos[row].read()).boxes[0]
                examples.append(
                    Example(
                        self.photos[row], variant, box, "worst", f"similarity {alike[row]:.2f} to the original ({by})"
                    )
                )
        return examples

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        return {
            "photos": len(self.photos),
            "people": self.n_people,
            "pairs": len(self.pairs),
            "regions": self.regions.source,
            "finder": self.regions.finder.description,
            "attacker": self.detector.description,
            "recognisers": {by: recogniser.description for by, recogniser in self.recognisers.items()},
            "fingerprint": self.observations.fingerprint,
            "resamples": self.resamples,
            "seed": self.seed,
            "notes": self.notes,
        }

    @property
    def notes(self) -> list[str]:
        """What a reader must know to judge the numbers."""
        finder = self.regions.finder.name
        return [
            f"{len(self.photos)} photos of {self.n_people} people, {len(self.pairs)} pairs. Replaced: every face that "
            f"{finder} finds; the one nearest to the middle is the person.",
            *self._warnings(finder),
            "The attacker is naive: clear photos in the gallery, and a recogniser that has learnt nothing of the "
            "method. An attacker that adapts gets further.",
            "Alignment oracle cuts the new face where the old one was; own where "
            f"{self.detector.name} finds one (score {self.threshold:g} or more).",
            "Context is the same with every face box grey: what hair, outline, clothes and place give away.",
            f"Intervals: 95 % percentile bootstrap over people, {self.resamples} resamples, seed {self.seed}.",
        ]

    def _warnings(self, finder: str) -> list[str]:
        """What flatters the numbers of this set."""
        missed = sum(not len(faces) for faces in self.observations.replaced)
        found = [
            f"In {missed} photos {finder} finds no face. In use they stay as they are, and whoever is in them is "
            "recognised as on a clear photo; here they are left out on both sides, and all numbers are of the others."
        ]
        same = [f"{finder} also finds the faces for the attacker and for utility: prefer another (people.attacker)."]
        return found * (missed > 0) + same * (finder == self.detector.name)
