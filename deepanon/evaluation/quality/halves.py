"""Measures between two halves of the crops, so that no drawn face is held against its own original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deepanon.distance import Moments, frechet_distance, kernel_distance
from deepanon.evaluation.quality.manifold import precision_recall
from deepanon.geometry import Array

HALVINGS = 5


@dataclass(frozen=True, eq=False)
class Halves:
    """Real features and the ways to halve them.

    Attributes:
        real: (N, D) features.
        halvings: how many ways.
        seed: of the ways.
    """

    real: Array
    halvings: int = HALVINGS
    seed: int = 0

    @cached_property
    def orders(self) -> list[tuple[Array, Array]]:
        """Rows drawn and rows real of every halving, without a crop in common."""
        rng, half = np.random.default_rng(self.seed), len(self.real) // 2
        orders = [rng.permutation(len(self.real)) for _ in range(self.halvings)]
        return [(order[:half], order[half : 2 * half]) for order in orders]

    @cached_property
    def moments(self) -> list[Moments]:
        """Of every real half."""
        return [Moments.of(self.real[rows]) for _, rows in self.orders]

    def measure(self, drawn: Sequence[Array]) -> dict[str, Array]:
        """Fréchet and kernel distance, precision and recall of one half's drawn faces to the other half's real ones.

        Args:
            drawn: (N, D) of each seed; the halvings take turns with them.

        Returns:
            (halvings,) values under "frechet", "kernel", "precision" and "recall".
        """
        found: dict[str, list[float]] = {"frechet": [], "kernel": [], "precision": [], "recall": []}
        for turn, ((here, there), moments) in enumerate(zip(self.orders, self.moments, strict=True)):
            features = drawn[turn % len(drawn)][here]
            precision, recall = precision_recall(self.real[there], features)
            found["frechet"].append(frechet_distance(Moments.of(features), moments))
            found["kernel"].append(kernel_distance(features, self.real[there]))
            found["precision"].append(float(precision.mean()))
            found["recall"].append(float(recall.mean()))
        return {name: np.array(values) for name, values in found.items()}
