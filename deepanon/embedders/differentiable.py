"""Embedders through which gradients flow: what an attacker of recognisers, or a loss on identity, needs of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from deepanon.embedders.pixels import levels, unrounded
from deepanon.errors import ModelError, OptionError

if TYPE_CHECKING:
    from deepanon.embedders import Embedder

NAMES = ("facenet", "mobilefacenet", "torchscript")  # of the embedders that are

State = Callable[[Any], Any]


@runtime_checkable
class Differentiable(Protocol):
    """An `Embedder` with a second way in, that neither rounds nor cuts the gradient.

    Attributes:
        name: as in `Embedder`.
        size: as in `Embedder`.
        network: frozen and in evaluation mode. `for p in network.parameters(): p.requires_grad_()` makes it trainable,
            and `features` is what to train it by; both ways in see the same weights.
    """

    name: str
    size: int
    network: nn.Module

    @property
    def description(self) -> str:
        """As in `Embedder`."""
        ...

    def __call__(self, images: Tensor) -> Tensor:
        """As in `Embedder`."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, D) float on the same device, with gradients, not normalised.

        For pictures of whole levels it is what a call gives. Nothing is rounded or clipped: what lies outside [-1, 1]
        goes on to the network.
        """
        ...


class TwoWays:
    """Both ways into a network that runs in torch; a subclass has `_run`, from levels 0 … 255 to features."""

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float in [-1, 1] -> (N, D) float32 on the same device."""
        return self._run(levels(images))

    def features(self, images: Tensor) -> Tensor:
        """The same, not rounded and with gradients; see `Differentiable`."""
        return self._run(unrounded(images))

    def _run(self, images: Tensor) -> Tensor:
        raise NotImplementedError


def read_network(make: Callable[[], nn.Module], path: Path, what: str, state: State = lambda found: found) -> nn.Module:
    """A frozen network in evaluation mode with the weights of a file.

    Args:
        make: builds it; it draws no random numbers, so that a seeded run stays what it is without this embedder.
        path: of a state dict; every weight must be there, and no other.
        what: the file should hold, for messages.
        state: finds the state dict in what is in the file.

    Raises:
        ModelError: the file holds something else.
    """
    with torch.device("meta"):
        network = make()
    try:
        network.load_state_dict(state(torch.load(path, map_location="cpu", weights_only=True)), assign=True)
    except Exception as error:  # whatever the unpickler meets
        said = " ".join(str(error).split())[:300]
        raise ModelError(f"{path} does not hold {what}: {said}") from error
    return network.eval().requires_grad_(False)


def differentiable(embedder: Embedder) -> Differentiable:
    """The same embedder, if gradients can flow through it; `OptionError` says which can."""
    if not isinstance(embedder, Differentiable):
        raise OptionError(
            f"embedder {embedder.name!r} is run outside torch, so that no gradient can flow through it; "
            f"those of kind {', '.join(NAMES)} let it"
        )
    return embedder
