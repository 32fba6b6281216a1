"""MTCNN's last network as an embedder: small, quick, and its weights ship in the facenet-pytorch wheel."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from deepanon.embedders.pixels import FILTER, levels, resized


class Onet:
    """The 256 features from which MTCNN's O-Net (Zhang et al. 2016) tells faces, boxes and landmarks.

    They know where eyes, nose and mouth are and whether it is a face at all; they know little of identity or texture.
    Good for watching training, where everybody has it without a download. A Fréchet distance of them is no FID.
    """

    name = "onet"
    size = 48
    description = f"MTCNN O-Net of facenet-pytorch, dense5, 256 features; 48 px RGB, (x - 127.5) / 128; {FILTER}"

    def __init__(self) -> None:
        with warnings.catch_warnings():  # the package changes the process-wide filters on import
            from facenet_pytorch.models import mtcnn

        with torch.device("meta"):  # draws no random numbers: a seeded run stays what it is without this embedder
            network = mtcnn.ONet(pretrained=False)
        weights = torch.load(Path(mtcnn.__file__).parent / "../data/onet.pt", map_location="cpu", weights_only=True)
        network.load_state_dict(weights, assign=True)
        # The score's head hands on what it is given. The network itself turns its last map around (the weights come
        # from a library that counts columns first), which is why its own forward is used and not a copy of its layers.
        network.dense6_1 = network.softmax6_1 = nn.Identity()
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, 256) float32 on the same device."""
        inputs = (resized(levels(images), self.size) - 127.5) / 128
        features: Tensor = self.network.to(images.device)(inputs)[2]
        return features
