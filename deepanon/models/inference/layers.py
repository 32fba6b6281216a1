"""What inference forms are made of: convolutions ready to run, activations in place, doubling, keypoint maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.models.layers import EqualizedConv2d, EqualizedLinear

SLOPE = 0.2  # of every LeakyReLU


class ReadyConv(nn.Module):
    """A stride-1 "same" convolution whose weight is used as it is, channels last in memory.

    One of 1×1 is a matrix product over all pixels: PyTorch's convolution of that size is several times slower on one
    thread.

    Args:
        weight: (out, in, k, k), scales folded in.
        bias: (out,), or None.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.padding = weight.shape[-1] // 2
        ready = weight.detach().clone(memory_format=torch.channels_last)
        self.register_buffer("weight", ready if self.padding else ready[:, :, 0, 0].contiguous())
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    @classmethod
    def of(cls, conv: EqualizedConv2d, gain: float = 1.0) -> ReadyConv:
        """`conv` times `gain`, its scale folded."""
        return cls(conv.weight * (conv.scale * gain), conv.bias * gain)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H, W), both channels last in memory."""
        if self.padding:
            return F.conv2d(x, self.weight, self.bias, padding=self.padding)
        return F.linear(x.permute(0, 2, 3, 1), self.weight, self.bias).permute(0, 3, 1, 2)

    def active(self, x: Tensor) -> Tensor:
        """The same, and LeakyReLU."""
        return F.leaky_relu_(self(x), SLOPE)


class ReadyLinear(nn.Module):
    """A fully connected layer whose weight is used as it is."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layers: Sequence[EqualizedLinear]) -> None:
        """One layer that gives what several give side by side."""
        super().__init__()
        self.register_buffer("weight", torch.cat([layer.weight * layer.scale for layer in layers]).detach())
        self.register_buffer("bias", torch.cat([layer.bias for layer in layers]).detach())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in) -> (N, out)."""
        return F.linear(x, self.weight, self.bias)


class Points:
    """The keypoints of a batch, ready to be drawn as one-hot maps of any size; see `models.layers.keypoint_maps`."""

    def __init__(self, keypoints: Tensor) -> None:
        """Take (N, K, 2) x y as fractions; NaN or outside [0, 1) gives an all-zero map."""
        inside = ((keypoints >= 0) & (keypoints < 1)).all(dim=-1)  # NaN compares false
        self.places, self.ones = torch.where(inside[..., None], keypoints, 0.0), inside[:, None].float()

    def maps(self, size: int) -> Tensor:
        """(N, K, size, size) float32, channels last in memory."""
        cells = (self.places * size).long()
        n, k, _ = cells.shape
        flat = torch.zeros(n, size * size, k, device=cells.device)
        flat.scatter_(1, (cells[..., 1] * size + cells[..., 0])[:, None], self.ones)
        return flat.view(n, size, size, k).permute(0, 3, 1, 2)


def doubled(x: Tensor) -> Tensor:
    """Bilinear, to twice the resolution."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def pixel_norm_(x: Tensor) -> Tensor:
    """Divide every pixel's feature vector by its root mean square, in place."""
    power = torch.linalg.vector_norm(x, dim=1, keepdim=True).square_().div_(x.shape[1]).add_(1e-8)
    return x.mul_(power.rsqrt_())
