"""What every generator is: a network that draws what is hidden from what is not, the keypoints and noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from torch import Tensor, nn

from deepanon.checks import check_count, check_switch
from deepanon.models.layers import Fade, check_resolution, check_widths


class Generator(nn.Module, ABC):
    """Base of the generators; a subclass defines the layers and `_draw`.

    Args:
        resolution: crop size of the fully grown network in pixels, a power of two >= 8.
        widths: channels at each resolution from 4 to `resolution`.
        keypoints: number of keypoints K that condition it.
        noise: channels of z, which has shape (N, noise, 4, 4).
        mask_channel: give the mask to the network as a fourth input channel.
        composite: keep the known pixels of the context in the output, so that capacity goes to the hole.
    """

    architecture: str  # name under which `build_generator` and generator files know the class

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
        self.widths, self.resolution = check_widths(widths, resolution), resolution
        self.keypoints, self.noise = check_count("keypoints", keypoints), check_count("noise", noise)
        self.mask_channel = check_switch("mask_channel", mask_channel)
        self.composite = check_switch("composite", composite)

    @property
    def kwargs(self) -> dict[str, Any]:
        """Plain constructor arguments that rebuild this network."""
        names = ("resolution", "widths", "keypoints", "noise", "mask_channel", "composite")
        return {name: getattr(self, name) for name in names}

    def shrunk(self, resolution: int) -> Self:
        """Return a copy as it was before it grew beyond `resolution`: the layers above are left out."""
        small = type(self)(**self.kwargs | {"resolution": resolution})
        weights = self.state_dict()
        small.load_state_dict({name: weights[name] for name in small.state_dict()})
        return small

    def forward(self, context: Tensor, mask: Tensor, keypoints: Tensor, z: Tensor, *, alpha: Fade = 1.0) -> Tensor:
        """Draw the hidden pixels.

        Args:
            context: (N, 3, S, S) float in [-1, 1]; hidden pixels hold no information (grey). S is a power of two
                from 8 up to `resolution`: a smaller S runs the network as it was before it grew.
            mask: (N, 1, S, S) float, 1 = hidden.
            keypoints: (N, K, 2) fractions of the crop; NaN = unknown.
            z: (N, noise, 4, 4) standard normal.
            alpha: fade weight of the layers of resolution S while they grow in; a tensor of one number for compiled
                networks, which would otherwise be compiled anew for each weight.

        Returns:
            (N, 3, S, S) float, nominally in [-1, 1] (not clipped).
        """
        top = check_resolution("generator", context.shape[-1], self.resolution, alpha)
        drawn = self._draw(torch.cat([context, mask], 1) if self.mask_channel else context, keypoints, z, top, alpha)
        return context * (1 - mask) + drawn * mask if self.composite else drawn

    @abstractmethod
    def _draw(self, seen: Tensor, keypoints: Tensor, z: Tensor, top: int, alpha: Fade) -> Tensor:
        """(N, 3 or 4, top, top) -> (N, 3, top, top), the whole crop."""
