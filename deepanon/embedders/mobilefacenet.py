"""MobileFaceNet (Chen et al. 2018) from a weights file of the user: a recogniser small enough to be looked through."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from deepanon.embedders.pixels import FILTER, levels, resized, unrounded
from deepanon.errors import ModelError
from deepanon.files import sha256_of
from deepanon.models.mobilefacenet import WIDTH, MobileFaceNet

STATE = "net_state_dict"  # where the common PyTorch implementation keeps the weights in its checkpoints


class Mobilefacenet:
    """128 features; pictures are ArcFace's square (`Aligned("arcface")`), the network sees its middle 96 columns.

    So the cut stays the one that most recognisers share: the network's own template at 112 x 96 is ArcFace's, moved by
    the 8 pixels that are taken off at each side here.

    Args:
        weights: a checkpoint of the common PyTorch implementation: a state dict, by itself or under `net_state_dict`.
        name: what to call it; None says "mobilefacenet" and the file's name.

    Raises:
        FileNotFoundError: there is no file at `weights`.
        ModelError: the file holds something else; every weight must be there, and no other.
    """

    size = 112

    def __init__(self, weights: str | Path, name: str | None = None) -> None:
        self.path = Path(weights)
        if not self.path.is_file():
            raise FileNotFoundError(f"no weights at {self.path}")
        self.name = name or f"mobilefacenet {self.path.stem}"
        self.digest = sha256_of(self.path)[:16]
        with torch.device("meta"):  # draws no random numbers: a seeded run stays what it is without this embedder
            network = MobileFaceNet()
        _load(network, self.path)
        self.network: torch.nn.Module = network.eval().requires_grad_(False)

    @property
    def description(self) -> str:
        """Network, input and filter in one line."""
        return (
            f"{self.name}, MobileFaceNet (SHA-256 {self.digest}), 128 features; "
            f"middle {WIDTH} of {self.size} px RGB, (x - 127.5) / 128; {FILTER}"
        )

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, 128) float32 on the same device."""
        return self._run(levels(images))

    def features(self, images: Tensor) -> Tensor:
        """The same, not rounded and with gradients; see `Differentiable`."""
        return self._run(unrounded(images))

    def _run(self, images: Tensor) -> Tensor:
        edge = (self.size - WIDTH) // 2
        inputs = (resized(images, self.size)[..., edge : edge + WIDTH] - 127.5) / 128
        features: Tensor = self.network.to(images.device)(inputs)
        return features


def _load(network: torch.nn.Module, path: Path) -> None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state.get(STATE, state), assign=True)
    except Exception as error:  # whatever the unpickler meets
        said = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{path} does not hold the weights of MobileFaceNet for 112 x 96 px in its common PyTorch form: {said}"
        ) from error
