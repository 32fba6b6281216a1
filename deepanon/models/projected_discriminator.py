"""A discriminator that looks through the eyes of a frozen network too (Sauer et al. 2021)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from deepanon.checks import check_count, check_kind
from deepanon.models.discriminator import Discriminator
from deepanon.models.features import Features
from deepanon.models.layers import Fade, keypoint_maps
from deepanon.models.residual_discriminator import minibatch_deviation

CELLS = 4  # side of the grid of scores that each map ends in: M is 16 times the number of maps


class ProjectedDiscriminator(Discriminator):
    """Judges the pixels, and the maps of a frozen network, each of them by a head of its own.

    A network that can see already tells eyes from smears after a few thousand images. What it was never asked to see it
    overlooks: a detector's backbone hardly knows colours, and alone it teaches green faces. So a plain discriminator
    judges beside it, which may do so at a lower resolution, and both count the same.

    The maps are first mixed, from coarse to fine, by convolutions that are drawn by chance and stay as they are, so
    that no head can rest on a few channels. Heads are told the mask and the keypoints; the surroundings are part of the
    picture that they see.

    Args:
        pixels: the plain discriminator; pictures are reduced to its resolution.
        features: the frozen network. It is part of this one, and of its checkpoints.
        mixed: channels of the mixed maps.
        width: channels of the heads.
        group: samples whose spread the heads are shown, see `ResidualDiscriminator`.
    """

    def __init__(
        self,
        pixels: Discriminator,
        features: Features,
        resolution: int = 128,
        mixed: int = 64,
        width: int = 96,
        group: int = 4,
    ) -> None:
        check_kind("pixels", pixels, Discriminator)
        check_kind("features", features, Features)
        super().__init__(resolution, pixels.keypoints)
        self.pixels, self.features, self.group = pixels, features, check_count("group", group)
        sizes = [features.side // stride for stride in features.strides]
        self.project = nn.ModuleList(nn.Conv2d(c, mixed, 1, bias=False) for c in features.channels)
        self.smooth = nn.ModuleList(nn.Conv2d(mixed, mixed, 3, padding=1, bias=False) for _ in sizes)
        for conv in (*self.project, *self.smooth):
            nn.init.kaiming_normal_(conv.weight, a=1)
        for part in (self.project, self.smooth, self.features):
            part.requires_grad_(False)
        self.heads = nn.ModuleList(_head(mixed + self.keypoints + 1, width, size) for size in sizes)
        self.scores = nn.ModuleList(spectral_norm(nn.Conv2d(width + (group > 1), 1, 3, padding=1)) for _ in sizes)

    def forward(self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0) -> Tensor:
        """Return (N, 2M) scores: M = 16 by every map, and as often that of the plain discriminator."""
        plain = self.penalised(image, context, mask, keypoints, alpha=alpha)
        by_maps = self._by_maps(image, mask, keypoints)
        return torch.cat([plain[:, None].expand_as(by_maps).to(by_maps.dtype), by_maps], 1)

    def penalised(
        self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0
    ) -> Tensor:
        """(N,) those of the plain discriminator; the heads are kept in check by spectral normalisation."""
        size = min(self.pixels.resolution, image.shape[-1])
        shown = (x if x.shape[-1] == size else F.adaptive_avg_pool2d(x, size) for x in (image, context, mask))
        scores: Tensor = self.pixels(*shown, keypoints, alpha=alpha if size == image.shape[-1] else 1.0)
        return scores

    def _by_maps(self, image: Tensor, mask: Tensor, keypoints: Tensor) -> Tensor:
        """(N, M) scores of the heads."""
        found, coarser = [], None
        layers = zip(self.features(image), self.project, self.smooth, self.heads, self.scores, strict=True)
        for seen, project, smooth, head, score in reversed(list(layers)):
            x = project(seen)
            if coarser is not None:
                x = (x + F.interpolate(coarser, scale_factor=2, mode="nearest")) * math.sqrt(0.5)
            coarser = x = smooth(x)
            points = keypoint_maps(keypoints, x.shape[-1]).to(x.dtype)
            x = head(torch.cat([x, F.adaptive_avg_pool2d(mask, x.shape[-1]).to(x.dtype), points], 1))
            if self.group > 1:
                spread = minibatch_deviation(x, self.group)
                x = torch.cat([x, spread], 1)
            found.append(score(x).flatten(1))
        return torch.cat(found, 1)


def _head(in_channels: int, width: int, size: int) -> nn.Sequential:
    """(N, in, size, size) -> (N, width, CELLS, CELLS)."""
    layers: list[nn.Module] = []
    while size > CELLS:
        layers += [spectral_norm(nn.Conv2d(in_channels, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        in_channels, size = width, size // 2
    layers += [spectral_norm(nn.Conv2d(in_channels, width, 3, padding=1)), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)
