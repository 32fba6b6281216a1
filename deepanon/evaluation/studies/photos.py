"""A set of annotated photos, the detectors that look at it in every variant, and the values that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.checks import check_count
from deepanon.data.wider import AnnotatedPhoto
from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.bootstrap import resample
from deepanon.evaluation.detection import PROTOCOLS, coverage_values, detection_values, scoring
from deepanon.evaluation.observing import (
    JPEG,
    NONE,
    Attributes,
    Changes,
    Faces,
    Observations,
    Observer,
    Regions,
    Store,
    Variant,
    faces_of,
)
from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.scorer import Scorer
from deepanon.evaluation.studies.examples import GRID, WORST, Example, best_scores, chosen, lost_faces, unchanged_faces
from deepanon.evaluation.utility import attribute_values, utility_values, yaws_of
from deepanon.evaluation.utility.means import FEW_PHOTOS
from deepanon.evaluation.values import Value
from deepanon.geometry import Array


class PhotoStudy:
    """Detector-AP retention and utility on one set of annotated photos.

    Args:
        name: of the set.
        photos: annotated.
        regions: which boxes are replaced.
        variants: what is done to the photos; the untouched ones are among them.
        scorers: detectors whose AP is measured, by name.
        attributes: networks that say something of every face, by name.
        store: where observations are kept.
        truth: official subsets, for WIDER's own photos.
        protocol: one of `detection.PROTOCOLS`; None is "wider" with official subsets, else "coco".
        reference: method that the others are compared with.
        save: folder to which every picture is written, None for none.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        DataError: no photo has a face that counts, or two photos have one name.
        OptionError: no scorer, unknown protocol, or impossible numbers.
    """

    def __init__(
        self,
        name: str,
        photos: Sequence[AnnotatedPhoto],
        regions: Regions,
        variants: Sequence[Variant],
        scorers: Mapping[str, Scorer],
        attributes: Mapping[str, Attributes],
        store: Store,
        truth: WiderTruth | None = None,
        protocol: str | None = None,
        reference: str = "gan",
        save: Path | None = None,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        self.name, self.photos, self.regions, self.scorers = name, photos, regions, scorers
        self.protocol, self.reference = protocol or ("wider" if truth else "coco"), reference
        self.resamples, self.seed = check_count("resamples", resamples), check_count("seed", seed, 0)
        self.faces = sum(int((~photo.ignored).sum()) for photo in photos)
        self.ignored = sum(int(photo.ignored.sum()) for photo in photos)
        if not self.faces:
            raise DataError(f"none of the {len(photos)} photos has an annotated face: there is nothing to find")
        if not scorers:
            raise OptionError(f"{name}: no scorer is named, and without a detector nothing is measured (data.scorers)")
        self.score = scoring(self.protocol, photos, truth)
        self.changes, self.eyes = Changes(), {by: Faces(scorer.detector) for by, scorer in scorers.items()}
        self.attributes = attributes
        observers: list[Observer] = [self.changes, *self.eyes.values(), *attributes.values()]
        self.observations = Observations(photos, regions, variants, observers, store, save)

    def observe(self, progress: Progress = iter) -> None:
        """Look at everything; see `Observations.make`."""
        self.observations.make(progress)

    def found(self, by: str) -> dict[str, list[list[Detections]]]:
        """Method -> seed -> what a detector finds on every photo."""
        return self.observations.by_method(self.eyes[by], faces_of)

    def values(self) -> list[Value]:
        """All numbers; everything must have been observed."""
        counts = resample(len(self.photos), self.resamples, self.seed)
        values = coverage_values(self.name, self.photos, self.observations.by_method(self.changes, dict))
        for by, scorer in self.scorers.items():
            found = self.found(by)
            originals = found[NONE][0]
            values += detection_values(self.name, by, self.score, originals, found, counts, self.reference)
            values += utility_values(
                self.name, by, self.photos, originals, found, scorer.threshold, self.resamples, self.seed
            )
        for by, attributes in self.attributes.items():
            outputs = self.observations.by_method(attributes, itemgetter("outputs"))
            values += attribute_values(
                self.name,
                by,
                attributes.kind,
                self.photos,
                outputs[NONE][0],
                outputs,
                self.resamples,
                self.seed,
                yaws=self._yaws,
            )
        return values

    @property
    def _yaws(self) -> Array | None:
        """How far each face is turned, as the first scorer says; None without one."""
        for by, scorer in self.scorers.items():
            originals = self.found(by)[NONE][0]
            return yaws_of(self.photos, originals, scorer.threshold)
        return None

    def examples(self) -> list[Example]:
        """Faces worth showing: some of all sizes under every method, and what went worst under each.

        Worst are faces that were not changed, and faces that the first scorer found on the original and no more, the
        largest of them.
        """
        by, scorer = next(iter(self.scorers.items()))
        found = self.found(by)
        before = best_scores(self.photos, found[NONE][0])
        examples = []
        for method in self.observations.methods:
            variant = self.observations.seeds(method)[0]
            if method in (NONE, JPEG):
                continue
            examples += chosen(self.photos, variant, GRID)
            shares = [entry["shares"] for entry in self.observations.of(variant, self.changes)]
            examples += unchanged_faces(self.photos, variant, np.concatenate(shares), WORST)
            after = best_scores(self.photos, found[method][0])
            lost = (before >= scorer.threshold) & (after < scorer.threshold)
            examples += lost_faces(self.photos, variant, lost, f"not found by {by} any more", WORST)
        return examples

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        return {
            "photos": len(self.photos),
            "faces": self.faces,
            "ignored": self.ignored,
            "replaced": self.regions.source,
            "finder": self.regions.finder.description,
            "attributes": {by: network.key for by, network in self.attributes.items()},
            "scorers": {by: scorer.detector.description for by, scorer in self.scorers.items()},
            "thresholds": {by: scorer.threshold for by, scorer in self.scorers.items()},
            "protocol": self.protocol,
            "fingerprint": self.observations.fingerprint,
            "resamples": self.resamples,
            "seed": self.seed,
            "notes": self.notes,
        }

    @property
    def notes(self) -> list[str]:
        """What a reader must know to judge the numbers."""
        finder, detected = self.regions.finder, self.regions.source == "detected"
        role = "found the faces" if detected else "placed the keypoints"
        what = f"what {finder.name} finds" if detected else "every annotated box, ignored ones included"
        same = [by for by, scorer in self.scorers.items() if scorer.detector.name == finder.name]
        return [
            f"{len(self.photos)} photos, {self.faces} faces to find, {self.ignored} ignored; undetected faces count.",
            f"Replaced: {what}, in the order of the list; where boxes overlap, the later one lies on top. Keypoints: "
            f"{finder.name}, on the originals.",
            f"Scored by {PROTOCOLS[self.protocol]}.",
            *(f"{by} also {role}: prefer another detector's numbers." for by in same),
            "Both sides stay in memory as pixels and nothing is encoded again; the row jpeg says what that would cost.",
            f"Intervals: 95 % percentile bootstrap over photos, paired, {self.resamples} resamples, seed {self.seed}; "
            "methods that draw by chance are the mean of their seeds.",
            *(["Intervals of so few photos are too narrow."] * (len(self.photos) < FEW_PHOTOS)),
        ]
