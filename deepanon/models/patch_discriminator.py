"""The discriminator for processors: like the modern one, but it sees in patches."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_count, check_switch
from deepanon.models.discriminator import Discriminator
from deepanon.models.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    Fade,
    ResidualDown,
    check_patch,
    check_size,
    check_widths,
    keypoint_maps,
    resolutions,
)
from deepanon.models.residual_discriminator import minibatch_deviation


class PatchDiscriminator(Discriminator):
    """Residual discriminator whose finest map has one cell for `patch` × `patch` pixels; it does not grow.

    Args:
        resolution: the crop size.
        widths: channels at each resolution from 4 to `resolution / patch`.
        keypoints: see `Discriminator`.
        mask_channel: give the mask to the network beside picture and context.
        patch: side of a cell in pixels, a power of two.
        group: see `ResidualDiscriminator`.
    """

    grows = False

    def __init__(
        self,
        resolution: int,
        widths: dict[int, int],
        keypoints: int = 5,
        mask_channel: bool = True,
        patch: int = 4,
        group: int = 4,
    ) -> None:
        super().__init__(resolution, keypoints)
        self.patch, self.group = check_patch(patch, resolution), check_count("group", group)
        self.mask_channel = check_switch("mask_channel", mask_channel)
        self.widths = c = check_widths(widths, resolution // patch)
        self.sizes = resolutions(resolution // patch)
        self.stem = EqualizedConv2d((6 + mask_channel) * patch**2 + keypoints, c[resolution // patch], 1)
        self.blocks = nn.ModuleDict({str(r): ResidualDown(c[r], c[r], c[r // 2]) for r in self.sizes})
        self.last = EqualizedConv2d(c[4] + keypoints + (group > 1), c[4], 3)
        self.hidden = EqualizedLinear(16 * c[4], c[4])
        self.score = EqualizedLinear(c[4], 1, gain=1.0)

    def forward(self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0) -> Tensor:
        """Return (N,) scores; see `Discriminator`."""
        check_size("discriminator", image.shape[-1], self.resolution, alpha, grows=False)
        seen = torch.cat([image, context, mask] if self.mask_channel else [image, context], 1)
        x = F.pixel_unshuffle(seen, self.patch)
        x = F.leaky_relu(self.stem(torch.cat([x, keypoint_maps(keypoints, x.shape[-1]).to(x.dtype)], 1)), 0.2)
        for r in reversed(self.sizes):
            x = self.blocks[str(r)](x)
        parts = [x, keypoint_maps(keypoints, 4).to(x.dtype)]
        if self.group > 1:
            parts.append(minibatch_deviation(x, self.group))
        x = F.leaky_relu(self.last(torch.cat(parts, 1)), 0.2)
        scores: Tensor = self.score(F.leaky_relu(self.hidden(x.flatten(1)), 0.2)).squeeze(1)
        return scores
