"""What puts new pixels where a face was. Every method is called with `Crops` and one seed a face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from deepanon.anonymizers.blur import gaussian9, heavy_blur
from deepanon.anonymizers.filter import FaceFilter
from deepanon.anonymizers.gan import Gan
from deepanon.anonymizers.pixelate import mosaic, pixelate
from deepanon.anonymizers.redact import blackout, noise
from deepanon.crops import Crops
from deepanon.errors import lookup


class Anonymizer(Protocol):
    """Draws new pixels for every face of `Crops`.

    Attributes:
        name: what the method is called on the command line and in reports.
        sees_face: whether it is given the face at all. If not, its crops are cut from a picture in which every face
            box is grey: there is nothing to leak.
        size: side of the crops it works on in pixels; None = native pixels, one face at a time.
    """

    name: str
    sees_face: bool
    size: int | None

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return (N, 3, S, S) float pixels in [-1, 1]; all randomness of face i comes from `seeds[i]`."""
        ...


ANONYMIZERS: dict[str, Callable[..., Anonymizer]] = {
    "gan": Gan,
    "pixelate8": partial(FaceFilter, "pixelate8", partial(pixelate, cells=8)),
    "pixelate16": partial(FaceFilter, "pixelate16", partial(pixelate, cells=16)),
    "mosaic": partial(FaceFilter, "mosaic", mosaic),
    "gaussian9": partial(FaceFilter, "gaussian9", gaussian9),
    "heavy_blur": partial(FaceFilter, "heavy_blur", heavy_blur),
    "blackout": partial(FaceFilter, "blackout", blackout, sees_face=False),
    "noise": partial(FaceFilter, "noise", noise),
}


def build_anonymizer(name: str, **options: Any) -> Anonymizer:
    """Build a method by name; `OptionError` lists the valid names."""
    return lookup(ANONYMIZERS, name, "method")(**options)


__all__ = ["ANONYMIZERS", "Anonymizer", "FaceFilter", "Gan", "build_anonymizer"]
