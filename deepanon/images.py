"""The only place where pixel ranges convert."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from deepanon.geometry import Array


def unit(images: Tensor) -> Tensor:
    """uint8 [0, 255] -> float32 [-1, 1], any shape."""
    return images.float() / 127.5 - 1


def to_float(images: Array) -> Tensor:
    """(N, H, W, 3) uint8 array -> (N, 3, H, W) float32 tensor in [-1, 1]."""
    return unit(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2))


def to_uint8(images: Tensor) -> Array:
    """(N, 3, H, W) float tensor in [-1, 1], clipped -> (N, H, W, 3) uint8 array; exact inverse of `to_float`."""
    levels = ((images.detach().float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()
