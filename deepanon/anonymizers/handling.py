"""What pictures go through after they are published, with gradients: an attack that holds only untouched is no use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simplejpeg
import torch
import torch.nn.functional as F
from torch import Tensor

from deepanon.errors import OptionError, lookup
from deepanon.images import to_float, to_uint8

Handling = Callable[[Tensor, np.random.Generator], Tensor]

QUALITIES = (60, 95)  # of JPEG
SHRINK = (0.5, 1.0)
SIGMAS = (0.0, 1.0)  # px
PADDED = 0.9  # smallest share of its side to which input diversity shrinks a picture


def jpeg(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Real JPEG; the gradient passes as if nothing had been done (straight through: Bengio et al. 2013)."""
    quality = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1))
    levels = np.stack([
        simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(picture, quality=quality, colorsubsampling="420"))
        for picture in to_uint8(images)
    ])  # fmt: skip
    return images + (to_float(levels).to(images) - images).detach()


def resize(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Smaller, and back to the size it had."""
    height, width = images.shape[-2:]
    scale = rng.uniform(*SHRINK)
    small = (max(1, round(height * scale)), max(1, round(width * scale)))
    return _scaled(_scaled(images, small), (height, width))


def blur(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Gaussian blur."""
    return smoothed(images, float(rng.uniform(*SIGMAS)))


HANDLINGS: dict[str, Handling] = {"jpeg": jpeg, "resize": resize, "blur": blur}


def read_handlings(text: str) -> list[Handling]:
    """What "jpeg+resize+blur" says; "none" is nothing.

    Raises:
        OptionError: an unknown name.
    """
    names = [] if text == "none" else text.split("+")
    if "" in names:
        raise OptionError(f"handling {text!r} has an empty name: write none, or as in {'+'.join(HANDLINGS)}")
    return [lookup(HANDLINGS, name, "handling (besides none)") for name in names]


def diverse(windows: Tensor, rng: np.random.Generator) -> Tensor:
    """Input diversity (Xie et al. 2019): what a network is shown, a little smaller somewhere in a black frame."""
    side = windows.shape[-1]
    small = int(rng.integers(round(PADDED * side), side + 1))
    left, top = rng.integers(0, side - small + 1, 2)
    frame = (int(left), int(side - small - left), int(top), int(side - small - top))
    return F.pad(_scaled(windows, (small, small)), frame, value=-1.0)


def smoothed(images: Tensor, sigma: float, kernel: int | None = None) -> Tensor:
    """Gaussian blur of every channel by itself, (N, C, H, W) -> the same; edges are continued.

    Args:
        images: float.
        sigma: in pixels; 0 changes nothing.
        kernel: side in pixels, odd; None reaches three σ.
    """
    reach = int(np.ceil(3 * sigma)) if kernel is None else kernel // 2
    if sigma == 0 or reach == 0:
        return images
    steps = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights = (weights / weights.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (reach,) * 4, mode="replicate")
    across = F.conv2d(padded, weights, groups=images.shape[1])
    return F.conv2d(across, weights.transpose(2, 3), groups=images.shape[1])


def _scaled(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
