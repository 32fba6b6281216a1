"""Inference forms: the same functions as the generators, arranged to run fast and not to be trained.

What is the same for every picture is computed once: equalised-rate scales lie in the weights, which lie channels last
in memory, as do all maps; activations and norms work in place; layers of growing are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from deepanon.models.generator import Generator
from deepanon.models.inference.deepprivacy import DeepPrivacyForm
from deepanon.models.inference.modulated import LeanForm, ModulatedForm

TOLERANCE = 1e-4  # largest deviation of a drawn value from the plain network's, where 2 is the range of pixels

FORMS: dict[str, Callable[[Any], nn.Module]] = {
    "deepprivacy": DeepPrivacyForm,
    "modulated": ModulatedForm,
    "lean": LeanForm,
}

__all__ = ["FORMS", "TOLERANCE", "inference_form"]


def inference_form(network: Generator) -> nn.Module:
    """A module that draws what `network` draws at its full resolution, faster; `network` stays as it is.

    It takes `Generator.forward`'s arguments but `alpha`, float32, and is to be called without gradients. Weights are
    copied: what is trained later does not reach it.

    Raises:
        ValueError: no form is known for the architecture; the message lists the known ones.
    """
    if network.architecture not in FORMS:
        raise ValueError(f"no inference form of {network.architecture!r}; known: {', '.join(FORMS)}")
    return FORMS[network.architecture](network).eval().requires_grad_(False)
