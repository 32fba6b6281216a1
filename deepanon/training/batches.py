"""From stored crops to what the networks train on: augmentation, the phase's resolution, hidden faces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from deepanon.checks import check_switch, check_weight
from deepanon.crops import Crops, box_mask, hide
from deepanon.data.batch import FaceBatch
from deepanon.detections import KeypointSchema
from deepanon.errors import OptionError
from deepanon.images import unit
from deepanon.models.growth import GrowthState
from deepanon.training.draws import Draws


@dataclass(frozen=True)
class Augmentation:
    """What is varied in training.

    Attributes:
        flip: probability of mirroring.
        flip_swaps: a mirrored left eye becomes the right one. False repeats DeepPrivacy's mistake of mirroring
            positions but not sides.
        box_jitter: largest relative change of the box's width and height, one factor for both, centre kept.
        keypoint_dropout: probability that a face's keypoints are withheld, so that the network learns to do without.
        second_hole: probability that a random second box is hidden too, as a neighbour's face is in use.
        whole_crop: probability that the whole crop is hidden, so that the network learns to draw a portrait of nobody
            from keypoints and noise alone.
    """

    flip: float = 0.5
    flip_swaps: bool = True
    box_jitter: float = 0.02
    keypoint_dropout: float = 0.1
    second_hole: float = 0.1
    whole_crop: float = 0.0

    def __post_init__(self) -> None:
        check_switch("augmentation: flip_swaps", self.flip_swaps)
        for name in ("flip", "box_jitter", "keypoint_dropout", "second_hole", "whole_crop"):
            value = check_weight(f"augmentation: {name}", getattr(self, name))
            if value > 1 or (name == "box_jitter" and value == 1):
                raise OptionError(f"augmentation: {name} must lie in [0, 1], box_jitter below 1, got {value}")


def augment(batch: FaceBatch, schema: KeypointSchema, how: Augmentation, draws: Draws) -> FaceBatch:
    """Return a varied copy of `batch`."""
    images, boxes, keypoints = batch.images, batch.boxes, batch.keypoints
    flip = draws.uniform() < how.flip
    images = torch.where(flip[:, None, None, None], images.flip(-1), images)
    boxes = torch.where(flip[:, None], _mirror_boxes(boxes), boxes)
    mirrored = _mirror_points(keypoints, schema.flip if how.flip_swaps else range(len(schema)))
    keypoints = torch.where(flip[:, None, None], mirrored, keypoints)
    boxes = _scale_boxes(boxes, 1 + how.box_jitter * (2 * draws.uniform() - 1))
    keypoints = torch.where((draws.uniform() < how.keypoint_dropout)[:, None, None], torch.nan, keypoints)
    return FaceBatch(images, boxes, keypoints)


def prepare(
    batch: FaceBatch, schema: KeypointSchema, state: GrowthState, *, floor_boxes: bool = False
) -> tuple[Tensor, Crops]:
    """Bring crops to the phase's resolution and hide their faces.

    While a resolution fades in, pictures and boxes are blended with their half-resolution version, as in the paper
    but for how those boxes are rounded.

    Args:
        batch: crops of the stored size.
        schema: what the keypoints mean.
        state: resolution and fade weight.
        floor_boxes: take the half-resolution box with all its edges rounded down, as DeepPrivacy does, which leaves a
            strip of the face to be seen on the right and below. Otherwise they are rounded outward.

    Raises:
        ValueError: the stored crops are smaller than the phase's resolution, or no multiple of it.

    Returns:
        The real pictures (N, 3, R, R) in [-1, 1], and `Crops` whose context knows nothing of what their masks hide.
    """
    size, stored = state.resolution, batch.images.shape[-1]
    if stored % size:
        raise ValueError(
            f"crops of {stored} px cannot be reduced to the phase's {size} px; check data.train.resolution"
        )
    levels = F.adaptive_avg_pool2d(batch.images.float(), size)
    boxes = batch.boxes * size
    if state.alpha < 1:
        coarse = F.interpolate(F.avg_pool2d(levels, 2).floor(), scale_factor=2, mode="nearest")
        levels = torch.lerp(coarse, levels, state.alpha)
        low, high = (boxes / 2).tensor_split(2, dim=1)
        rounded = torch.cat([low.floor(), high.floor() if floor_boxes else high.ceil()], 1) * 2
        boxes = torch.lerp(rounded, boxes, state.alpha)
    real = unit(levels)
    return real, Crops.from_faces(real, boxes / size, batch.keypoints, schema)


def hide_more(crops: Crops, how: Augmentation, draws: Draws) -> Crops:
    """Hide a random second box in some crops, as a neighbour's face is in use, or all of it."""
    centre, side = draws.uniform(2), 0.1 + 0.4 * draws.uniform(1)
    boxes = torch.cat([centre - side / 2, centre + side / 2], 1) * crops.size
    second, whole = ((draws.uniform() < share)[:, None, None, None] for share in (how.second_hole, how.whole_crop))
    mask = torch.maximum(crops.mask, box_mask(boxes, crops.size) * second)
    mask = torch.where(whole, torch.ones_like(mask), mask)
    return replace(crops, mask=mask, context=hide(crops.context, mask))


def _mirror_boxes(boxes: Tensor) -> Tensor:
    return torch.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], 1)


def _mirror_points(keypoints: Tensor, order: Iterable[int]) -> Tensor:
    swapped = keypoints[:, list(order)]
    return torch.stack([1 - swapped[..., 0], swapped[..., 1]], -1)


def _scale_boxes(boxes: Tensor, factor: Tensor) -> Tensor:
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * factor[:, None]
    return torch.cat([centre - half, centre + half], 1)
