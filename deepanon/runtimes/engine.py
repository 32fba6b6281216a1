"""What runs a generator's arithmetic: PyTorch, ONNX Runtime or OpenVINO, behind one small interface."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from deepanon.errors import OptionError
from deepanon.runtimes.precision import FLOAT32
from deepanon.weights import LoadedGenerator

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]  # context, mask, keypoints, z: see `Generator.forward`
Draw = Callable[[Inputs], Tensor]  # -> (N, 3, S, S) float32; may be called from several threads at once


class Engine(ABC):
    """One way to run a loaded generator.

    Args:
        loaded: the generator; its network stays as it is.
        precision: in which it computes, one of `precisions`.

    Attributes:
        name: what `--runtime` calls it.
        packages: that must be installed, beyond those that deepanon needs anyway.
        extra: of this package that brings them.
        precisions: in which it can compute.
        batches: how many faces a call may hold, smallest first; what suits a machine is measured.

    Raises:
        OptionError: its packages are not installed (the message names the extra), or it does not compute in that
            precision.
        ModelError: it cannot run this generator.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    precisions: ClassVar[tuple[str, ...]] = (FLOAT32,)
    batches: ClassVar[tuple[int, ...]] = (1, 2, 8)

    def __init__(self, loaded: LoadedGenerator, precision: str = FLOAT32) -> None:
        if absent := self.absent():
            raise OptionError(
                f"runtime {self.name!r} needs {' and '.join(absent)}: pip install 'deepanon[{self.extra}]', "
                "or choose --runtime torch, which needs nothing more"
            )
        if precision not in self.precisions:
            raise OptionError(f"runtime {self.name!r} computes in {' or '.join(self.precisions)}, not in {precision}")
        self.loaded, self.precision = loaded, precision

    @property
    def title(self) -> str:
        """Its name, and in which precision it computes if that is not float32."""
        return self.name if self.precision == FLOAT32 else f"{self.name} in {self.precision}"

    @classmethod
    def absent(cls) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [name for name in cls.packages if importlib.util.find_spec(name) is None]

    @abstractmethod
    def opened(self, threads: int) -> Draw:
        """What draws faces with so many threads a call.

        Raises:
            ModelError: the runtime cannot load the generator.
        """


def example(loaded: LoadedGenerator) -> Inputs:
    """One face's inputs that reach every part of a network: random surroundings, a hole, points, noise."""
    network, rng = loaded.network, torch.Generator().manual_seed(0)
    size = network.resolution
    mask = torch.zeros(1, 1, size, size)
    mask[..., size // 4 : -size // 4, size // 4 : -size // 4] = 1
    context = torch.where(mask > 0, 0.0, torch.rand(1, 3, size, size, generator=rng) * 2 - 1)
    points = torch.rand(1, network.keypoints, 2, generator=rng) / 2 + 0.25
    return context, mask, points, torch.randn(1, network.noise, 4, 4, generator=rng)


def joined(parts: list[Tensor]) -> Tensor:
    """Along the first dimension; a single one is not copied: that would wake threads beside the runtime's."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def line(error: BaseException) -> str:
    """An error of another library in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
