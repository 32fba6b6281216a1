"""What every discriminator is: a network that judges a crop beside the context and keypoints it was drawn for."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from deepanon.checks import check_count, check_switch
from deepanon.models.layers import Fade, check_resolution, check_widths


class Discriminator(nn.Module, ABC):
    """Base of the discriminators; a subclass defines the layers and `_judge`.

    Args:
        resolution: crop size of the fully grown network in pixels, a power of two >= 8.
        widths: channels at each resolution from 4 to `resolution`.
        keypoints: number of keypoints K that condition it.
        mask_channel: give the mask to the network beside picture and context.
    """

    def __init__(self, resolution: int, widths: dict[int, int], keypoints: int = 5, mask_channel: bool = True) -> None:
        super().__init__()
        self.widths, self.resolution = check_widths(widths, resolution), resolution
        self.keypoints = check_count("keypoints", keypoints)
        self.mask_channel = check_switch("mask_channel", mask_channel)

    @property
    def inputs(self) -> int:
        """Channels of what is judged: picture, context and, if asked for, the mask."""
        return 6 + self.mask_channel

    def forward(self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0) -> Tensor:
        """Return (N,) scores, higher = more real; arguments as in `Generator.forward`, `image` like its output."""
        top = check_resolution("discriminator", image.shape[-1], self.resolution, alpha)
        seen = torch.cat([image, context, mask] if self.mask_channel else [image, context], 1)
        return self._judge(seen, keypoints, top, alpha)

    @abstractmethod
    def _judge(self, seen: Tensor, keypoints: Tensor, top: int, alpha: Fade) -> Tensor:
        """(N, inputs, top, top) -> (N,) scores."""
