"""What every embedder does to pictures before its network sees them, written once so that none does it another way."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from deepanon.errors import ImageError

FILTER = "bilinear, antialiased"  # of `resized`; another filter is another distance


def levels(images: Tensor) -> Tensor:
    """Pictures in [-1, 1] -> the whole levels 0 … 255, as float32, that a file of them would hold.

    What lies outside is clipped, never wrapped: 1.004 is 255. Drawn and real pictures are rounded alike, so that no
    network can tell them apart by fractions.

    Args:
        images: (N, 3, H, W) float.

    Raises:
        ImageError: another shape or dtype, or values that are not finite.
    """
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ImageError(
            f"an embedder takes (N, 3, H, W) float pictures in [-1, 1], got {images.dtype} {tuple(images.shape)}"
        )
    if not torch.isfinite(images).all():
        raise ImageError("an embedder was given pictures with values that are not finite")
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round()


def unrounded(images: Tensor) -> Tensor:
    """(N, 3, H, W) float in [-1, 1] -> levels 0 … 255 that need not be whole, with gradients; nothing is clipped."""
    if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
        raise ImageError(
            f"an embedder takes (N, 3, H, W) float pictures in [-1, 1], got {images.dtype} {tuple(images.shape)}"
        )
    return (images + 1) * 127.5


def resized(images: Tensor, size: int) -> Tensor:
    """(N, 3, H, W) float -> (N, 3, size, size): bilinear, with antialiasing where it reduces; any range."""
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True)


def face_windows(images: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut every picture's face box out and stretch it to a square: nothing around the face can count for it.

    Args:
        images: (N, 3, S, S) float.
        boxes: (N, 4) x0 y0 x1 y1 in pixels; rounded outward and clipped, as faces are hidden: with the same box, the
            windows hold exactly the pixels that were drawn.
        size: side of the windows in pixels.

    Returns:
        (N, 3, size, size) float.

    Raises:
        ImageError: a box lies wholly outside its picture.
    """
    side = images.shape[-1]
    edges = torch.cat([boxes[:, :2].floor(), boxes[:, 2:].ceil()], 1).clamp(0, side).long().tolist()
    windows = []
    for row, (x0, y0, x1, y1) in enumerate(edges):
        if x1 <= x0 or y1 <= y0:
            raise ImageError(f"face box {boxes[row].tolist()} of picture {row} lies outside its {side} px")
        windows.append(resized(images[row : row + 1, :, y0:y1, x0:x1], size))
    return torch.cat(windows) if windows else images.new_zeros(0, 3, size, size)
