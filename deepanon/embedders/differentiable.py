"""Embedders through which gradients flow: what an attacker of recognisers, or a loss on identity, needs of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor, nn

from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.embedders import Embedder

NAMES = ("facenet", "mobilefacenet", "torchscript")  # of the embedders that are


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


def differentiable(embedder: Embedder) -> Differentiable:
    """The same embedder, if gradients can flow through it; `OptionError` says which can."""
    if not isinstance(embedder, Differentiable):
        raise OptionError(
            f"embedder {embedder.name!r} is run outside torch, so that no gradient can flow through it; "
            f"those of kind {', '.join(NAMES)} let it"
        )
    return embedder
