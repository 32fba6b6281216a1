"""Inference forms: the same functions as the generators, arranged to run fast and not to be trained.

What is the same for every picture is computed once: equalised-rate scales lie in the weights, which lie channels last
in memory, as do all maps; activations and norms work in place; layers of growing are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from deepanon.models.generator import Generator
from deepanon.models.inference.deepprivacy import DeepPrivacyForm
from deepanon.models.inference.layers import ReadyConv, cells_of
from deepanon.models.inference.modulated import LeanForm, ModulatedForm

TOLERANCE = 1e-4  # largest deviation of a drawn value from the plain network's, where 2 is the range of pixels

FORMS: dict[str, Callable[[Any], nn.Module]] = {
    "deepprivacy": DeepPrivacyForm,
    "modulated": ModulatedForm,
    "lean": LeanForm,
}

__all__ = ["FORMS", "TOLERANCE", "cells_of", "inference_form"]


def inference_form(network: Generator, dtype: torch.dtype = torch.float32) -> nn.Module:
    """A module that draws what `network` draws at its full resolution, faster; `network` stays as it is.

    It takes `Generator.forward`'s arguments but `alpha`, float32, and gives float32; it is to be called without
    gradients. Weights are copied: what is trained later does not reach it. For runtimes that shorten what they are
    given, where keypoints lie may be given as a fifth argument, see `cells_of`.

    Args:
        network: the generator.
        dtype: of the convolutions and of what lies between them: torch.float32, or torch.bfloat16, which draws the
            same but for a level here and there, not the same to `TOLERANCE`.

    Raises:
        ValueError: no form is known for the architecture; the message lists the known ones.
    """
    if network.architecture not in FORMS:
        raise ValueError(f"no inference form of {network.architecture!r}; known: {', '.join(FORMS)}")
    form = FORMS[network.architecture](network).eval().requires_grad_(False)
    for module in form.modules():
        if isinstance(module, ReadyConv):
            module.to(dtype)
    form.dtype = dtype  # type: ignore[assignment]
    return form
