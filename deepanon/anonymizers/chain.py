"""Several methods on one face, one after the other: a drawn face that is blurred, a blur of a black bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from deepanon import geometry
from deepanon.crops import Crops, box_mask, hide, resize
from deepanon.errors import ModelError, OptionError
from deepanon.geometry import Array
from deepanon.images import to_float, to_uint8
from deepanon.seeds import derive

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer


class Chain:
    """Each stage works on what the one before it has drawn.

    The first stage decides whether the face is ever seen: if it is blind, the whole chain is given crops in which no
    face exists, and all that later stages can see is what was drawn. A later blind stage has every box hidden from it
    again. Only the face's own box is handed on from stage to stage: what a stage draws beside it is dropped.

    Stage 0 has the face's own seed, so that `a+b` begins with what `a` alone draws; every other stage has one that
    follows from it by HMAC.

    Args:
        stages: in order, at least one; chains among them are taken apart.
        name: of the chain; by default the names of its stages with "+" between.

    Attributes:
        sees_face: whether the first stage does.
        size: the stages' common one; None = native pixels, if they differ.
        random: whether the result depends on the seeds.
        cosmetic: whether a stage is, unless a blind one hides the face from what comes out, before it or after it.
        leaves: whether one of them leaves some pixels of the face as they are.
        description: those of the stages, in order.

    Raises:
        OptionError: there is no stage.
    """

    def __init__(self, stages: Sequence[Anonymizer], name: str | None = None) -> None:
        if not stages:
            raise OptionError("a chain has one method at least")
        self.stages: list[Anonymizer] = [
            part for stage in stages for part in (stage.stages if isinstance(stage, Chain) else [stage])
        ]
        self.name = name or "+".join(stage.name for stage in self.stages)
        self.sees_face = self.stages[0].sees_face
        sizes = {stage.size for stage in self.stages}
        self.size: int | None = sizes.pop() if len(sizes) == 1 else None
        self.random = _random(self.stages)
        hidden = not all(stage.sees_face for stage in self.stages)
        self.cosmetic = not hidden and any(getattr(stage, "cosmetic", False) for stage in self.stages)
        self.leaves = any(getattr(stage, "leaves", False) for stage in self.stages)
        self.description = ", then ".join(stage.description for stage in self.stages)

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return the crops with their own face box drawn; (N, 3, S, S) float in [-1, 1], whole levels of 255.

        Raises:
            ModelError: a stage gives another shape, or values that are not numbers.
        """
        drawn, own = crops.context, _own_boxes(crops)
        for number, stage in enumerate(self.stages):
            shown = drawn if stage.sees_face else hide(drawn, crops.mask)
            given = rescaled(replace(crops, context=shown), stage.size or crops.size)
            pixels = _checked(stage, given, stage(given, [derive(seed, number) for seed in seeds]))
            drawn = torch.where(own, to_float(_scaled(to_uint8(pixels), crops.size)), crops.context)
        return drawn


def rescaled(crops: Crops, size: int) -> Crops:
    """The same crops with side `size`, as `cut` would have made them: a pixel is masked that a box touches."""
    if size == crops.size:
        return crops
    return replace(
        crops,
        context=to_float(_scaled(to_uint8(crops.context), size)),
        mask=F.adaptive_max_pool2d(crops.mask, size),  # windows from floor to ceil: outward, like the edges of boxes
        boxes=crops.boxes * (size / crops.size),
    )


def _scaled(images: Array, size: int) -> Array:
    """(N, S, S, 3) uint8 -> (N, size, size, 3), by the filters of `cut` and `paste`."""
    return np.array([resize(image, size) for image in images], dtype=np.uint8).reshape(-1, size, size, 3)


def _own_boxes(crops: Crops) -> Tensor:
    """(N, 1, S, S) bool: the face's own box, edges rounded outward as the filters do."""
    edges = geometry.clip(geometry.outward(crops.boxes.numpy()), crops.size, crops.size)
    return box_mask(torch.as_tensor(edges, dtype=torch.float32), crops.size) > 0


def _checked(stage: Anonymizer, crops: Crops, pixels: Tensor) -> Tensor:
    """What is not a drawing of every face never reaches the next stage, which might make one of it."""
    if pixels.shape != crops.context.shape:
        shapes = f"{tuple(pixels.shape)} for crops {tuple(crops.context.shape)}"
        raise ModelError(f"method {stage.name!r} of a chain gives {shapes}")
    if not torch.isfinite(pixels).all():
        raise ModelError(f"method {stage.name!r} of a chain produced values that are not numbers")
    return pixels


def _random(stages: Sequence[Anonymizer]) -> bool:
    """A blind stage knows nothing of what was drawn before it, so it ends whatever chance decided until there."""
    result = False
    for stage in stages:
        result = stage.random or (result and stage.sees_face)
    return result
