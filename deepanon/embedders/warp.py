"""Turning, scaling and reducing as OpenCV does it, with gradients from the result to the picture's pixels."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BLACK = -1.0


def warped(images: Tensor, matrices: Tensor, size: int) -> Tensor:
    """What `cv2.warpAffine` makes of each picture: bilinear, not antialiased, black outside.

    OpenCV rounds places to 1/32 of a pixel; here they are exact.

    Args:
        images: (N, 3, H, W) float in [-1, 1].
        matrices: (N, 2, 3), each takes (x, y, 1) of a picture to the new (x, y); whole numbers are middles of pixels.
        size: side of the result in pixels.

    Returns:
        (N, 3, size, size).
    """
    height, width = images.shape[-2:]
    matrices = matrices.double()
    back = torch.linalg.inv(matrices[:, :, :2])
    steps = torch.arange(size, dtype=torch.float64)
    at = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)  # size,size,2 x y
    places = torch.einsum("nij,yxnj->nyxi", back, at[:, :, None] - matrices[:, :, 2])
    grid = (2 * places + 1) / torch.tensor([width, height]) - 1
    taken = F.grid_sample(images - BLACK, grid.to(images), mode="bilinear", padding_mode="zeros", align_corners=False)
    return taken + BLACK


def reduced(images: Tensor, size: int) -> Tensor:
    """(N, C, H, W) -> (N, C, size, size): by area as `cv2.INTER_AREA` where both sides shrink, else bilinear."""
    height, width = images.shape[-2:]
    if min(height, width) < size:
        return F.interpolate(images, (size, size), mode="bilinear", align_corners=False)
    return _shares(height, size, images) @ images @ _shares(width, size, images).T


def _shares(length: int, size: int, like: Tensor) -> Tensor:
    """(size, length): how much of each old pixel lies in each new one, rows adding up to 1."""
    edges = torch.arange(size + 1, dtype=torch.float64) * (length / size)
    old = torch.arange(length, dtype=torch.float64)
    shared = torch.minimum(edges[1:, None], old + 1) - torch.maximum(edges[:-1, None], old)
    return (shared.clamp(min=0) * (size / length)).to(like)
