"""Kinds of faces by which numbers are told apart: how large, how turned, how covered."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError
from deepanon.geometry import Array

SIZES = (16, 32, 64, 128)  # px of height of the annotated box
YAWS = (15, 30, 60)  # degrees to either side, on the original
UNKNOWN = "yaw unknown"
LABELS = ("occlusion",)  # of `AnnotatedPhoto.labels`


def photo_of(photos: Sequence[AnnotatedPhoto]) -> Array:
    """(F,) int64, the photo of every annotated face that counts; `DataError` if there is no photo."""
    if not photos:
        raise DataError("utility needs photos, there is none")
    return np.repeat(np.arange(len(photos)), [int((~photo.ignored).sum()) for photo in photos])


def bins_of(photos: Sequence[AnnotatedPhoto], yaws: Array, labels: Sequence[str] = LABELS) -> dict[str, Array]:
    """Which faces belong to which bin.

    Args:
        photos: whose annotated faces that count are meant, in order, F in all.
        yaws: (F,) degrees, NaN where unknown.
        labels: columns of the annotation, a bin for each value; those that no photo has are left out.

    Returns:
        (F,) bool by name, "all" first; bins without any face are left out.

    Raises:
        DataError: yaws of another count, or a label that only some photos have.
    """
    heights = np.concatenate([np.diff(p.boxes[~p.ignored][:, [1, 3]], axis=1)[:, 0] for p in photos])
    if len(yaws) != len(heights):
        raise DataError(f"{len(heights)} faces, but poses of {len(yaws)}")
    found = {"all": np.ones(len(heights), dtype=bool)}
    found |= _between("size", heights, SIZES, " px")
    found |= _between("yaw", np.abs(yaws), YAWS, "°") | {UNKNOWN: ~np.isfinite(yaws)}
    for label in labels:
        values = _label(photos, label)
        found |= {f"{label} {value}": values == value for value in np.unique(values)}
    return {name: chosen for name, chosen in found.items() if chosen.any() or name == "all"}


def _between(what: str, values: Array, edges: Sequence[int], unit: str) -> dict[str, Array]:
    """Half-open bins: the lower edge belongs to them. NaN belongs to none."""
    bounds = [0, *edges, np.inf]
    names = [f"{what} {low}-{high}{unit}" for low, high in pairwise(bounds[:-1])] + [f"{what} {edges[-1]}+{unit}"]
    within = [(values >= low) & (values < high) for low, high in pairwise(bounds)]
    return dict(zip(names, within, strict=True))


def _label(photos: Sequence[AnnotatedPhoto], label: str) -> Array:
    having = [photo for photo in photos if label in photo.labels]
    if not having:
        return np.zeros(0)
    lacking = [photo.name for photo in photos if label not in photo.labels and len(photo.boxes)]
    if lacking:
        raise DataError(f"{lacking[0]} has no label {label!r}, {having[0].name} has")
    return np.concatenate([photo.labels[label][~photo.ignored] for photo in having])
