"""What turns face pictures into feature vectors, for distances between sets of them and for recognition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from deepanon.embedders.cuts import Aligned, Cut, Margin
from deepanon.embedders.differentiable import Differentiable, differentiable
from deepanon.embedders.facenet import Facenet
from deepanon.embedders.files import Onnx, OpenVino, TorchScript
from deepanon.embedders.inception import Inception
from deepanon.embedders.mobilefacenet import Mobilefacenet
from deepanon.embedders.onet import Onet
from deepanon.embedders.pixels import face_windows
from deepanon.embedders.recogniser import Recogniser
from deepanon.embedders.surrogate import Surrogate, build_surrogates
from deepanon.errors import lookup


class Embedder(Protocol):
    """Turns pictures of faces into feature vectors.

    Attributes:
        name: what it is called in logs and reports.
        size: side in pixels of what its network sees; it resizes whatever it is given.
        description: network, input and filter in one line. A distance is only comparable with one of the same line.
    """

    name: str
    size: int

    @property
    def description(self) -> str:
        """See above."""
        ...

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, D) float32 on the same device, without gradients.

        Args:
            images: crops as they are, or faces cut out of them (`face_windows`, or what a `Recogniser` cuts); clipped
                and rounded to 256 levels.
        """
        ...


EMBEDDERS: dict[str, Callable[..., Embedder]] = {
    "onet": Onet,
    "inception": Inception,
    "facenet": Facenet,
    "mobilefacenet": Mobilefacenet,
    "torchscript": TorchScript,
    "onnx": Onnx,
    "openvino": OpenVino,
}


def build_embedder(name: str, /, **options: Any) -> Embedder:
    """Build an embedder by name; `OptionError` lists the valid names."""
    return lookup(EMBEDDERS, name, "embedder")(**options)


def distance_names(embedder: Embedder) -> tuple[str, str]:
    """What Fréchet and kernel distance of its features may be called: FID and KID with FID's own network alone."""
    if isinstance(embedder, Inception):
        return "FID", "KID"
    return f"FD({embedder.name})", f"KD({embedder.name})"


__all__ = [
    "EMBEDDERS",
    "Aligned",
    "Cut",
    "Differentiable",
    "Embedder",
    "Facenet",
    "Inception",
    "Margin",
    "Mobilefacenet",
    "Onet",
    "Onnx",
    "OpenVino",
    "Recogniser",
    "Surrogate",
    "TorchScript",
    "build_embedder",
    "build_surrogates",
    "differentiable",
    "distance_names",
    "face_windows",
]
