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
    thread. Where the form is traced it stays a convolution: other runtimes fuse it with what comes next, and PyTorch's
    own trace loses nothing by it.

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
        if torch.jit.is_tracing():
            return F.conv2d(x, self.weight[:, :, None, None], self.bias)
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

    def __init__(self, cells: Tensor, top: int, dtype: torch.dtype = torch.float32) -> None:
        """Take what `cells_of` gives at `top` px, and of which type maps are to be."""
        self.cells, self.top = cells.long().clamp(min=0), top
        self.ones = (cells[:, None, :, 0] >= 0).to(dtype)

    def maps(self, size: int) -> Tensor:
        """(N, K, size, size) of the chosen type, channels last in memory; `size` divides `top`."""
        cells = torch.div(self.cells, self.top // size, rounding_mode="floor")
        n, k, _ = cells.shape
        flat = torch.zeros(n, size * size, k, device=cells.device, dtype=self.ones.dtype)
        flat.scatter_(1, (cells[..., 1] * size + cells[..., 0])[:, None], self.ones)
        return flat.view(n, size, size, k).permute(0, 3, 1, 2)


def cells_of(keypoints: Tensor, size: int) -> Tensor:
    """The pixels in which keypoints lie.

    They are whole numbers, so that no arithmetic of fewer digits moves a point to the pixel beside it.

    Args:
        keypoints: (N, K, 2) x y as fractions.
        size: of the crop in pixels.

    Returns:
        (N, K, 2) int64 x y; -1 where a point is NaN or outside [0, 1).
    """
    inside = ((keypoints >= 0) & (keypoints < 1)).all(dim=-1, keepdim=True)  # NaN compares false
    return torch.where(inside, (torch.where(inside, keypoints, 0.0) * size).long(), -1)


def doubled(x: Tensor) -> Tensor:
    """Bilinear, to twice the resolution."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def pixel_norm_(x: Tensor) -> Tensor:
    """Divide every pixel's feature vector by its root mean square, in place."""
    power = torch.linalg.vector_norm(x, dim=1, keepdim=True).square_().div_(x.shape[1]).add_(1e-8)
    return x.mul_(power.rsqrt_())
