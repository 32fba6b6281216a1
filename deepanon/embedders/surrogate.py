"""A surrogate: a recogniser through which gradients flow, from a face's vector back to the pixels of its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from deepanon.embedders.cuts import Aligned, Margin
from deepanon.embedders.differentiable import Differentiable, differentiable
from deepanon.embedders.facenet import Facenet
from deepanon.embedders.files import TorchScript
from deepanon.embedders.mobilefacenet import Mobilefacenet
from deepanon.embedders.recogniser import Recogniser
from deepanon.errors import OptionError, lookup

APART = "+"  # between several in one text


class Surrogate:
    """Turns pictures with one face each into vectors of unit length, with gradients.

    The same as a `Recogniser` with the same parts, but for rounding: that of levels, and OpenCV's of places.

    Args:
        embedder: the network; trainable where the parameters of `embedder.network` are.
        cut: how faces are cut for it.
        name: what reports call it; None takes the embedder's.

    Raises:
        OptionError: no gradient can flow through the embedder.
    """

    def __init__(self, embedder: Differentiable, cut: Aligned | Margin, name: str | None = None) -> None:
        self.embedder, self.cut, self.name = differentiable(embedder), cut, name or embedder.name

    @property
    def needs_keypoints(self) -> bool:
        """Whether a face without keypoints cannot be cut."""
        return isinstance(self.cut, Aligned)

    @property
    def description(self) -> str:
        """As of the recogniser."""
        return self.recogniser().description

    def recogniser(self, device: str = "cpu") -> Recogniser:
        """The recogniser of the same parts."""
        return Recogniser(self.embedder, self.cut, self.name, device)

    def __call__(self, images: Tensor, boxes: Tensor, keypoints: Tensor) -> Tensor:
        """Vectors of unit length.

        Args:
            images: (N, 3, H, W) float in [-1, 1].
            boxes: (N, 4) the face in pixels.
            keypoints: (N, 5, 2) x y in pixels, schema `five`; not looked at if the cut needs none.

        Returns:
            (N, D), with gradients to `images`, and to the weights if they are trainable.

        Raises:
            DetectionError: a face cannot be cut.
        """
        return F.normalize(self.embedder.features(self.cut.windows(images, boxes, keypoints)))


def _arcface(weights: str) -> Surrogate:
    """A TorchScript file that is fed as most recognisers since ArcFace are."""
    embedder = TorchScript(weights, size=112, mean=127.5, std=127.5)
    return Surrogate(embedder, Aligned("arcface", embedder.size))


KINDS: dict[str, Callable[[str], Surrogate]] = {
    "mobilefacenet": lambda weights: Surrogate(Mobilefacenet(weights), Aligned("arcface")),
    "facenet": lambda weights: Surrogate(Facenet(weights=weights), Margin(14, 160)),
    "torchscript": _arcface,
}


def build_surrogates(recogniser: str, weights: str | Path) -> list[Surrogate]:
    """Build what "mobilefacenet" and "a.pt", or "mobilefacenet+facenet" and "a.pt+b.pt", say.

    Args:
        recogniser: a kind, or one for each file: mobilefacenet, facenet, or torchscript (112 px RGB,
            (x - 127.5) / 127.5, on ArcFace's template; build a `Surrogate` for one that is fed otherwise).
        weights: a file, or several.

    Raises:
        OptionError: an unknown kind, or not as many kinds as files.
        FileNotFoundError: a file is not there.
        ModelError: a file holds something else.
    """
    files = [str(weights)] if Path(weights).is_file() else str(weights).split(APART)
    kinds = recogniser.split(APART)
    if len(kinds) not in (1, len(files)):
        raise OptionError(f"{len(kinds)} recognisers for {len(files)} weights: give one for all files, or one each")
    build: Any = [lookup(KINDS, kind, "surrogate") for kind in kinds] * (len(files) if len(kinds) == 1 else 1)
    return [make(file) for make, file in zip(build, files, strict=True)]
