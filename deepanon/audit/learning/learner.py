"""A recogniser that an attacker trains: what it is shown of a face, and how it is taught to tell people apart."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.audit.learning.fitting import Budget, fit, plain, seeded, varied
from deepanon.audit.learning.frames import aligned, tensor
from deepanon.audit.people.samples import Samples
from deepanon.embedders import Recogniser
from deepanon.errors import DataError, OptionError
from deepanon.geometry import Array
from deepanon.models.identity_net import IdentityNet, MarginHead

BATCH = 128  # pictures looked at together


@dataclass(eq=False)
class Learner:
    """A network to be trained, and the view of a face that it takes.

    Attributes:
        network: its parameters are trained.
        features: (N, 3, S, S) float in [-1, 1] -> (N, D) float, with gradients; it runs `network`.
        view: samples -> (N, S, S, 3) uint8.
        device: where the network runs.
        half: whether in bfloat16.
    """

    network: nn.Module
    features: Callable[[Tensor], Tensor]
    view: Callable[[Samples], Array]
    device: str = "cpu"
    half: bool = True

    @classmethod
    def small(cls, side: int, width: int, features: int, budget: Budget, seed: int) -> Learner:
        """An untrained `IdentityNet` that sees aligned faces."""
        with seeded(seed):
            network = IdentityNet(side, width, features).to(budget.device)
        return cls(network, network, lambda samples: aligned(samples, side), budget.device, budget.half)

    @classmethod
    def of(cls, recogniser: Recogniser, budget: Budget) -> Learner:
        """A trainable copy of a recogniser whose embedder has `features` and `network`; the original stays untouched.

        Raises:
            OptionError: no gradient can flow through its embedder.
        """
        check_trainable(recogniser.name, recogniser)
        embedder: Any = copy.deepcopy(recogniser.embedder)
        network: nn.Module = embedder.network.to(budget.device).to(memory_format=torch.channels_last)  # faster on CPUs
        network.requires_grad_(True)

        def view(samples: Samples) -> Array:
            return np.stack([_cut(recogniser, samples, row) for row in range(len(samples))])

        return cls(network, embedder.features, view, budget.device, half=budget.half)

    def copy(self) -> Learner:
        """Another learner with weights of its own."""
        features = self.features
        if features is self.network:
            network = copy.deepcopy(self.network)
            return Learner(network, network, self.view, self.device, self.half)
        embedder: Any = copy.deepcopy(features.__self__)  # type: ignore[attr-defined]
        return Learner(embedder.network, embedder.features, self.view, self.device, self.half)

    def run(self, images: Tensor) -> Tensor:
        """(N, 3, S, S) float on `device` -> (N, D) float32, with gradients."""
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.half):
            return self.features(images).float()

    @torch.no_grad()
    def vectors(self, pictures: Tensor) -> Array:
        """(N, 3, S, S) uint8 -> (N, D) float32 of unit length: of the picture and its mirror image together."""
        self.network.eval()
        made = [torch.zeros(0, 1)]
        for part in pictures.split(BATCH):
            images = plain(part, self.device)
            made.append(F.normalize(F.normalize(self.run(images)) + F.normalize(self.run(images.flip(3)))).cpu())
        return torch.cat(made[1:] or made).numpy()

    def __call__(self, samples: Samples) -> Array:
        """(N, D) float32 of unit length."""
        return self.vectors(tensor(self.view(samples)))


def check_trainable(name: str, recogniser: Recogniser) -> None:
    """Raise `OptionError` if no gradient can flow through its embedder."""
    if not (hasattr(recogniser.embedder, "features") and hasattr(recogniser.embedder, "network")):
        raise OptionError(
            f"backbone {name!r} is run outside torch, so that it cannot be trained; take facenet, mobilefacenet "
            "or torchscript"
        )


def teach(
    learner: Learner,
    samples: Samples,
    budget: Budget,
    seed: int,
    judge: Callable[[], float] | None = None,
    *,
    goal: Array | None = None,
    pull: float = 0.0,
    margin: float = 0.2,
    scale: float = 24.0,
) -> list[float]:
    """Train a learner to tell the people of the samples apart.

    Args:
        learner: trained in place.
        samples: all of them are learnt from.
        budget: how long.
        seed: of everything.
        judge: see `fit`.
        goal: (N, D) float32 of unit length, where the vector of each sample should lie: that of its clear photo.
        pull: how much of the loss is the distance to it, 1 - cosine; people are then learnt from the mean goal on.
        margin: of the cosine.
        scale: of the cosine.

    Returns:
        What the judge said.
    """
    pictures = tensor(learner.view(samples))
    people = torch.from_numpy(np.unique(samples.people, return_inverse=True)[1].astype(np.int64))
    learner.network.eval()
    with torch.no_grad(), seeded(seed):
        width = learner.run(plain(pictures[:2], learner.device)).shape[1]
        head = MarginHead(width, int(people.max()) + 1, margin, scale).to(learner.device)
        goals = None if goal is None else torch.from_numpy(goal)
        if goals is not None:
            sums = torch.zeros(len(head.weight), width).index_add_(0, people, goals)
            head.weight.copy_(F.normalize(sums))
    device = learner.device

    def loss(rows: Tensor, random: torch.Generator) -> Tensor:
        found = learner.run(varied(pictures[rows], random, device))
        told: Tensor = head(found, people[rows].to(device))
        if goals is None or not pull:
            return told
        return told + pull * (1 - F.cosine_similarity(found, goals[rows].to(device))).mean()

    return fit(nn.ModuleList([learner.network, head]), loss, len(samples), budget, seed, judge)


def _cut(recogniser: Recogniser, samples: Samples, row: int) -> Array:
    window = recogniser.cut(samples.pictures[row], samples.face(row))
    if window is None:
        raise DataError(f"recogniser {recogniser.name!r} cannot cut a face: keypoints that all lie on one spot")
    return window
