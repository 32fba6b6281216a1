"""What puts new pixels where a face was. Every method is called with `Crops` and one seed a face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from deepanon.anonymizers.blur import (
    gaussian9,
    gaussian9_in_crop,
    gaussian_filter,
    heavy_blur_filter,
    heavy_blur_in_crop,
)
from deepanon.anonymizers.by_label import ByLabel, read_rules
from deepanon.anonymizers.chain import Chain
from deepanon.anonymizers.cloak import Cloak
from deepanon.anonymizers.cover import Cover
from deepanon.anonymizers.crop_filter import CropFilter
from deepanon.anonymizers.dp_pix import dp_pix_filter
from deepanon.anonymizers.eye_bar import EyeBar
from deepanon.anonymizers.filter import FaceFilter
from deepanon.anonymizers.gan import Gan
from deepanon.anonymizers.grammar import Written, canonical, is_rules, read_chain
from deepanon.anonymizers.k_same import KSame
from deepanon.anonymizers.layered import layered_filter, layered_lite, layered_strong
from deepanon.anonymizers.options import read_options
from deepanon.anonymizers.pixelate import mosaic_filter, pixelate, pixelate_filter, pixelate_in_crop
from deepanon.anonymizers.plate import plate
from deepanon.anonymizers.redact import blackout, blackout_ellipse, noise, solid
from deepanon.crops import Crops
from deepanon.errors import OptionError, lookup


class Anonymizer(Protocol):
    """Draws new pixels for every face of `Crops`; in films it may be called from two threads at once.

    Attributes:
        name: what the method is called on the command line and in reports.
        sees_face: whether it is given the face at all. If not, its crops are cut from a picture in which every face
            box is grey: there is nothing to leak.
        size: side of the crops it works on in pixels; None = native pixels, one face at a time.
        random: whether the result depends on the seeds; if so, one run is one draw.
        leaves: optional, False where it is missing: whether some pixels of a box come back as they were. Boxes are then
            cut from what was drawn so far, so that no box lays open what is hidden in another.
        cosmetic: whether it merely perturbs the face, so that people see no difference; that is no anonymization. A
            method without the attribute is none: ask `getattr(method, "cosmetic", False)`.
        description: one line with everything that its results depend on but the seeds; reports print it.
    """

    name: str
    sees_face: bool
    size: int | None
    random: bool
    cosmetic: bool
    description: str

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return (N, 3, S, S) float pixels in [-1, 1]; all randomness of face i comes from `seeds[i]`."""
        ...


def _fixed(kind: Callable[..., Anonymizer], *arguments: Any, **more: Any) -> Callable[[], Anonymizer]:
    """A method that has no options."""
    return lambda: kind(*arguments, **more)


def _pixelated(cells: int) -> Callable[[], Anonymizer]:
    about = f"bilinear to {cells} x {cells} and bilinear back"
    return _fixed(FaceFilter, f"pixelate{cells}", partial(pixelate, cells=cells), about)


def _pixelated_in_crop(cells: int) -> Callable[[], Anonymizer]:
    about = f"bilinear to {cells} x {cells} and back in flat blocks"
    return _fixed(CropFilter, f"pixelate{cells}_crop", partial(pixelate_in_crop, cells=cells), about)


ANONYMIZERS: dict[str, Callable[..., Anonymizer]] = {  # arguments that have a default are options
    "gan": Gan,
    "pixelate": pixelate_filter,
    "pixelate8": _pixelated(8),
    "pixelate16": _pixelated(16),
    "mosaic": mosaic_filter,
    "gaussian9": _fixed(FaceFilter, "gaussian9", gaussian9, "Gaussian blur, 9 x 9, sigma 3"),
    "gaussian": gaussian_filter,
    "heavy_blur": heavy_blur_filter,
    "layered": layered_filter,
    "layered_lite": layered_lite,
    "layered_strong": layered_strong,
    "dp_pix": dp_pix_filter,
    "k_same": KSame,
    "blackout": _fixed(FaceFilter, "blackout", blackout, "true black", sees_face=False),
    "blackout_ellipse": _fixed(
        FaceFilter, "blackout_ellipse", blackout_ellipse, "a black ellipse, corners left", leaves=True
    ),
    "eye_bar": EyeBar,
    "solid": _fixed(Cover, "solid", solid, "the median colour of a ring around the box"),
    "plate": _fixed(Cover, "plate", plate, "a number plate drawn with random characters", random=True),
    "noise": _fixed(FaceFilter, "noise", noise, "Gaussian noise with the face's mean and deviation", random=True),
    "pixelate8_crop": _pixelated_in_crop(8),
    "pixelate16_crop": _pixelated_in_crop(16),
    "gaussian9_crop": _fixed(CropFilter, "gaussian9_crop", gaussian9_in_crop, "Gaussian blur, 9 x 9, sigma 3"),
    "heavy_blur_crop": _fixed(
        CropFilter, "heavy_blur_crop", heavy_blur_in_crop, "box filter, 30 % of the shorter side, 3 px at least"
    ),
    "cloak": Cloak,
}


def build_anonymizer(name: str, **options: Any) -> Anonymizer:
    """Build a method by name, or what "gaussian:sigma=0.12" or "gan+gaussian" says (see `grammar`).

    Args:
        name: the method, its options and further stages.
        options: arguments of the method that are not written; only where there is one stage.

    Raises:
        OptionError: it cannot be understood, or a method or an option is unknown (the message lists the valid ones), of
            another kind or out of range.
    """
    stages = read_chain(name)
    if options and len(stages) > 1:
        raise OptionError(f"options {', '.join(options)} for which method of {name!r}? write them into the text")
    return _build(stages, {stages[0].name: options})


def build_rules(text: str, options: Mapping[str, Mapping[str, Any]] | None = None) -> Anonymizer | ByLabel:
    """Build what "gan", "gan+gaussian" or "face=gan+gaussian:sigma=0.12,plate=blackout" says.

    Args:
        text: a method or chain for everything, or rules; see `read_rules`.
        options: further arguments by method, wherever it stands.

    Raises:
        OptionError: as for `build_anonymizer`, or `options` are for a method that is not used.
    """
    rules, options = read_rules(text), options or {}
    used = {method: read_chain(method) for method in dict.fromkeys(rules.values())}
    for name in options:
        if not any(stage.name == name for stages in used.values() for stage in stages):
            raise OptionError(f"options are given for method {name!r}, which {text!r} does not use")
    built = {method: _build(stages, options) for method, stages in used.items()}
    return ByLabel({label: built[method] for label, method in rules.items()}) if is_rules(text) else built[text]


def _build(stages: Sequence[Written], options: Mapping[str, Mapping[str, Any]]) -> Anonymizer:
    built = [_stage(stage, options.get(stage.name, {})) for stage in stages]
    return built[0] if len(built) == 1 else Chain(built)


def _stage(stage: Written, more: Mapping[str, Any]) -> Anonymizer:
    factory = lookup(ANONYMIZERS, stage.name, "method")
    options = read_options(stage.name, factory, stage.options)
    twice = sorted(options.keys() & more.keys())
    if twice:
        raise OptionError(f"option {twice[0]!r} of method {stage.name!r} is given twice: written, and besides")
    try:
        method = factory(**options, **more)
    except OptionError as error:
        raise OptionError(f"method {stage.name!r}: {error}") from error
    if options:
        method.name = canonical(stage.name, options)
    return method


__all__ = [
    "ANONYMIZERS",
    "Anonymizer",
    "ByLabel",
    "Chain",
    "Cloak",
    "Cover",
    "CropFilter",
    "EyeBar",
    "FaceFilter",
    "Gan",
    "KSame",
    "build_anonymizer",
    "build_rules",
]
