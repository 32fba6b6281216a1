"""Whom an attacker names, from vectors alone: nearest photo, linear head, and a head that has seen cloaks before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from deepanon.audit.learning.features import unit
from deepanon.audit.learning.ridge import Ridge
from deepanon.geometry import Array

RIDGE = 0.1  # of the mean squared length of the gallery, added to every direction: photos are fewer than dimensions
SHRINKAGE = 0.1  # of the covariance within people, towards a sphere
FAR = 0.01  # share of clear pairs of two people that a threshold lets pass

Attack = Callable[[Array, Array, Array], Array]  # gallery (G, D), its people (G,), probes (Q, D) -> people (Q,)


def nearest(gallery: Array, people: Array, probes: Array) -> Array:
    """(Q,) whose photo is most alike."""
    return np.asarray(people[np.argmax(probes @ gallery.T, axis=1)])


def linear(gallery: Array, people: Array, probes: Array) -> Array:
    """(Q,) what a linear head says: ridge regression on who is who, trained on the gallery."""
    names, target = np.unique(people, return_inverse=True)
    said = Ridge(gallery, np.eye(len(names))[target])(probes, RIDGE)
    return np.asarray(names[np.argmax(said, axis=1)])


def poisoned(attack: Attack, clear: Array, cloaked: Array, people: Array, probes: Array, owners: Array) -> Array:
    """(Q,) float: is a clear probe named right by a gallery in which its own person, and no other, is cloaked?

    FaceCure's setting (Radiya-Dixit et al. 2022): one user protects the photos that are scraped. 1 minus the mean is
    their protection rate.

    Args:
        attack: who names.
        clear: (G, D) gallery.
        cloaked: (G, D) the same photos, cloaked.
        people: (G,) who is in them.
        probes: (Q, D) clear.
        owners: (Q,) who is in them.
    """
    hits = np.zeros(len(probes))
    for who in np.unique(owners):
        gallery, rows = np.where((people == who)[:, None], cloaked, clear), owners == who
        hits[rows] = attack(gallery, people, probes[rows]) == who
    return hits


def accepted(probes: Array, gallery: Array, owners: Array, people: Array, threshold: float) -> Array:
    """(Q,) float: share of the own photos in the gallery that a probe passes for one person with."""
    alike, same = probes @ gallery.T > threshold, owners[:, None] == people[None, :]
    return np.asarray((alike & same).sum(axis=1) / same.sum(axis=1))


def threshold(vectors: Array, people: Array) -> float:
    """The similarity that `FAR` of the pairs of two people in clear photos exceed."""
    others = people[:, None] != people[None, :]
    return float(np.quantile((vectors @ vectors.T)[others], 1 - FAR))


def discriminant(vectors: Array, people: Array) -> Callable[[Array], Array]:
    """The space of linear discriminant analysis, in which people scatter alike in every direction, with shrinkage.

    Trained on clear and cloaked photos of the same people under one name, it learns to look past what a cloak moves.
    No direction is dropped, as the textbook does for all but one less than there are people: those to be recognised are
    others, and part along others too.

    Args:
        vectors: (N, D).
        people: (N,).

    Returns:
        A function (M, D) -> (M, D) of unit length.
    """
    # not `audit.discriminant.Discriminant`, which weighs directions and counts noise over N - people, not N
    names, row = np.unique(people, return_inverse=True)
    centres = np.stack([vectors[row == k].mean(axis=0) for k in range(len(names))])
    middle, apart = vectors.mean(axis=0), vectors - centres[row]
    within = apart.T @ apart / len(vectors)
    size = within.shape[0]
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / size * np.eye(size)
    values, axes = np.linalg.eigh(within)
    white = axes / np.sqrt(values)

    def project(some: Array) -> Array:
        return unit((some - middle) @ white)

    return project
