"""Crops whose own box is changed on the pixels as they are: out to 8 bits, and back."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.crops import Crops
from deepanon.geometry import Array
from deepanon.images import to_float, to_uint8


def opened(crops: Crops) -> tuple[Array, Array]:
    """(N, S, S, 3) uint8 a copy of the contexts, and (N, 4) their boxes, rounded outward and cut at the borders."""
    return to_uint8(crops.context).copy(), own_boxes(crops)


def own_boxes(crops: Crops) -> Array:
    """(N, 4) the faces' own boxes in pixels of the crops, rounded outward and cut at the borders."""
    return np.asarray(geometry.clip(geometry.outward(crops.boxes.numpy()), crops.size, crops.size))


def closed(images: Array, crops: Crops) -> Tensor:
    """(N, S, S, 3) uint8 -> (N, 3, S, S) float in [-1, 1], also of no crop at all."""
    return to_float(images) if len(images) else torch.zeros_like(crops.context)
