"""The generator: a U-Net that draws what is hidden from what is not, the keypoints and noise."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.layers import EqualizedConv2d, check_count, check_widths, conv_unit, keypoint_maps, resolutions


class Generator(nn.Module):
    """Progressive U-Net of DeepPrivacy (Hukkelås et al. 2019, §3), with a mask channel and composited output.

    Args:
        resolution: crop size of the fully grown network in pixels, a power of two >= 8.
        widths: channels at each resolution from 4 to `resolution`.
        keypoints: number of keypoints K that condition it.
        noise: channels of z, which has shape (N, noise, 4, 4).
        mask_channel: give the mask to the network as a fourth input channel (the paper's network does not).
        composite: keep the known pixels of the context in the output, so that capacity goes to the hole.
    """

    def __init__(
        self,
        resolution: int,
        widths: dict[int, int],
        keypoints: int = 5,
        noise: int = 32,
        mask_channel: bool = True,
        composite: bool = True,
    ) -> None:
        super().__init__()
        self.widths = check_widths(widths, resolution)
        self.resolution = resolution
        self.keypoints, self.noise = check_count("keypoints", keypoints), check_count("noise", noise)
        self.mask_channel, self.composite = bool(mask_channel), bool(composite)
        c, sizes = self.widths, resolutions(resolution)
        self.from_rgb = nn.ModuleDict({str(r): EqualizedConv2d(3 + self.mask_channel, c[r], 1) for r in sizes})
        self.encoder = nn.ModuleDict(
            {str(r): nn.Sequential(conv_unit(c[r], c[r // 2]), conv_unit(c[r // 2], c[r // 2])) for r in sizes}
        )
        self.core = nn.Sequential(conv_unit(c[4], c[4]), conv_unit(c[4], c[4]))
        self.bottleneck = _decoder_block(c[4] + keypoints + noise, c[4], c[4])
        self.decoder = nn.ModuleDict(
            {str(r): _decoder_block(2 * c[r // 2] + keypoints, c[r // 2], c[r]) for r in sizes}
        )
        self.to_rgb = nn.ModuleDict({str(r): EqualizedConv2d(c[r], 3, 1) for r in sizes})

    @property
    def kwargs(self) -> dict[str, Any]:
        """Plain constructor arguments that rebuild this network."""
        names = ("resolution", "widths", "keypoints", "noise", "mask_channel", "composite")
        return {name: getattr(self, name) for name in names}

    def shrunk(self, resolution: int) -> Generator:
        """Return a copy as it was before it grew beyond `resolution`: the layers above are left out."""
        small = Generator(**self.kwargs | {"resolution": resolution})
        weights = self.state_dict()
        small.load_state_dict({name: weights[name] for name in small.state_dict()})
        return small

    def forward(self, context: Tensor, mask: Tensor, keypoints: Tensor, z: Tensor, *, alpha: float = 1.0) -> Tensor:
        """Draw the hidden pixels.

        Args:
            context: (N, 3, S, S) float in [-1, 1]; hidden pixels hold no information (grey). S is a power of two
                from 8 up to `resolution`: a smaller S runs the network as it was before it grew.
            mask: (N, 1, S, S) float, 1 = hidden.
            keypoints: (N, K, 2) fractions of the crop; NaN = unknown.
            z: (N, noise, 4, 4) standard normal.
            alpha: fade weight of the layers of resolution S while they grow in.

        Returns:
            (N, 3, S, S) float, nominally in [-1, 1] (not clipped).
        """
        top = context.shape[-1]
        if str(top) not in self.encoder:
            raise ValueError(f"generator: crop size must be one of {list(self.encoder)}, got {top}")
        if alpha < 1 and top == 8:
            raise ValueError("generator: 8 px is the smallest size, there is nothing to fade in from; alpha must be 1")
        drawn = self._draw(torch.cat([context, mask], 1) if self.mask_channel else context, keypoints, z, top, alpha)
        return context * (1 - mask) + drawn * mask if self.composite else drawn

    def _draw(self, seen: Tensor, keypoints: Tensor, z: Tensor, top: int, alpha: float) -> Tensor:
        sizes = resolutions(top)
        x = self.from_rgb[str(top)](seen)
        skips = {}
        for r in reversed(sizes):
            skips[r] = self.encoder[str(r)](x)
            x = F.avg_pool2d(skips[r], 2)
            if r == top and alpha < 1:
                x = torch.lerp(self.from_rgb[str(r // 2)](F.avg_pool2d(seen, 2)), x, alpha)
        x = self.bottleneck(torch.cat([self.core(x), keypoint_maps(keypoints, 4).to(x.dtype), z.to(x.dtype)], 1))
        rgb: Tensor | None = None
        for r in sizes:
            if r == top and alpha < 1:
                rgb = self.to_rgb[str(r // 2)](x)
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = self.decoder[str(r)](torch.cat([x, skips[r], keypoint_maps(keypoints, r).to(x.dtype)], 1))
        new: Tensor = self.to_rgb[str(top)](x)
        return new if rgb is None else torch.lerp(F.interpolate(rgb, scale_factor=2, mode="nearest"), new, alpha)


def _decoder_block(in_channels: int, middle: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        conv_unit(in_channels, middle, 1),
        conv_unit(middle, out_channels),
        conv_unit(out_channels, out_channels),
    )
