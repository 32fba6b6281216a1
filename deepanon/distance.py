"""How far two sets of feature vectors lie apart: Fréchet distance, kernel distance, and the floor of both.

Pure maths in float64. What may be called FID depends on where the features come from: see `deepanon.embedders`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepanon.errors import DataError
from deepanon.geometry import Array

BLOCK = 1024  # rows of a kernel matrix at a time: 8 MB by 1,000 columns


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and scatter of feature vectors, gathered batch by batch.

    Batches are merged about their own means (Chan, Golub and LeVeque 1983): summing squares first and taking the mean
    off at the end would cancel most digits where features are far from zero.

    Attributes:
        count: vectors seen, N.
        mean: (D,) float64.
        scatter: (D, D) float64, sum of (x - mean)(x - mean)^T.
    """

    count: int
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, features: Array) -> Moments:
        """Moments of one batch (N, D) of any real dtype; `DataError` if it is empty or not finite."""
        features = checked(features)
        mean = features.mean(axis=0)
        away = features - mean
        return cls(len(features), mean, away.T @ away)

    def merged(self, other: Moments) -> Moments:
        """Moments of both sets together; `DataError` if their features differ in number."""
        self._check_same(other)
        count = self.count + other.count
        step = other.mean - self.mean
        between = np.outer(step, step) * (self.count * other.count / count)
        return Moments(count, self.mean + step * (other.count / count), self.scatter + other.scatter + between)

    @property
    def covariance(self) -> Array:
        """(D, D) float64, unbiased (N - 1 in the denominator); `DataError` for fewer than two vectors."""
        if self.count < 2:
            raise DataError(f"a covariance needs at least 2 feature vectors, got {self.count}")
        return self.scatter / (self.count - 1)

    @cached_property
    def factor(self) -> Array:
        """(D, D) float64 F with F F^T = covariance, from its eigenvectors; needs no full rank."""
        values, vectors = np.linalg.eigh(self.covariance)
        noise = len(values) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
        return vectors * np.sqrt(np.where(values > noise, values, 0.0))  # what rounding made of zeros is 0 again

    def _check_same(self, other: Moments) -> None:
        if self.mean.shape != other.mean.shape:
            raise DataError(f"features of {len(self.mean)} and {len(other.mean)} numbers cannot be compared")


def frechet_distance(a: Moments, b: Moments) -> float:
    """Squared Fréchet distance of the Gaussians that fit two sets (Dowson and Landau 1982; FID: Heusel et al. 2017).

    |m_a - m_b|^2 + tr(A) + tr(B) - 2 tr((A^1/2 B A^1/2)^1/2), in squared units of the features. With A = F F^T and
    B = G G^T the last trace is the sum of the singular values of F^T G: no root of an unsymmetric matrix, hence no
    imaginary part to drop, and a rounding error of 1e-16 is not blown up to 1e-8 by a root.

    Biased upward: two samples of one distribution lie apart, by more the fewer they are. Compare values of equal counts
    only, and see `floor`. With no more vectors than features the covariance has no full rank and the bias is most of a
    small value; that is allowed, because it still ranks, and warned of.

    Raises:
        DataError: fewer than two vectors, or features of different lengths.
    """
    a._check_same(b)
    fewest, features = min(a.count, b.count), len(a.mean)
    if 2 <= fewest <= features:
        warnings.warn(
            f"Fréchet distance of {fewest} vectors of {features} features: strongly biased upward; it ranks sets of "
            "equal size, and the kernel distance is unbiased",
            RuntimeWarning,
            stacklevel=2,
        )
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    overlap = np.linalg.svd(a.factor.T @ b.factor, compute_uv=False).sum()
    step = a.mean - b.mean
    return max(float(step @ step + traces - 2 * overlap), 0.0)  # equal sets end a rounding error below 0


def kernel_distance(a: Array, b: Array) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / D + 1)^3 (KID: Bińkowski et al. 2018, §3).

    Its expectation does not depend on how many vectors there are, and is 0 for two samples of one distribution; so it
    may come out below 0. All pairs are used, where KID averages over random subsets: the same expectation, less noise.

    Args:
        a: (N, D) features, N >= 2.
        b: (M, D) features, M >= 2.

    Raises:
        DataError: fewer than two vectors, not finite, or features of different lengths.
    """
    a, b = checked(a), checked(b)
    if a.shape[1] != b.shape[1]:
        raise DataError(f"features of {a.shape[1]} and {b.shape[1]} numbers cannot be compared")
    if min(len(a), len(b)) < 2:
        raise DataError(f"a kernel distance needs at least 2 feature vectors a side, got {len(a)} and {len(b)}")
    within = sum((_kernel_sum(x, x) - _kernel_own(x)) / (len(x) * (len(x) - 1)) for x in (a, b))
    return float(within - 2 * _kernel_sum(a, b) / (len(a) * len(b)))


def frechet(a: Array, b: Array) -> float:
    """`frechet_distance` of two arrays of features, (N, D) and (M, D)."""
    return frechet_distance(Moments.of(a), Moments.of(b))


def floor(
    features: Array, distance: Callable[[Array, Array], float] = frechet, repeats: int = 5, seed: int = 0
) -> tuple[float, float]:
    """What `distance` says of two random halves of one set: nothing drawn can be told from real below it.

    A half is smaller than the whole, so for the Fréchet distance this is an upper estimate of the whole's floor.

    Args:
        features: (N, D) of real pictures, N >= 4.
        distance: of two arrays of features.
        repeats: ways to halve.
        seed: of the halves.

    Returns:
        Mean and standard deviation over the halvings.
    """
    features = checked(features)
    if len(features) < 4:
        raise DataError(f"two halves need at least 4 feature vectors, got {len(features)}")
    rng, half = np.random.default_rng(seed), len(features) // 2
    orders = [rng.permutation(len(features)) for _ in range(repeats)]
    values = [distance(features[order[:half]], features[order[half : 2 * half]]) for order in orders]
    return float(np.mean(values)), float(np.std(values))


def checked(features: Array) -> Array:
    """(N, D) float64, N and D at least 1; `DataError` says what is wrong with the features."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or not features.size:
        raise DataError(f"features must be an (N, D) array, N and D at least 1, got shape {features.shape}")
    if not np.isfinite(features).all():
        bad = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise DataError(f"features are not finite, first in vector {bad} of {len(features)}")
    return features


def _kernel_sum(a: Array, b: Array) -> float:
    blocks = (a[start : start + BLOCK] @ b.T for start in range(0, len(a), BLOCK))
    return float(sum(((block / a.shape[1] + 1) ** 3).sum() for block in blocks))


def _kernel_own(a: Array) -> float:
    """Sum of every vector's kernel with itself."""
    return float((((a * a).sum(axis=1) / a.shape[1] + 1) ** 3).sum())
