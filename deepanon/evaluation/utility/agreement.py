"""Whether a network says the same of a face before and after: arithmetic on what `Attributes` wrote down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError, lookup
from deepanon.evaluation.observing.attributes import CLASSES, COEFFICIENTS
from deepanon.evaluation.utility.bins import LABELS, UNKNOWN, bins_of, photo_of
from deepanon.evaluation.utility.means import PhotoMeans, to_value
from deepanon.evaluation.values import Value
from deepanon.geometry import Array


def agree(before: Array, after: Array) -> Array:
    """Whether the first choice stays: (F, C), (F, C) -> (F,) 0 or 1, NaN where either says nothing."""
    known = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    same = np.nan_to_num(before).argmax(axis=1) == np.nan_to_num(after).argmax(axis=1)
    return np.where(known, same.astype(np.float64), np.nan)


def apart(before: Array, after: Array) -> Array:
    """Euclidean distance: (F, C), (F, C) -> (F,), NaN where either says nothing."""
    return np.asarray(np.linalg.norm(before.astype(np.float64) - after, axis=1))


KINDS = {CLASSES: ("agreement", agree), COEFFICIENTS: ("coefficients", apart)}


def attribute_values(
    data: str,
    by: str,
    kind: str,
    photos: Sequence[AnnotatedPhoto],
    originals: Sequence[Array],
    anonymized: Mapping[str, Sequence[Sequence[Array]]],
    resamples: int = 1000,
    seed: int = 0,
    labels: Sequence[str] = LABELS,
    yaws: Array | None = None,
) -> list[Value]:
    """Agreement of what a network says before and after, of all annotated faces that count.

    Args:
        data: name of the set.
        by: name of the network.
        kind: "classes" (share of faces whose first choice stays) or "coefficients" (mean Euclidean distance).
        photos: with annotations.
        originals: (N, C) "outputs" of `Attributes` on every original.
        anonymized: by method, then one entry a seed, then one a photo.
        resamples: of the paired bootstrap over photos.
        seed: of the bootstrap.
        labels: columns of the annotation by which faces are told apart.
        yaws: (F,) degrees of the faces that count, where a detector says them; None leaves those bins out.

    Raises:
        DataError: not one entry a photo, or not one row a face.
        OptionError: unknown kind.
    """
    metric, measure = lookup(KINDS, kind, "kind of outputs")
    owners, before = photo_of(photos), _rows(photos, originals)
    bins = bins_of(photos, np.full(len(owners), np.nan) if yaws is None else yaws, labels)
    if yaws is None:
        bins.pop(UNKNOWN, None)
    means, found = PhotoMeans(owners, len(photos), resamples, seed), []
    for method, seeds in anonymized.items():
        if not seeds:
            raise DataError(f"no outputs of method {method!r}")
        tables = [measure(before, _rows(photos, one)) for one in seeds]
        for scope, chosen in bins.items():
            blank = Value("utility", data, by, method, metric, scope, 0.0)
            note = f"of {chosen.sum()} annotated faces, cut by the box, found by a detector or not"
            found.append(to_value(blank, means(tables, chosen), note))
    return found


def _rows(photos: Sequence[AnnotatedPhoto], outputs: Sequence[Array]) -> Array:
    """(F, C) of the faces that count; faces of pictures in which nothing could be cut are NaN."""
    if len(photos) != len(outputs):
        raise DataError(f"{len(photos)} photos, but outputs of {len(outputs)}")
    width = max((one.shape[1] for one in outputs), default=0)
    if not width:
        return np.full((int(sum((~photo.ignored).sum() for photo in photos)), 1), np.nan)
    parts = []
    for photo, one in zip(photos, outputs, strict=True):
        if len(one) != len(photo.boxes) or one.shape[1] not in (0, width):
            raise DataError(
                f"{photo.name}: outputs of shape {one.shape} for {len(photo.boxes)} faces of {width} numbers"
            )
        rows = one if one.shape[1] else np.full((len(one), width), np.nan)
        parts.append(rows[~photo.ignored])
    return np.concatenate(parts)
