"""The photos that cloaks are tried on: who learns from whom, which are enrolled, and what a method makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deepanon.anonymizers import Anonymizer
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.split import LEAST, parted
from deepanon.errors import DataError
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces


def by_people(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples]:
    """Two sets that have nobody in common: (`share` of the people, drawn by chance; the rest).

    Raises:
        DataError: too few people for one side, or somebody has fewer than two photos.
    """
    people, counts = np.unique(samples.people, return_counts=True)
    if len(samples) and counts.min() < LEAST:
        raise DataError("everybody in a study of cloaks needs two photos at least, one to enrol and one to look up")
    first, others = parted(samples, share, np.random.default_rng(seed))
    if min(len(first), len(others)) < 2:
        raise DataError(f"{len(people)} people cannot be parted into two groups of two or more (share {share:g})")
    rows = np.isin(samples.people, first)
    return samples[rows], samples[~rows]


def enrolled(samples: Samples) -> Array:
    """(N,) bool: the first half of everybody's photos, rounded down."""
    people = samples.people
    order = np.array([(people[:row] == who).sum() for row, who in enumerate(people)])
    count = np.array([(people == who).sum() for who in people])
    return np.asarray(order < count // 2)


def replaced(
    samples: Samples, method: Anonymizer, seeds: Sequence[int], each: Callable[[range], Sequence[int]] | None = None
) -> Samples:
    """The samples with every face replaced by a method; `each` may wrap the rows, to say how far it is."""
    rows = range(len(samples))
    drawn = [
        replace_faces(samples.pictures[row], samples.face(row), method, [seeds[row]])
        for row in (rows if each is None else each(rows))
    ]
    return samples.showing(np.stack(drawn))
