"""Every crop of a set with its face replaced: what is compared with the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deepanon.anonymizers import Anonymizer
from deepanon.crops import Crops, box_mask
from deepanon.data.cropset import CropSet
from deepanon.errors import ModelError, OptionError
from deepanon.images import to_uint8, unit
from deepanon.seeds import Seeds


@dataclass(frozen=True)
class Method:
    """What is done to the faces.

    Attributes:
        name: its row in tables.
        anonymizer: None leaves the crops as they are.
        description: all that its result depends on but the seed: file, weights, options. Names what is kept of it.
        random: whether it depends on the seed; if not, it draws once.
    """

    name: str
    anonymizer: Anonymizer | None = None
    description: str = ""
    random: bool = False


def replaced(
    data: CropSet, rows: Sequence[int], resolution: int, method: Method, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Read crops and replace their faces as the pipeline would.

    A generator is given the crops at its own size, as it was trained, and what it draws is enlarged (bicubic) or
    reduced (area) to `resolution`; a filter works at `resolution`. Everything outside the face box, rounded outward,
    stays the original's. A method that sees no face is given crops without one.

    Args:
        data: the set.
        rows: which crops.
        resolution: side of the result in pixels.
        method: what to do.
        seed: of its randomness; every crop has its own, whatever the batch.

    Returns:
        real (N, 3, S, S) uint8, drawn (N, 3, S, S) uint8 and the face boxes (N, 4) float32 in pixels.

    Raises:
        OptionError: the generator is larger than the crops.
        ModelError: the method gives another shape, or values that are not finite.
    """
    batch = data.read(rows, resolution)
    boxes = batch.boxes * resolution
    real = batch.images.contiguous()
    if method.anonymizer is None:
        return real, real, boxes
    size = method.anonymizer.size or resolution
    if size > data.resolution:
        raise OptionError(
            f"{method.name} draws at {size} px, the crops can be read at {data.resolution} px: "
            "give the set that resolution if its files are that large"
        )
    pixels = _drawn(data, rows, size, method.anonymizer, seed)
    if size != resolution:
        pixels = _resized(pixels, resolution)
    inside = box_mask(boxes, resolution) > 0
    levels = torch.from_numpy(to_uint8(pixels)).permute(0, 3, 1, 2)
    return real, torch.where(inside, levels, real), boxes


def _drawn(data: CropSet, rows: Sequence[int], size: int, anonymizer: Anonymizer, seed: int) -> Tensor:
    """(N, 3, size, size) float in [-1, 1]."""
    batch = data.read(rows, size)
    images = unit(batch.images)
    crops = Crops.from_faces(images, batch.boxes, batch.keypoints, data.schema)
    if anonymizer.sees_face:
        crops = replace(crops, context=images)
    seeds = [Seeds.from_seed(seed)(f"crop {row}", 1)[0] for row in rows]
    pixels = anonymizer(crops, seeds)
    if pixels.shape != images.shape:
        raise ModelError(f"method {anonymizer.name!r} gives {tuple(pixels.shape)} for crops {tuple(images.shape)}")
    if not torch.isfinite(pixels).all():
        raise ModelError(f"method {anonymizer.name!r} produced values that are not numbers")
    return pixels.clamp(-1, 1)


def _resized(pixels: Tensor, size: int) -> Tensor:
    """The filters of `paste`: bicubic where it enlarges, area where it reduces."""
    if size > pixels.shape[-1]:
        return F.interpolate(pixels, (size, size), mode="bicubic", align_corners=False).clamp(-1, 1)
    return F.interpolate(pixels, (size, size), mode="area")
