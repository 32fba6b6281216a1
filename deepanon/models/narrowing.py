"""A narrower generator that begins with the strongest channels of a trained one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from deepanon.models.generator import Generator
from deepanon.models.lean_generator import LeanGenerator
from deepanon.models.modulated_generator import STYLE, ModulatedGenerator

Part = tuple[int, int]  # (resolution, entries for each of its channels); (0, n): n entries that all stay
CELLS = 16  # of a map of 4 px


def narrow(network: Generator, widths: dict[int, int]) -> Generator:
    """A copy of a modulated or lean generator with fewer channels: at each resolution those with the largest weights.

    All layers of a resolution keep the same channels, because what was seen is added to what was drawn. The equalised
    scales make up for the inputs that are missing; what it draws is still wrong, but far nearer than chance.

    Args:
        network: a trained generator; stays as it is.
        widths: channels to keep at each resolution, no more than it has.

    Raises:
        ValueError: another architecture, or more channels than there are.
    """
    if type(network) not in (LeanGenerator, ModulatedGenerator):
        raise ValueError(f"only lean and modulated generators can be narrowed, not {network.architecture!r}")
    small = type(network)(**network.kwargs | {"widths": widths})
    for r, width in small.widths.items():
        if width > network.widths[r]:
            raise ValueError(f"no {width} channels can be kept at {r} px, where there are {network.widths[r]}")
    kept = {r: power.topk(small.widths[r]).indices.sort().values for r, power in _powers(network).items()}
    weights = {}
    for name, value in network.state_dict().items():
        for side, parts in enumerate(_sides(network, name)):
            places = [_entries(kept[r], n) + start for (r, n), start in _starts(network, parts) if r]
            places += [torch.arange(start, start + n) for (r, n), start in _starts(network, parts) if not r]
            value = value.index_select(side, torch.cat(places))
        weights[name] = value.clone()
    small.load_state_dict(weights)
    return small.train(network.training)


def _powers(network: Generator) -> dict[int, Tensor]:
    """For each resolution, how large the weights are that make or use each channel: (widths[r],)."""
    power = {r: torch.zeros(width) for r, width in network.widths.items()}
    for name, value in network.state_dict().items():
        for side, parts in enumerate(_sides(network, name) if name.endswith("weight") and "scale" not in name else ()):
            squares = value.detach().cpu().square().transpose(0, side).flatten(1).mean(1)
            for (r, n), start in _starts(network, parts):
                if r:
                    power[r] += squares[start : start + n * network.widths[r]].view(-1, n).mean(1)
    return power


def _sides(network: Generator, name: str) -> list[list[Part]]:
    """Of what the outputs and the inputs of a weight are made up; a bias has outputs alone.

    Each side's parts that all stay come last, as they do in the networks.
    """
    block, *rest = name.split(".")
    points, r = (0, network.keypoints), int(rest[0]) if rest[0].isdigit() else 4
    if block == "noise_style":
        return []
    beside = [(r, 1)] if type(network) is ModulatedGenerator else []
    out, into = {
        "from_rgb": ([(r, 1)], [(0, 3 + network.mask_channel)]),
        "to_rgb": ([(0, 3)], [(r, 1)]),
        "core": ([(4, 1)], [(4, 1), points]),
        "start": ([(4, 1)], [(4, 1), points] if "first" in rest else [(4, 1)]),
        "seen_style": ([(0, STYLE)], [(4, CELLS), (0, 3 * network.keypoints)]),
        "encoder": ([(r if "first" in rest else r // 2, 1)], [(r, 1)]),
        "decoder": ([(r, 1)], [(r // 2, 1), *beside, points] if "first" in rest else [(r, 1)]),
    }[block]
    if "scale" in rest:  # of a modulated convolution: from a style to a factor for each of its inputs
        out, into = into, [(0, STYLE)]
    return [out, into] if name.endswith("weight") else [out]


def _starts(network: Generator, parts: list[Part]) -> Iterator[tuple[Part, int]]:
    """Each part and the place of its first entry."""
    start = 0
    for r, n in parts:
        yield (r, n), start
        start += n * network.widths[r] if r else n


def _entries(channels: Tensor, n: int) -> Tensor:
    """Places of the entries of some channels that have `n` each."""
    return (channels[:, None] * n + torch.arange(n)).flatten()
