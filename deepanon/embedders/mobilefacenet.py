"""MobileFaceNet (Chen et al. 2018) from a weights file of the user: a recogniser small enough to be looked through."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from deepanon.embedders.differentiable import TwoWays, read_network
from deepanon.embedders.pixels import FILTER, resized
from deepanon.files import sha256_of
from deepanon.models.mobilefacenet import WIDTH, MobileFaceNet

STATE = "net_state_dict"  # where the common PyTorch implementation keeps the weights in its checkpoints
WHAT = "the weights of MobileFaceNet for 112 x 96 px in its common PyTorch form"


class Mobilefacenet(TwoWays):
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
        self.network = read_network(MobileFaceNet, self.path, WHAT, lambda found: found.get(STATE, found))

    @property
    def description(self) -> str:
        """Network, input and filter in one line."""
        return (
            f"{self.name}, MobileFaceNet (SHA-256 {self.digest}), 128 features; "
            f"middle {WIDTH} of {self.size} px RGB, (x - 127.5) / 128; {FILTER}"
        )

    def _run(self, images: Tensor) -> Tensor:
        edge = (self.size - WIDTH) // 2
        inputs = (resized(images, self.size)[..., edge : edge + WIDTH] - 127.5) / 128
        features: Tensor = self.network.to(images.device)(inputs)
        return features
