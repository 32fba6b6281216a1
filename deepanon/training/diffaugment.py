"""Differentiable augmentation: what the discriminator sees of real and drawn crops is varied in the same way."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deepanon.checks import check_weight
from deepanon.crops import GREY
from deepanon.training.draws import Draws

View = tuple[Tensor, Tensor, Tensor, Tensor]  # image, context, mask, keypoints as the discriminator takes them


@dataclass(frozen=True)
class DiffAugment:
    """Colour, shift and cutout (Zhao et al. 2020), applied alike to a crop and to its condition.

    A discriminator that sees a small set often learns it by heart; one that never sees a crop twice alike cannot. The
    generator is trained through the same variation, so nothing of it shows in what it draws.

    A discriminator that has learnt little yet is slowed down by it, so a set should be small beside the images seen.

    Attributes:
        probability: share of the crops that are varied; each crop with its condition is varied or left as it is.
        colour: 1 varies brightness by up to ±0.5 (of a range of 2), saturation between 0 and 2, contrast between 0.5
            and 1.5; 0 leaves colours alone, values between scale these ranges.
        shift: largest shift to each side as a share of the crop.
        cutout: side of the square that is greyed out, as a share of the crop.
    """

    probability: float = 1.0
    colour: float = 1.0
    shift: float = 0.125
    cutout: float = 0.5

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if check_weight(f"diffaugment: {name}", value) > 1:
                raise ValueError(f"diffaugment: {name} must lie in [0, 1], got {value}")

    def draw(self, draws: Draws) -> Tensor:
        """(N, 8) numbers that fix the variation of each crop."""
        return draws.uniform(8)

    def apply(self, view: View, numbers: Tensor) -> View:
        """Vary what the discriminator is to judge; differentiable in the image."""
        if not self.probability:
            return view
        chosen = numbers[:, 7] < self.probability
        varied = self._varied(view, numbers)
        pairs = zip(varied, view, strict=True)
        image, context, mask, keypoints = (torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), x, y) for x, y in pairs)
        return image, context, mask, keypoints

    def _varied(self, view: View, numbers: Tensor) -> View:
        image, context, mask, keypoints = view
        size = image.shape[-1]
        both = torch.stack([image, context], 1)  # N,2,3,S,S: a crop and its context change alike
        both = _recolour(both, (numbers[:, :3] - 0.5) * self.colour)
        pixels = torch.cat([both.flatten(1, 2), mask], 1)
        if self.shift:
            cells = ((2 * numbers[:, 3:5] - 1) * self.shift * size).round()
            pixels, keypoints = _shift(pixels, cells), keypoints + cells[:, None] / size
        image, context, mask = pixels.split([3, 3, 1], 1)
        if self.cutout:
            keep = _outside(numbers[:, 5:7], self.cutout, size)
            grey = GREY / 127.5 - 1
            image, context = (x * keep + grey * (1 - keep) for x in (image, context))
        return image, context, mask, keypoints


def _recolour(images: Tensor, amounts: Tensor) -> Tensor:
    """(N, 2, 3, S, S), (N, 3) in [-0.5, 0.5] -> brighter, more saturated, more contrast, clip and picture alike."""
    light, saturation, contrast = (amount[:, None, None, None, None] for amount in amounts.unbind(1))
    images = images + light
    grey = images.mean(2, keepdim=True)
    images = grey + (images - grey) * (1 + 2 * saturation)
    middle = images[:, 1:].mean((2, 3, 4), keepdim=True)  # of the context, so that it does not depend on what is judged
    return middle + (images - middle) * (1 + contrast)


def _shift(pixels: Tensor, cells: Tensor) -> Tensor:
    """(N, C, S, S) moved by whole pixels (N, 2) in x and y; 0 comes in from outside."""
    n, _, height, width = pixels.shape
    x = torch.arange(width, device=pixels.device) - cells[:, :1].long()  # N,W: where each column comes from
    y = torch.arange(height, device=pixels.device) - cells[:, 1:].long()
    inside = ((x >= 0) & (x < width))[:, None, None] & ((y >= 0) & (y < height))[:, None, :, None]
    rows = torch.arange(n, device=pixels.device)[:, None, None]
    moved = pixels.permute(0, 2, 3, 1)[rows, y.clamp(0, height - 1)[:, :, None], x.clamp(0, width - 1)[:, None]]
    return moved.permute(0, 3, 1, 2) * inside.to(pixels.dtype)


def _outside(numbers: Tensor, share: float, size: int) -> Tensor:
    """(N, 2) uniform -> (N, 1, S, S), 0 in a square of `share * size` pixels around a point anywhere in the crop."""
    half = share * size / 2
    at = torch.arange(size, device=numbers.device) + 0.5
    x, y = (((at - number[:, None] * size).abs() < half) for number in numbers.unbind(1))
    return 1 - (y[:, None, :, None] & x[:, None, None]).to(numbers.dtype)
