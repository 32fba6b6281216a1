"""The search for a small change that moves a face's vectors: momentum and translation-invariant, over handlings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepanon.anonymizers.handling import Handling, diverse, smoothed
from deepanon.embedders.surrogate import Surrogate
from deepanon.errors import ModelError

STEP = 4.0  # budgets that all steps add up to: RobFR's 1.5 (Yang et al. 2020) left a cosine of 0.27 where 4 leaves 0.03
START = 0.1  # of the budget, by chance: at no change at all the gradient is none
KERNEL_SIGMA = 3.0  # of the translation-invariant kernel, as RobFR has it


@dataclass(frozen=True, eq=False)
class Face:
    """One face as a search sees it.

    Attributes:
        pixels: (1, 3, S, S) float in [-1, 1], of whole levels.
        box: (1, 4) in pixels.
        keypoints: (1, 5, 2) in pixels.
        inside: (1, 1, S, S) bool, where pixels may change.
    """

    pixels: Tensor
    box: Tensor
    keypoints: Tensor
    inside: Tensor


@dataclass(frozen=True, eq=False)
class Perturbation:
    """MI-FGSM (Dong et al. 2018), TI (Dong et al. 2019) and DI (Xie et al. 2019) against several recognisers at once.

    Attributes:
        surrogates: what is worked against; the mean of their similarities counts.
        eps: L-infinity budget in levels.
        steps: how many.
        momentum: of the gradients, each divided by its mean size.
        kernel: side in pixels, odd, of the Gaussian that gradients are smoothed with; 1 leaves them.
        diversity: share of steps in which networks are shown a smaller, shifted picture.
        handlings: one of them, or none, is done to the picture in each step.
    """

    surrogates: Sequence[Surrogate]
    eps: int
    steps: int
    momentum: float
    kernel: int
    diversity: float
    handlings: Sequence[Handling] = field(default=())

    def search(self, face: Face, anchors: Sequence[Tensor], sign: int, rng: np.random.Generator) -> Tensor | None:
        """(1, 3, S, S) the change in levels, whole numbers within the budget, 0 outside the box.

        None if nothing in the box matters to the surrogates: keypoints that lie elsewhere, say.

        Args:
            face: what is changed.
            anchors: (1, D) for each surrogate, of unit length.
            sign: -1 moves away from the anchors, 1 towards them.
            rng: where all chance comes from.

        Raises:
            ModelError: a surrogate gives values that are not finite.
        """
        budget, step = self.eps / 127.5, STEP * self.eps / 127.5 / self.steps
        start = rng.uniform(-START, START, face.pixels.shape).astype(np.float32)
        change = torch.from_numpy(start).to(face.pixels) * budget * face.inside
        velocity = torch.zeros_like(change)
        for _ in range(self.steps):
            change = change.detach().requires_grad_()
            goal = sign * self._similarity(face, face.pixels + change, anchors, rng)
            (gradient,) = torch.autograd.grad(goal, change)
            if not torch.isfinite(gradient).all():
                raise ModelError(
                    f"surrogates {', '.join(s.name for s in self.surrogates)} give gradients that are not finite "
                    "numbers: a broken network, or pictures fed to it in another range than it expects"
                )
            gradient = smoothed(gradient, KERNEL_SIGMA, self.kernel) * face.inside
            velocity = self.momentum * velocity + gradient / gradient.abs().mean().clamp(min=1e-20)
            change = (change.detach() + step * velocity.sign()).clamp(-budget, budget) * face.inside
            change = (face.pixels + change).clamp(-1, 1) - face.pixels
        if not velocity.any():
            return None
        return (change.detach() * 127.5).round().clamp(-self.eps, self.eps)

    def _similarity(self, face: Face, pixels: Tensor, anchors: Sequence[Tensor], rng: np.random.Generator) -> Tensor:
        """Mean cosine to the anchors, after one handling drawn by chance."""
        choice = int(rng.integers(len(self.handlings) + 1))
        if choice:
            pixels = self.handlings[choice - 1](pixels, rng)
        diversified = rng.random() < self.diversity
        found = []
        for surrogate, anchor in zip(self.surrogates, anchors, strict=True):
            windows = surrogate.cut.windows(pixels, face.box, face.keypoints)
            windows = diverse(windows, rng) if diversified else windows
            found.append((F.normalize(surrogate.embedder.features(windows)) * anchor).sum())
        return torch.stack(found).mean()
