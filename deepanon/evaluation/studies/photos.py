"""A set of annotated photos, the detectors that look at it in every variant, and the values that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from deepanon.checks import check_count
from deepanon.data.wider import AnnotatedPhoto
from deepanon.data.wider_truth import WiderTruth
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.errors import DataError
from deepanon.evaluation.bootstrap import resample
from deepanon.evaluation.detection import PROTOCOLS, coverage_values, detection_values, scoring
from deepanon.evaluation.observing import NONE, Changes, Faces, Observations, Regions, Store, Variant, faces_of
from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.values import Value


class PhotoStudy:
    """Detector-AP retention and utility on one set of annotated photos.

    Args:
        name: of the set.
        photos: annotated.
        regions: which boxes are replaced.
        variants: what is done to the photos; the untouched ones are among them.
        scorers: detectors whose AP is measured, by name. They should report low scores too: what they keep to
            themselves cannot be scored.
        thresholds: score from which each of them counts a face as found, where no curve is drawn but faces are counted.
        truth: official subsets, for WIDER's own photos.
        protocol: one of `detection.PROTOCOLS`; None is "wider" with official subsets, else "coco".
        reference: method that the others are compared with.
        store: where observations are kept.
        pictures: folder to which every picture is written, None for none.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        DataError: no photo has a face that counts, or two photos have one name.
        OptionError: unknown protocol, or impossible numbers.
    """

    def __init__(
        self,
        name: str,
        photos: Sequence[AnnotatedPhoto],
        regions: Regions,
        variants: Sequence[Variant],
        scorers: Mapping[str, Detector],
        thresholds: Mapping[str, float],
        store: Store,
        truth: WiderTruth | None = None,
        protocol: str | None = None,
        reference: str = "gan",
        pictures: Path | None = None,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        self.name, self.photos, self.regions, self.scorers = name, photos, regions, scorers
        self.thresholds = {by: _threshold(by, thresholds) for by in scorers}
        self.protocol, self.reference = protocol or ("wider" if truth else "coco"), reference
        self.resamples, self.seed = check_count("resamples", resamples), check_count("seed", seed, 0)
        self.faces = sum(int((~photo.ignored).sum()) for photo in photos)
        if not self.faces:
            raise DataError(f"none of the {len(photos)} photos has an annotated face: there is nothing to find")
        self.score = scoring(self.protocol, photos, truth)
        self.changes, self.eyes = Changes(), {by: Faces(scorer) for by, scorer in scorers.items()}
        self.observations = Observations(
            photos, regions, variants, [self.changes, *self.eyes.values()], store, pictures
        )

    def observe(self, progress: Progress = iter) -> None:
        """Look at everything; see `Observations.make`."""
        self.observations.make(progress)

    @cached_property
    def methods(self) -> list[str]:
        """In order, each once."""
        return list(dict.fromkeys(variant.method for variant in self.observations.variants))

    def found(self, by: str) -> dict[str, list[list[Detections]]]:
        """Method -> seed -> what a detector finds on every photo."""
        observations, eye = self.observations, self.eyes[by]
        return {
            method: [[faces_of(entry) for entry in observations.of(v, eye)] for v in observations.variant(method)]
            for method in self.methods
        }

    def values(self) -> list[Value]:
        """All numbers; everything must have been observed."""
        counts = resample(len(self.photos), self.resamples, self.seed)
        observations = self.observations
        values = coverage_values(
            self.name,
            self.photos,
            {m: [observations.of(v, self.changes) for v in observations.variant(m)] for m in self.methods},
        )
        for by in self.scorers:
            found = self.found(by)
            originals = found[NONE][0]
            values += detection_values(self.name, by, self.score, originals, found, counts, self.reference)
            values += utility_values(
                self.name, by, self.photos, originals, found, self.thresholds[by], self.resamples, self.seed
            )
        return values

    def examples(self, faces: int = 6, worst: int = 4) -> list[Example]:
        """Faces worth showing: some of all sizes under every method, and what went worst under each.

        Worst are faces that were not changed, and faces that the first scorer found on the original and no more, the
        largest of them.
        """
        heights = np.concatenate([photo.boxes[:, 3] - photo.boxes[:, 1] for photo in self.photos])
        at = [(p, f) for p, photo in enumerate(self.photos) for f in range(len(photo.boxes))]
        spread = [at[i] for i in choose_faces(np.concatenate([photo.boxes for photo in self.photos]), faces)]
        by, found = next(iter(self.scorers)), self.found(next(iter(self.scorers)))
        before = self._scores(found[NONE][0])
        examples = []
        for method in self.methods[1:]:
            variant = self.observations.variant(method)[0]
            examples += [Example(self.photos[p], variant, self.photos[p].boxes[f], "grid", "") for p, f in spread]
            if variant.sees_face and method in UNCHANGED:
                continue
            after = self._scores(found[method][0])
            shares = np.concatenate([entry["shares"] for entry in self.observations.of(variant, self.changes)])
            counted = np.concatenate([~photo.ignored for photo in self.photos])
            lost = counted & (before >= self.thresholds[by]) & (after < self.thresholds[by])
            for chosen, reason in (
                (counted & (shares <= COVERED), "not changed"),
                (lost, f"not found by {by} any more"),
            ):
                rows = worst_cases(np.where(chosen, heights, np.nan).tolist(), worst)
                examples += [
                    Example(self.photos[at[i][0]], variant, self.photos[at[i][0]].boxes[at[i][1]], "worst", reason)
                    for i in rows
                ]
        return examples

    def _scores(self, found: Sequence[Detections]) -> Array:
        """(all faces,) the best score with which each annotated face was found at IoU 0.5; 0 if it was not."""
        return np.concatenate(
            [
                np.where(iou(photo.boxes, faces.boxes) >= IOU, faces.scores, 0).max(axis=1, initial=0)
                for photo, faces in zip(self.photos, found, strict=True)
            ]
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        finder = self.regions.finder
        return {
            "photos": len(self.photos),
            "faces": self.faces,
            "ignored": sum(int(photo.ignored.sum()) for photo in self.photos),
            "regions": self.regions.source,
            "finder": finder.description,
            "scorers": {by: scorer.description for by, scorer in self.scorers.items()},
            "protocol": self.protocol,
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
        same = [by for by, scorer in self.scorers.items() if scorer.name == finder.name]
        ignored = sum(int(photo.ignored.sum()) for photo in self.photos)
        return [
            f"{len(self.photos)} photos, {self.faces} faces to find, {ignored} ignored; undetected faces count.",
            f"Replaced: {what}, in the order of the list; where boxes overlap, the later one lies on top. Keypoints: "
            f"{finder.name}, on the originals.",
            f"Scored by {PROTOCOLS[self.protocol]}.",
            *(f"{by} also {role}: prefer another detector's numbers." for by in same),
            "Both sides stay in memory as pixels and nothing is encoded again; the row jpeg says what that would cost.",
            f"Intervals: 95 % percentile bootstrap over photos, paired, {self.resamples} resamples, seed {self.seed}; "
            "methods that draw by chance are the mean of their seeds.",
        ]
