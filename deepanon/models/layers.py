"""Building blocks of the paper's networks: equalised convolutions, pixel norm, keypoint maps."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.checks import check_count

Fade = float | Tensor  # weight of layers while they grow in: a number in [0, 1], 1 = grown; or a tensor of one below 1


class EqualizedConv2d(nn.Module):
    """Convolution with equalised learning rate (Karras et al. 2018): unit-variance weights, scaled at run time.

    The scale is sqrt(2 / fan_in). "Same" padding unless `padding` is given.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, padding: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.scale = math.sqrt(2.0 / (in_channels * kernel * kernel))
        self.padding = kernel // 2 if padding is None else padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H', W')."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)

    def unbiased(self, x: Tensor) -> Tensor:
        """The same without the bias."""
        return F.conv2d(x, self.weight * self.scale, padding=self.padding)


class EqualizedLinear(nn.Module):
    """Fully connected layer with equalised learning rate; the scale is sqrt(gain / in_features)."""

    def __init__(self, in_features: int, out_features: int, gain: float = 2.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.scale = math.sqrt(gain / in_features)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in) -> (N, out)."""
        return F.linear(x, self.weight * self.scale, self.bias)


class PixelNorm(nn.Module):
    """Divide every pixel's feature vector by its root mean square, in float32."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape and dtype."""
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(dim=1, keepdim=True) + 1e-8)).to(x.dtype)


def conv_unit(in_channels: int, out_channels: int, kernel: int = 3, *, norm: bool = True) -> nn.Sequential:
    """Equalised convolution, LeakyReLU(0.2) and, in the generator, PixelNorm."""
    layers: list[nn.Module] = [EqualizedConv2d(in_channels, out_channels, kernel), nn.LeakyReLU(0.2)]
    if norm:
        layers.append(PixelNorm())
    return nn.Sequential(*layers)


class ResidualDown(nn.Module):
    """Halves the resolution: two 3×3 convolutions beside a 1×1 shortcut, their sum divided by sqrt(2)."""

    def __init__(self, in_channels: int, middle: int, out_channels: int) -> None:
        super().__init__()
        self.first = EqualizedConv2d(in_channels, middle, 3)
        self.second = EqualizedConv2d(middle, out_channels, 3)
        self.shortcut = EqualizedConv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H/2, W/2)."""
        inside = F.avg_pool2d(F.leaky_relu(self.first(x), 0.2), 2)
        inside = F.leaky_relu(self.second(inside), 0.2)
        out: Tensor = (inside + self.shortcut(F.avg_pool2d(x, 2))) * math.sqrt(0.5)
        return out


def fading(alpha: Fade) -> bool:
    """Whether layers are growing in; a tensor says so without being read."""
    return isinstance(alpha, Tensor) or alpha < 1


def blend(old: Tensor, new: Tensor, alpha: Fade) -> Tensor:
    """`old` at alpha 0, `new` at alpha 1."""
    return torch.lerp(old, new, alpha.to(new.dtype) if isinstance(alpha, Tensor) else alpha)


def keypoint_maps(keypoints: Tensor, size: int) -> Tensor:
    """One-hot maps of keypoints: a single 1 at (floor(y*size), floor(x*size)) of each point's channel.

    Args:
        keypoints: (N, K, 2) x y as fractions of the crop. NaN or outside [0, 1) gives an all-zero map.
        size: height and width of the maps in pixels.

    Returns:
        (N, K, size, size) float32 on the keypoints' device, channels last in memory, as the maps that they join.
    """
    n, k, _ = keypoints.shape
    inside = ((keypoints >= 0) & (keypoints < 1)).all(dim=-1)  # NaN compares false
    cell = (torch.where(inside[..., None], keypoints, 0.0) * size).long()
    flat = torch.zeros(n, size * size, k, device=keypoints.device)
    flat.scatter_(1, (cell[..., 1] * size + cell[..., 0])[:, None], inside[:, None].float())
    return flat.view(n, size, size, k).permute(0, 3, 1, 2)


def resolutions(top: int) -> list[int]:
    """[8, 16, …, top]: the resolutions that have a block of their own."""
    return [2**power for power in range(3, top.bit_length())]


def check_resolution(name: str, size: int, largest: int, alpha: Fade) -> int:
    """Return `size` if network `name` can be run at it; `ValueError` otherwise."""
    if size not in resolutions(largest):
        raise ValueError(f"{name}: crop size must be one of {resolutions(largest)}, got {size}")
    if fading(alpha) and size == 8:
        raise ValueError(f"{name}: 8 px is the smallest size, there is nothing to fade in from; alpha must be 1")
    return size


def check_widths(widths: dict[int, int], top: int) -> dict[int, int]:
    """Return `widths` for 4…`top` with integer keys; larger sizes are left out, as Hydra cannot take keys away.

    Raises:
        ValueError: `top` is no power of two >= 8, a size is missing or no power of two, or a count is not positive.
        TypeError: something is not a whole number.
    """
    if check_count("resolution", top) < 8 or top & (top - 1):
        raise ValueError(f"resolution must be a power of two >= 8, got {top}")
    if not isinstance(widths, Mapping):
        raise TypeError(f"widths must map resolutions to channel counts, got {widths!r}")
    needed = [4, *resolutions(top)]
    table = {str(size): width for size, width in widths.items()}  # JSON makes the keys text
    unknown = table.keys() - {str(2**power) for power in range(2, 14)}
    if unknown or not {str(size) for size in needed} <= table.keys():
        raise ValueError(f"widths must give a channel count for each of {needed}, got {dict(widths)}")
    return {size: check_count(f"widths[{size}]", table[str(size)]) for size in needed}
