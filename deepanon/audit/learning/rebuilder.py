"""A network that rebuilds faces: trained on anonymized photos and what they were made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepanon.audit.learning.fitting import Budget, fit, plain, seeded
from deepanon.audit.learning.frames import looking_through, surrounded, tensor
from deepanon.audit.learning.learner import BATCH, Learner
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.windows import with_windows
from deepanon.geometry import Array
from deepanon.models.unet import UNet


@dataclass(frozen=True)
class Frame:
    """What the network is shown: `side` pixels for the box, and `around` more on each side of it."""

    side: int = 64
    around: int = 16

    @property
    def whole(self) -> int:
        """Side of the frame."""
        return self.side + 2 * self.around

    def inner(self, images: Tensor) -> Tensor:
        """(N, C, whole, whole) -> (N, C, side, side) what lies in the box."""
        middle = slice(self.around, self.around + self.side)
        return images[..., middle, middle]

    def filled(self, images: Tensor, inner: Tensor) -> Tensor:
        """The frames with other boxes; gradients flow to these."""
        space = [self.around] * 4
        return F.pad(inner, space) + images * (1 - F.pad(torch.ones_like(inner[:, :1]), space))


@dataclass(frozen=True, eq=False)
class Watcher:
    """A recogniser in a loss: it sees aligned views of `side` pixels with the keypoints at `points`, (5, 2)."""

    learner: Learner
    side: int
    points: Array


class Rebuilder:
    """A U-Net in the box frame.

    Args:
        frame: what it is shown.
        width: channels at full size.
        depth: how often it halves the side; the whole frame must be a multiple of 2 to this.
        dense: see `UNet`.
        budget: how it is trained.
        seed: of everything.
    """

    def __init__(self, frame: Frame, width: int, depth: int, dense: int, budget: Budget, seed: int) -> None:
        self.frame, self.budget, self.seed = frame, budget, seed
        with seeded(seed):
            network = UNet(frame.whole, width, depth, dense).to(budget.device)
        self.network = network.to(memory_format=torch.channels_last)  # with bfloat16 2.5 times as fast on CPUs

    def __call__(self, samples: Samples) -> Samples:
        """The samples with rebuilt boxes."""
        if not len(samples):
            return samples
        return with_windows(samples, self._boxes(tensor(self._view(samples))))

    def train(
        self, anonymized: Samples, clear: Samples, watcher: Watcher, weight: float, judge: Callable[[], float]
    ) -> list[float]:
        """Train on pairs: L1 in the box, and `weight` of 1 - cosine of what the watcher sees in both.

        Args:
            anonymized: N samples.
            clear: the same photos untouched.
            watcher: who judges likeness; not changed.
            weight: of the likeness.
            judge: see `fit`.
        """
        shown, wanted = (tensor(self._view(samples)) for samples in (anonymized, clear))
        grids = looking_through(clear, self.frame.side, self.frame.around, watcher.side, watcher.points)
        identity = watcher.learner
        goals = torch.from_numpy(identity(clear))
        identity.network.eval().requires_grad_(False)
        device, frame = self.budget.device, self.frame

        def loss(rows: Tensor, random: torch.Generator) -> Tensor:
            mirrored = torch.rand(len(rows), generator=random) < 0.5
            light = (1 + (torch.rand(len(rows), 3, 1, 1, generator=random) - 0.5) * 0.2).to(device)
            before = _mirrored(plain(shown[rows], device), mirrored) * light
            after = frame.inner(_mirrored(plain(wanted[rows], device), mirrored) * light)
            made = self._run(before)
            upright = _mirrored(frame.filled(before, made) / light, mirrored)
            seen = F.grid_sample(upright, _grid(grids[rows], watcher.side, device), align_corners=False)
            likeness = F.cosine_similarity(identity.run(seen), goals[rows].to(device))
            return (made - after).abs().mean() + weight * (1 - likeness).mean()

        said = fit(self.network, loss, len(clear), self.budget, self.seed, judge)
        identity.network.requires_grad_(True)
        return said

    def _view(self, samples: Samples) -> Array:
        return surrounded(samples, self.frame.side, self.frame.around)

    def _run(self, images: Tensor) -> Tensor:
        """(N, 3, whole, whole) float in [-1, 1] -> (N, 3, side, side) float32."""
        with self.budget.casting():
            return self.frame.inner(self.network(images)).float()

    @torch.no_grad()
    def _boxes(self, pictures: Tensor) -> Array:
        """(N, 3, whole, whole) uint8 -> (N, side, side, 3) float32 in [0, 255]: as seen and in the mirror, averaged."""
        self.network.eval()
        made = []
        for part in pictures.split(BATCH):
            images = plain(part, self.budget.device)
            both = (self._run(images) + self._run(images.flip(3)).flip(3)) / 2
            made.append(((both.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).cpu().numpy())
        return np.concatenate(made)


def _mirrored(images: Tensor, rows: Tensor) -> Tensor:
    return torch.where(rows.to(images.device)[:, None, None, None], images.flip(3), images)


def _grid(theta: Tensor, side: int, device: str) -> Tensor:
    return F.affine_grid(theta.to(device), [len(theta), 3, side, side], align_corners=False)
