"""What every discriminator is: a network that judges a crop beside the context and keypoints it was drawn for."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from deepanon.checks import check_count, check_switch
from deepanon.models.layers import Fade, check_resolution, check_widths


class Discriminator(nn.Module, ABC):
    """Base of the discriminators; a subclass defines the layers and `forward`.

    Args:
        resolution: largest crop size that it takes, in pixels, a power of two >= 8.
        keypoints: number of keypoints K that condition it.
    """

    def __init__(self, resolution: int, keypoints: int = 5) -> None:
        super().__init__()
        self.resolution, self.keypoints = resolution, check_count("keypoints", keypoints)

    @abstractmethod
    def forward(self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0) -> Tensor:
        """Return (N,) scores, or (N, M) of several judges, higher = more real.

        Arguments are those of `Generator.forward`, `image` is like its output.
        """

    def penalised(
        self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0
    ) -> Tensor:
        """The scores whose gradients are to be penalised: all, unless some are kept in check by other means."""
        return self.forward(image, context, mask, keypoints, alpha=alpha)  # `self()` may be compiled


class ProgressiveDiscriminator(Discriminator):
    """A discriminator that grows with the crops; a subclass defines the layers and `_judge`.

    Args:
        resolution: crop size of the fully grown network.
        widths: channels at each resolution from 4 to `resolution`.
        keypoints: see `Discriminator`.
        mask_channel: give the mask to the network beside picture and context.
    """

    def __init__(self, resolution: int, widths: dict[int, int], keypoints: int = 5, mask_channel: bool = True) -> None:
        super().__init__(resolution, keypoints)
        self.widths, self.mask_channel = check_widths(widths, resolution), check_switch("mask_channel", mask_channel)

    @property
    def inputs(self) -> int:
        """Channels of what is judged: picture, context and, if asked for, the mask."""
        return 6 + self.mask_channel

    def forward(self, image: Tensor, context: Tensor, mask: Tensor, keypoints: Tensor, *, alpha: Fade = 1.0) -> Tensor:
        """Return (N,) scores; see `Discriminator`."""
        top = check_resolution("discriminator", image.shape[-1], self.resolution, alpha)
        seen = torch.cat([image, context, mask] if self.mask_channel else [image, context], 1)
        return self._judge(seen, keypoints, top, alpha)

    @abstractmethod
    def _judge(self, seen: Tensor, keypoints: Tensor, top: int, alpha: Fade) -> Tensor:
        """(N, inputs, top, top) -> (N,) scores."""
