"""What puts new pixels where a face was. Every method is called with `Crops` and one seed a face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from deepanon.anonymizers.blur import gaussian, gaussian9, gaussian9_in_crop, heavy_blur, heavy_blur_in_crop
from deepanon.anonymizers.by_label import ByLabel, read_rules
from deepanon.anonymizers.cloak import Cloak
from deepanon.anonymizers.cover import Cover
from deepanon.anonymizers.crop_filter import CropFilter
from deepanon.anonymizers.filter import FaceFilter
from deepanon.anonymizers.gan import Gan
from deepanon.anonymizers.pixelate import mosaic, pixelate, pixelate_in_crop
from deepanon.anonymizers.plate import plate
from deepanon.anonymizers.redact import blackout, noise, solid
from deepanon.crops import Crops
from deepanon.errors import OptionError, lookup


class Anonymizer(Protocol):
    """Draws new pixels for every face of `Crops`.

    Attributes:
        name: what the method is called on the command line and in reports.
        sees_face: whether it is given the face at all. If not, its crops are cut from a picture in which every face
            box is grey: there is nothing to leak.
        size: side of the crops it works on in pixels; None = native pixels, one face at a time.
        random: whether the result depends on the seeds; if so, one run is one draw.
        description: one line with everything that its results depend on but the seeds; reports print it.
    """

    name: str
    sees_face: bool
    size: int | None
    random: bool
    description: str

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return (N, 3, S, S) float pixels in [-1, 1]; all randomness of face i comes from `seeds[i]`."""
        ...


def _pixelated(cells: int) -> Callable[..., Anonymizer]:
    about = f"bilinear to {cells} x {cells} and bilinear back"
    return partial(FaceFilter, f"pixelate{cells}", partial(pixelate, cells=cells), about)


def _pixelated_in_crop(cells: int) -> Callable[..., Anonymizer]:
    about = f"bilinear to {cells} x {cells} and back in flat blocks"
    return partial(CropFilter, f"pixelate{cells}_crop", partial(pixelate_in_crop, cells=cells), about)


ANONYMIZERS: dict[str, Callable[..., Anonymizer]] = {
    "gan": Gan,
    "pixelate8": _pixelated(8),
    "pixelate16": _pixelated(16),
    "mosaic": partial(FaceFilter, "mosaic", mosaic, "square cells, 8 across the shorter side, 3 px at least"),
    "gaussian9": partial(FaceFilter, "gaussian9", gaussian9, "Gaussian blur, 9 x 9, sigma 3"),
    "gaussian": partial(FaceFilter, "gaussian", gaussian, "Gaussian blur, sigma 0.1 of the larger side, 2 px at least"),
    "heavy_blur": partial(FaceFilter, "heavy_blur", heavy_blur, "box filter, 30 % of the width, 3 px at least"),
    "blackout": partial(FaceFilter, "blackout", blackout, "true black", sees_face=False),
    "solid": partial(Cover, "solid", solid, "the median colour of a ring around the box"),
    "plate": partial(Cover, "plate", plate, "a number plate drawn with random characters", random=True),
    "noise": partial(FaceFilter, "noise", noise, "Gaussian noise with the face's mean and deviation", random=True),
    "pixelate8_crop": _pixelated_in_crop(8),
    "pixelate16_crop": _pixelated_in_crop(16),
    "gaussian9_crop": partial(CropFilter, "gaussian9_crop", gaussian9_in_crop, "Gaussian blur, 9 x 9, sigma 3"),
    "heavy_blur_crop": partial(
        CropFilter, "heavy_blur_crop", heavy_blur_in_crop, "box filter, 30 % of the shorter side, 3 px at least"
    ),
    "cloak": Cloak,
}


def build_anonymizer(name: str, **options: Any) -> Anonymizer:
    """Build a method by name; `OptionError` lists the valid names."""
    return lookup(ANONYMIZERS, name, "method")(**options)


def build_rules(text: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> Anonymizer | ByLabel:
    """Build what "gan" or "face=gan,plate=blackout" says.

    Args:
        text: a method for everything, or rules; see `read_rules`.
        options: constructor arguments by method.

    Raises:
        OptionError: it cannot be understood, a method is unknown, or `options` are for one that is not used.
    """
    rules, options = read_rules(text), options or {}
    for name in options:
        if name not in rules.values():
            raise OptionError(f"options are given for method {name!r}, which {text!r} does not use")
    built = {name: build_anonymizer(name, **options.get(name, {})) for name in dict.fromkeys(rules.values())}
    return ByLabel({label: built[name] for label, name in rules.items()}) if "=" in text else built[text]


__all__ = [
    "ANONYMIZERS",
    "Anonymizer",
    "ByLabel",
    "Cloak",
    "Cover",
    "CropFilter",
    "FaceFilter",
    "Gan",
    "build_anonymizer",
    "build_rules",
]
