"""Arithmetic on vectors of real and of drawn faces. Vectors have unit length, or are NaN where a face cannot be cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from deepanon.evaluation.bootstrap import ratios
from deepanon.geometry import Array

BLOCK = 1024  # rows of a table of cosines at a time


def apart(people: Array, vectors: Array) -> float:
    """Mean distance (1 - cosine) between faces of two different people: of all pairs of (N, D) unit vectors."""
    known = np.isfinite(vectors).all(axis=1)
    vectors, people = vectors[known].astype(np.float64), people[known]
    total, pairs = 0.0, 0
    for start in range(0, len(vectors), BLOCK):
        other = people[start : start + BLOCK, None] != people
        total += float((1 - vectors[start : start + BLOCK] @ vectors.T)[other].sum())
        pairs += int(other.sum())
    return total / pairs if pairs else float("nan")


def spread(drawn: Sequence[Array]) -> Array:
    """(N,) distance between draws of one crop, the mean of all pairs of seeds; NaN where a face cannot be cut."""
    pairs = [1 - (a.astype(np.float64) * b).sum(axis=1) for a, b in combinations(drawn, 2)]
    return np.asarray(np.mean(pairs, axis=0))


def taken(originals: Array, drawn: Array, threshold: float) -> Array:
    """(N,) 1 where a drawn face is more alike to its original than the threshold, else 0; NaN where one is unknown."""
    alike = (originals.astype(np.float64) * drawn).sum(axis=1)
    return np.where(np.isnan(alike), np.nan, alike > threshold)


def nearest(vectors: Array, training: Array) -> Array:
    """(N,) distance of each face to the nearest of (M, D) training faces; those that cannot be cut do not count."""
    known = training[np.isfinite(training).all(axis=1)].T
    closest = [(vectors[start : start + BLOCK] @ known).max(axis=1) for start in range(0, len(vectors), BLOCK)]
    return 1 - np.concatenate(closest).astype(np.float64)


def weighted_mean(values: Array, counts: Array) -> Array:
    """(R,) means of (N,) values; NaN do not count."""
    known = np.isfinite(values)
    return ratios(counts @ np.where(known, values, 0.0), (counts @ known).astype(np.float64))
