"""Improved precision and recall (Kynkäänniemi et al. 2019, equations 1 and 2): how real, and how varied."""

from __future__ import annotations

import numpy as np

from deepanon.checks import check_count
from deepanon.distance import checked
from deepanon.errors import DataError
from deepanon.geometry import Array

BLOCK = 512  # rows of a table of distances at a time: 200 MB by 50,000 columns
NEIGHBOURS = 3  # of the paper


def precision_recall(real: Array, drawn: Array, neighbours: int = NEIGHBOURS) -> tuple[Array, Array]:
    """Which drawn faces could be real ones, and which real ones could have been drawn.

    Around every vector of one set lies a ball that reaches to its k-th nearest neighbour of that set; the balls
    together stand for all that the set could hold. A vector of the other set is covered if it lies in some ball, its
    edge included. Both depend on how many vectors there are: compare values of equal counts only.

    Args:
        real: (N, D) features.
        drawn: (M, D) features.
        neighbours: k.

    Returns:
        Precision's (M,) bool, one a drawn face, and recall's (N,) bool, one a real face; the measures are their means.

    Raises:
        DataError: k or fewer vectors in a set, not finite, or features of different lengths.
    """
    check_count("neighbours", neighbours)
    real, drawn = checked(real), checked(drawn)
    if real.shape[1] != drawn.shape[1]:
        raise DataError(f"features of {real.shape[1]} and {drawn.shape[1]} numbers cannot be compared")
    if min(len(real), len(drawn)) <= neighbours:
        raise DataError(
            f"precision and recall with {neighbours} neighbours need at least {neighbours + 1} feature vectors a side, "
            f"got {len(real)} and {len(drawn)}"
        )
    centre = real.mean(axis=0)  # distances do not change; what is far from zero would lose their digits
    real, drawn = real - centre, drawn - centre
    return _covered(drawn, real, neighbours), _covered(real, drawn, neighbours)


def _covered(points: Array, balls: Array, neighbours: int) -> Array:
    """(P,) bool: the point lies in the ball of some vector of `balls`."""
    radii = np.concatenate([
        np.partition(_own_excluded(balls, start), neighbours - 1, axis=1)[:, neighbours - 1]
        for start in range(0, len(balls), BLOCK)
    ])  # fmt: skip
    return np.concatenate([
        (_squares(points[start : start + BLOCK], balls) <= radii).any(axis=1) for start in range(0, len(points), BLOCK)
    ])  # fmt: skip


def _own_excluded(balls: Array, start: int) -> Array:
    """(B, N) squared distances of some rows to all others, infinite to themselves."""
    squares = _squares(balls[start : start + BLOCK], balls)
    rows = np.arange(len(squares))
    squares[rows, start + rows] = np.inf
    return squares


def _squares(a: Array, b: Array) -> Array:
    """(A, B) squared distances."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0.0))
