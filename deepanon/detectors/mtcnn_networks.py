"""MTCNN's three networks (Zhang et al. 2016) in a form for inference: the packaged weights, other arithmetic.

What differs from the package's modules, to rounding: levels 0 … 255 go in, because the first layer's weights hold the
normalisation; maps lie channels-last; maxima are taken over strided views; a score is the sigmoid of one difference.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepanon.geometry import Array

CELL, STRIDE = 12, 2  # px: P-Net's window, and how far apart two of them are
CHUNK = 32  # crops at a time, so that their maps stay in a processor's cache


def packaged_networks() -> tuple[nn.Module, nn.Module, nn.Module]:
    """P-Net, R-Net and O-Net of facenet-pytorch with the weights of its wheel."""
    with warnings.catch_warnings():  # the package changes the process-wide filters on import
        from facenet_pytorch.models import mtcnn
    return mtcnn.PNet().eval(), mtcnn.RNet().eval(), mtcnn.ONet().eval()


class Proposer:
    """P-Net on rows of a level: which windows may hold a face.

    The maximum over four neighbours comes before PReLU, on a quarter of the values. Where a slope a is negative PReLU
    is not monotone, but convex: its maximum is that of x and of a x, each over the window, so such a channel is
    computed twice, the second time with a times its weights.

    Args:
        network: the packaged P-Net.
        device: where it runs.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        own = {name: value.detach().to(device) for name, value in network.state_dict().items()}
        slope, weight, bias = own["prelu1.weight"], own["conv1.weight"], own["conv1.bias"]
        falling, rising = (torch.nonzero(chosen)[:, 0] for chosen in (slope < 0, slope >= 0))
        order = torch.cat([falling, rising])
        scaled = slope[falling]
        weight = torch.cat([weight[order], weight[falling] * scaled[:, None, None, None]])
        self.first = _taking_levels(weight, torch.cat([bias[order], bias[falling] * scaled]))
        self.falling, self.channels, self.rising = len(falling), len(slope), slope[rising]
        self.second = (_channels_last(own["conv2.weight"][:, order]), own["conv2.bias"])
        self.third = (_channels_last(own["conv3.weight"]), own["conv3.bias"])
        self.slopes = own["prelu2.weight"], own["prelu3.weight"]
        faces, others = own["conv4_1.weight"][:, :, 0, 0].flip(0)
        self.score = (faces - others, own["conv4_1.bias"][1] - own["conv4_1.bias"][0])
        self.shift = (own["conv4_2.weight"][:, :, 0, 0], own["conv4_2.bias"])
        self.device = device

    def __call__(self, rows: Array, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
        """Look at (h, w, 4) float32 levels.

        Returns:
            (N, 2) int64 x y of the windows that reach `threshold`, in steps of `STRIDE`; (N,) their scores; (N, 4) how
            their edges are to be moved, as a fraction of the sides.
        """
        maps = self._maps(_input(rows[None], self.device))[0].permute(1, 2, 0)  # h,w,32
        scores = torch.sigmoid(maps @ self.score[0] + self.score[1])
        y, x = torch.nonzero(scores >= threshold, as_tuple=True)
        return torch.stack([x, y], dim=1), scores[y, x], F.linear(maps[y, x], *self.shift)

    def _maps(self, x: Tensor) -> Tensor:
        x = F.conv2d(x, *self.first)
        x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), mode="replicate")  # an odd edge has a window of its own
        x = torch.maximum(x[:, :, 0::2], x[:, :, 1::2])
        x = torch.maximum(x[..., 0::2], x[..., 1::2])
        falling = torch.maximum(x[:, : self.falling], x[:, self.channels :])
        x = torch.cat([falling, F.prelu(x[:, self.falling : self.channels], self.rising)], dim=1)
        x = F.prelu(F.conv2d(x, *self.second), self.slopes[0])
        return F.prelu(F.conv2d(x, *self.third), self.slopes[1])


class Judge:
    """R-Net or O-Net on crops: is it a face, and how is its box to be moved; O-Net says where its points are too.

    Args:
        network: the packaged R-Net or O-Net.
        pools: side of the maximum after each convolution, 0 for none; all have a step of 2.
        device: where it runs.
    """

    def __init__(self, network: nn.Module, pools: Sequence[int], device: torch.device) -> None:
        own = {name: value.detach().to(device) for name, value in network.state_dict().items()}
        self.layers = [
            (_channels_last(own[f"conv{i}.weight"]), own[f"conv{i}.bias"], own[f"prelu{i}.weight"], pool)
            for i, pool in enumerate(pools, 1)
        ]
        self.layers[0] = (*_taking_levels(*self.layers[0][:2]), *self.layers[0][2:])
        n = len(pools) + 1
        dense, last = own[f"dense{n}.weight"], self.layers[-1][0].shape[0]
        side = round((dense.shape[1] / last) ** 0.5)
        # the weights count columns, rows, channels; channels-last maps are rows, columns, channels
        dense = dense.reshape(-1, side, side, last).transpose(1, 2).reshape(len(dense), -1)
        self.dense = (dense, own[f"dense{n}.bias"], own[f"prelu{n}.weight"])
        heads = [(own[f"dense{n + 1}_{k}.weight"], own[f"dense{n + 1}_{k}.bias"]) for k in (1, 2, 3)[: len(pools) - 1]]
        (weight, bias), *others = heads
        self.head = (
            torch.cat([weight[1:] - weight[:1], *(part for part, _ in others)]),
            torch.cat([bias[1:] - bias[:1], *(part for _, part in others)]),
        )
        self.device = device

    def __call__(self, crops: Array) -> tuple[Tensor, Tensor, Tensor]:
        """(N, S, S, 4) float32 levels -> (N,) scores, (N, 4) shifts of the edges, (N, 10) or (N, 0) points x…, y…."""
        x = _input(crops, self.device)
        for weight, bias, slopes, pool in self.layers:
            x = F.prelu(F.conv2d(x, weight, bias), slopes)
            x = _maxima(x, pool) if pool else x
        dense, bias, slopes = self.dense
        x = F.prelu(F.linear(x.permute(0, 2, 3, 1).flatten(1), dense, bias), slopes)
        out = F.linear(x, *self.head)
        return torch.sigmoid(out[:, 0]), out[:, 1:5], out[:, 5:]


def _input(levels: Array, device: torch.device) -> Tensor:
    """(N, h, w, 4) array -> (N, 4, h, w) tensor, channels last."""
    return torch.from_numpy(levels).to(device).permute(0, 3, 1, 2)


def _taking_levels(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Weights for (x - 127.5) / 128 -> those for x, with a fourth channel of no weight."""
    bias = bias - weight.sum(dim=(1, 2, 3)) * (127.5 / 128)
    return _channels_last(F.pad(weight / 128, (0, 0, 0, 0, 0, 1))), bias


def _channels_last(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last)


def _maxima(x: Tensor, side: int) -> Tensor:
    """Maxima over windows of `side`, 2 or 3, with a step of 2; the last ones may be cut off by the edge."""
    for axis in (2, 3):
        length = x.shape[axis]
        windows = -(-(length - side) // 2) + 1
        parts = [x[(slice(None),) * axis + (slice(start, None, 2),)] for start in range(side)]
        result = torch.maximum(*(part.narrow(axis, 0, windows) for part in parts[:2]))
        for part in parts[2:]:
            cut = part.narrow(axis, 0, min(windows, part.shape[axis]))
            view = result.narrow(axis, 0, cut.shape[axis])
            torch.maximum(view, cut, out=view)
        x = result
    return x
