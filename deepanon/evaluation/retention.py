"""Detector-AP retention (DeepPrivacy, section 4): how well a face detector still works on anonymized pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from deepanon import geometry
from deepanon.anonymizers import Anonymizer
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detectors import Detector
from deepanon.errors import DataError
from deepanon.evaluation.ap import Scored, resampled_average_precision, score
from deepanon.evaluation.bootstrap import ratio_interval, resample
from deepanon.evaluation.stream import Record, Regions, Stream
from deepanon.geometry import Array
from deepanon.images import read_image
from deepanon.seeds import Seeds

NONE = "none"  # the ceiling: nothing is replaced
IOU = 0.5  # from which a detection has found a face
LEVEL = 0.95
COVERED = 0.5  # share of a face's pixels that must differ for it to count as changed


@dataclass(frozen=True)
class Retention:
    """One row of the table; all numbers but `faces` and `replaced` are fractions.

    Attributes:
        method: its name, "none" for untouched pictures.
        faces: annotated faces that should be found.
        replaced: boxes handed to the method; more than `faces` if ignored ones are replaced too.
        coverage: share of `faces` of which more than half the pixels changed.
        keypoints: share of replaced boxes for which every keypoint was known; NaN if there are none.
        ap_original: average precision of the scoring detector on the originals.
        ap_anonymized: the same on the anonymized pictures.
        retention: `ap_anonymized` / `ap_original`.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    method: str
    faces: int
    replaced: int
    coverage: float
    keypoints: float
    ap_original: float
    ap_anonymized: float
    retention: float
    low: float
    high: float


class RetentionStudy:
    """Measures methods on one set of photos, all against the same detections on the originals.

    Args:
        photos: annotated photos.
        regions: which boxes are replaced.
        scorer: the detector whose AP is measured.
        seed: of the new faces and of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        DataError: no photo has a face that counts.
    """

    def __init__(
        self,
        photos: Sequence[AnnotatedPhoto],
        regions: Regions,
        scorer: Detector,
        seed: int = 0,
        resamples: int = 1000,
    ) -> None:
        self.photos, self.regions, self.scorer, self.seed = photos, regions, scorer, seed
        self.faces = sum(int((~photo.ignored).sum()) for photo in photos)
        self.ignored = sum(int(photo.ignored.sum()) for photo in photos)
        if not self.faces:
            raise DataError(f"none of the {len(photos)} photos has an annotated face: there is nothing to find")
        self.counts = resample(len(photos), resamples, seed)

    @cached_property
    def originals(self) -> list[Scored]:
        """The scoring detector on the untouched photos, computed once.

        Raises:
            DataError: it finds no annotated face at all; retention would be a division by zero.
        """
        scored = [self._score(photo, read_image(photo.path).pixels) for photo in self.photos]
        if not any(picture.hits.any() for picture in scored):
            raise DataError(f"{self.scorer.name} finds none of the {self.faces} annotated faces on the originals")
        return scored

    def measure(self, method: str, anonymizer: Anonymizer | None) -> Retention:
        """One pass over the photos; `None` measures untouched pictures.

        Raises:
            DeepanonError: a photo cannot be read or anonymized. None is skipped.
        """
        originals = self.originals
        anonymized: list[Scored] = []
        covered, known = 0, np.zeros(0, dtype=bool)
        for record in Stream(self.photos, self.regions, anonymizer, Seeds.from_seed(self.seed)):
            anonymized.append(self._score(record.photo, record.anonymized))
            covered += int(changed(record).sum())
            if anonymizer is not None:
                known = np.append(known, record.detections.has_keypoints)
        keypoints = float(known.mean()) if len(known) else math.nan
        return Retention(
            method, self.faces, len(known), covered / self.faces, keypoints, *self._compare(originals, anonymized)
        )

    def _compare(self, originals: list[Scored], anonymized: list[Scored]) -> tuple[float, float, float, float, float]:
        """AP on the originals, AP on the anonymized pictures, retention, and its interval."""
        before, after = (partial(resampled_average_precision, side) for side in (originals, anonymized))
        whole = np.ones((1, len(self.photos)), dtype=np.int64)
        ap_before, ap_after = float(before(whole)[0]), float(after(whole)[0])
        return ap_before, ap_after, ap_after / ap_before, *ratio_interval(after, before, self.counts, LEVEL)

    def _score(self, photo: AnnotatedPhoto, image: Array) -> Scored:
        return score(self.scorer(image, photo.name), photo.boxes, photo.ignored, IOU)

    @property
    def setup(self) -> dict[str, Any]:
        """What was measured with what, as plain values for JSON."""
        return {
            "photos": len(self.photos),
            "faces": self.faces,
            "ignored": self.ignored,
            "regions": self.regions.source,
            "finder": self.regions.finder.name,
            "scorer": self.scorer.name,
            "scorer_is_finder": self.scorer.name == self.regions.finder.name,
            "iou": IOU,
            "resamples": len(self.counts),
            "seed": self.seed,
        }

    @property
    def notes(self) -> list[str]:
        """What a reader must know to judge the numbers."""
        finder, scorer, detected = self.regions.finder.name, self.scorer.name, self.regions.source == "detected"
        role = "found the faces" if detected else "placed the keypoints"
        regions = f"what {finder} finds" if detected else "every annotated box, ignored ones included"
        return [
            f"{len(self.photos)} photos, {self.faces} faces to find, {self.ignored} ignored; undetected faces count.",
            f"Replaced: {regions}. Keypoints: {finder}, on the originals.",
            f"Scored by {scorer} at IoU {IOU}. "
            + (f"The scoring detector also {role}." if finder == scorer else f"Another detector ({finder}) {role}."),
            "Both sides stay in memory as pixels; nothing is encoded again.",
            f"Intervals: {100 * LEVEL:.0f} % percentile bootstrap over photos, paired, {len(self.counts)} resamples, "
            f"seed {self.seed}.",
        ]


def changed(record: Record) -> Array:
    """(F,) bool for every face that counts: more than half of the pixels of its box differ from the original."""
    height, width = record.original.shape[:2]
    differs = (record.original != record.anonymized).any(axis=2)
    boxes = geometry.clip(geometry.outward(record.photo.boxes[~record.photo.ignored]), width, height)
    return np.array([_share(differs[y0:y1, x0:x1]) > COVERED for x0, y0, x1, y1 in boxes], dtype=bool)


def _share(window: Array) -> float:
    return float(window.mean()) if window.size else 0.0


def rows(results: Sequence[Retention]) -> list[dict[str, Any]]:
    """The results as plain dictionaries for JSON; what is undefined is None."""
    return [{key: _plain(value) for key, value in asdict(result).items()} for result in results]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def table(results: Sequence[Retention]) -> str:
    """The results as aligned text, one line a method."""
    head = ("method", "faces", "replaced", "changed", "keypoints", "AP orig", "AP anon", "retention", "95 % interval")
    cells = [head, *(_cells(result) for result in results)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in cells
    )


def _cells(r: Retention) -> tuple[str, ...]:
    interval = f"[{_percent(r.low)}, {_percent(r.high)}]"
    ap = (f"{100 * r.ap_original:.2f}", f"{100 * r.ap_anonymized:.2f}")
    shares = (_percent(r.coverage), _percent(r.keypoints))
    return (r.method, str(r.faces), str(r.replaced), *shares, *ap, _percent(r.retention), interval)


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f} %"
