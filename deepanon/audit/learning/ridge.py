"""Ridge regression in its dual form: as many unknowns as examples, however many numbers each example has."""

from __future__ import annotations

import numpy as np

from deepanon.geometry import Array


class Ridge:
    """Least squares with a penalty; one decomposition serves every strength of it.

    Args:
        inputs: (N, D).
        targets: (N, K).
        kernel_width: None for a linear map; else that of a Gaussian kernel, in medians of the squared distance.
    """

    def __init__(self, inputs: Array, targets: Array, kernel_width: float | None = None) -> None:
        self.centre, self.offset = inputs.mean(axis=0), targets.mean(axis=0)
        self.inputs = inputs - self.centre
        self.width = None
        if kernel_width is not None:
            self.width = kernel_width * float(np.median(_squared(self.inputs, self.inputs)) + 1e-12)
        kernel = self._kernel(self.inputs)
        self.scale = float(np.trace(kernel)) / len(kernel) + 1e-12
        self.values, self.vectors = np.linalg.eigh(kernel / self.scale)
        self.turned = self.vectors.T @ (targets - self.offset)

    def __call__(self, inputs: Array, strength: float) -> Array:
        """(M, D) -> (M, K); `strength` of the penalty relative to the mean squared length of the inputs."""
        weights = self.vectors @ (self.turned / (np.maximum(self.values, 0) + strength)[:, None])
        return self.offset + self._kernel(inputs - self.centre) / self.scale @ weights

    def left_out(self, strength: float) -> Array:
        """(N, K) what each example would have been given, had the map been learnt from all others."""
        share = np.maximum(self.values, 0) / (np.maximum(self.values, 0) + strength)
        own = ((self.vectors**2) @ share)[:, None]
        given, targets = self.vectors @ (share[:, None] * self.turned), self.vectors @ self.turned
        return self.offset + (given - own * targets) / np.maximum(1 - own, 1e-6)

    def _kernel(self, inputs: Array) -> Array:
        if self.width is None:
            return inputs @ self.inputs.T
        return np.exp(-_squared(inputs, self.inputs) / self.width)


def _squared(a: Array, b: Array) -> Array:
    """(N, M) squared distances."""
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T, 0)
