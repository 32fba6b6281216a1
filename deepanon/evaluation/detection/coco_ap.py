"""Average precision as COCO defines it (Lin et al. 2014): pycocotools matches, all resamples are measured at once."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.sparse import csr_array

from deepanon import geometry
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.errors import DataError
from deepanon.geometry import Array

RECALLS = np.linspace(0, 1, 101)
IOUS = np.linspace(0.5, 0.95, 10)
SIZES = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}  # square pixels
MOST = 10_000  # detections a picture; COCO's own 100 would drop faces of a crowd
SPARSE = 30  # a sparse product is taken where fewer than one cell in so many is filled
CHUNK = 2_000_000  # values in a table of resamples x levels; bounds memory at some 50 MB


@dataclass(frozen=True, eq=False)
class Matched:
    """All detections of a set of pictures that count, at one IoU.

    Attributes:
        scores: (D,) float64.
        hits: (D,) bool, true where the detection found a face that no better-scored one had found.
        image: (D,) int64, which picture.
        faces: (n,) int64, how many there are to find in each picture.
    """

    scores: Array
    hits: Array
    image: Array
    faces: Array

    def areas(self, counts: Array) -> Array:
        """(R, n) how often each picture was drawn -> (R,) average precision, NaN where a resample holds no face.

        Precision only counts where recall rises, so the curve is computed at the scores of hits alone: as many points
        as faces that are found, whatever the number of false alarms.
        """
        total = (counts @ self.faces).astype(np.float64)
        levels = -np.unique(-self.scores[self.hits])  # best first
        if not len(levels):
            return np.where(total > 0, 0.0, np.nan)
        hits, alarms = self._table(levels, self.hits), self._table(levels, ~self.hits)
        step = max(1, CHUNK // len(levels))
        parts = []
        for start in range(0, len(counts), step):
            drawn = counts[start : start + step].astype(np.float64)
            found, false = (np.cumsum(drawn @ table, axis=1) for table in (hits, alarms))  # r,L
            parts.append(_interpolated(found / np.maximum(found + false, 1), found, total[start : start + step]))
        return np.concatenate(parts)

    def _table(self, levels: Array, rows: Array) -> Any:
        """(n, L) how many of `rows` in each picture reach level l, and none above it; those below all are left out.

        Sparse where that makes the product with the resamples faster, dense (BLAS) where it does not.
        """
        level = np.searchsorted(-levels, -self.scores[rows], side="left")  # detections of one score enter together
        there = level < len(levels)
        ones, places = np.ones(int(there.sum())), (self.image[rows][there], level[there])
        table = csr_array((ones, places), shape=(len(self.faces), len(levels)))
        return table.toarray() if table.nnz * SPARSE > len(self.faces) * len(levels) else table


@dataclass(frozen=True, eq=False)
class CocoTable:
    """One way to count: the mean over one or several IoUs."""

    parts: tuple[Matched, ...]

    def average_precision(self) -> float:
        """In [0, 1]; NaN if there is no face to find."""
        return float(self.resampled(np.ones((1, len(self.parts[0].faces)), dtype=np.int64))[0])

    def resampled(self, counts: Array) -> Array:
        """(R, n) how often each picture was drawn -> (R,) average precision, NaN where a resample holds no face."""
        return np.asarray(np.mean([part.areas(counts) for part in self.parts], axis=0))

    @property
    def n_faces(self) -> int:
        """How many there are to find."""
        return int(self.parts[0].faces.sum())


def coco_tables(photos: Sequence[AnnotatedPhoto], found: Mapping[str, Detections]) -> dict[str, CocoTable]:
    """Score a detector on annotated photos.

    A detection takes the free face it overlaps most, best score first, if the IoU is high enough. One without a face of
    which so much of its own area lies in an ignored face counts neither way. Unlike pycocotools', detections of one
    score enter the curve together, so that the order of pictures does not matter; and there may be 10,000 a picture.

    Args:
        photos: with annotated faces.
        found: the detections in every photo, by its name.

    Returns:
        "AP50": at IoU 0.5; "AP50:95": mean over IoU 0.50, 0.55, ..., 0.95; "AP50:95 small", "… medium", "… large": the
        same for faces below 32 x 32 pixels, up to 96 x 96, and above. They are COCO's sizes, not WIDER's subsets.

    Raises:
        DataError: a photo has no entry in `found`.
    """
    missing = [photo.name for photo in photos if photo.name not in found]
    if missing:
        raise DataError(f"no detections for {len(missing)} of {len(photos)} photos, the first is {missing[0]}")
    sides = [(photo, found[photo.name]) for photo in photos]
    near = [_near(photo, faces) for photo, faces in sides]
    evaluation = _evaluated(photos, [faces[close] for (_, faces), close in zip(sides, near, strict=True)])
    far = _alarms([faces[~close] for (_, faces), close in zip(sides, near, strict=True)])
    tables = {
        size: tuple(_matched(evaluation, number, iou, len(photos), far) for iou in range(len(IOUS)))
        for number, size in enumerate(SIZES)
    }
    return {
        "AP50": CocoTable(tables["all"][:1]),
        "AP50:95": CocoTable(tables["all"]),
        **{f"AP50:95 {size}": CocoTable(tables[size]) for size in SIZES if size != "all"},
    }


def _near(photo: AnnotatedPhoto, faces: Detections) -> Array:
    """(D,) bool: detections that some face could match. pycocotools need not look at the others, which are most."""
    overlap = geometry.iou(faces.boxes, photo.boxes)
    inside = geometry.intersection(faces.boxes, photo.boxes[photo.ignored]) / geometry.area(faces.boxes)[:, None]
    least = IOUS[0] - 1e-6  # which is to decide what is exactly at it
    return np.asarray((overlap >= least).any(axis=1) | (inside >= least).any(axis=1))


def _alarms(found: Sequence[Detections]) -> tuple[Array, Array, Array]:
    """Score, area in square pixels and picture of detections that are false alarms whatever the IoU; (A,) each."""
    sides = np.concatenate([_sides(faces.boxes) for faces in found])
    scores = np.concatenate([faces.scores for faces in found]).astype(np.float64)
    return scores, sides[:, 2] * sides[:, 3], np.repeat(np.arange(len(found)), [len(faces) for faces in found])


def _evaluated(photos: Sequence[AnnotatedPhoto], found: Sequence[Detections]) -> COCOeval:
    """pycocotools after it has matched everything; it prints as it goes, and nobody wants that."""
    faces = [
        _annotation(image, *face) for image, p in enumerate(photos) for face in zip(p.boxes, p.ignored, strict=True)
    ]
    for number, face in enumerate(faces, 1):
        face["id"] = number  # 0 would mean unmatched
    rows = [
        np.concatenate([np.full((len(d), 1), image), _sides(d.boxes), d.scores[:, None], np.ones((len(d), 1))], axis=1)
        for image, d in enumerate(found)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": image} for image in range(len(photos))],
            "annotations": faces,
            "categories": [{"id": 1}],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, _results(truth, np.concatenate(rows)), "bbox")
        evaluation.params.imgIds, evaluation.params.catIds = list(range(len(photos))), [1]
        evaluation.params.iouThrs, evaluation.params.maxDets = IOUS, [MOST]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = list(SIZES.values()), list(SIZES)
        evaluation.evaluate()
    return evaluation


def _results(truth: COCO, rows: Array) -> COCO:
    """(D, 7) image, x y width height, score, category -> what COCOeval takes; its own loader fails on an empty list."""
    if len(rows):
        return truth.loadRes(rows.astype(np.float64))
    nothing = COCO()
    nothing.dataset = truth.dataset | {"annotations": []}
    nothing.createIndex()
    return nothing


def _annotation(image: int, box: Array, ignored: bool) -> dict[str, Any]:
    x, y, width, height = _sides(box[None])[0].tolist()
    return {
        "image_id": image, "category_id": 1, "bbox": [x, y, width, height], "area": width * height,
        "iscrowd": int(ignored),
    }  # fmt: skip


def _sides(boxes: Array) -> Array:
    """(N, 4) x0 y0 x1 y1 -> x y width height, float64."""
    boxes = boxes.astype(np.float64)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def _matched(evaluation: COCOeval, size: int, iou: int, pictures: int, far: tuple[Array, Array, Array]) -> Matched:
    """What pycocotools found for one range of sizes and one IoU, and the false alarms far from any face."""
    low, high = list(SIZES.values())[size]
    within = (far[1] >= low) & (far[1] <= high)
    scores, image = [far[0][within]], [far[2][within]]
    hits, faces = [np.zeros(len(scores[0]), dtype=bool)], np.zeros(pictures, dtype=np.int64)
    for number, entry in enumerate(evaluation.evalImgs[size * pictures : (size + 1) * pictures]):
        if entry is None:  # neither face nor detection
            continue
        counts = ~entry["dtIgnore"][iou].astype(bool)
        scores.append(np.asarray(entry["dtScores"], dtype=np.float64)[counts])
        hits.append(entry["dtMatches"][iou][counts] > 0)
        image.append(np.full(int(counts.sum()), number))
        faces[number] = int((np.asarray(entry["gtIgnore"]) == 0).sum())
    return Matched(np.concatenate(scores), np.concatenate(hits), np.concatenate(image), faces)


def _interpolated(precision: Array, found: Array, total: Array) -> Array:
    """(R, L) precision and faces found, (R,) faces -> (R,) mean precision at 101 levels of recall."""
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    areas = np.full(len(total), np.nan)
    for row in np.flatnonzero(total > 0):
        at = np.searchsorted(found[row] / total[row], RECALLS, side="left")
        areas[row] = np.append(envelope[row], 0.0)[at].mean()
    return areas
