"""PyTorch: the inference form of a generator, on a processor or a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from deepanon.models.inference import inference_form
from deepanon.runtimes.engine import Draw, Engine, Inputs
from deepanon.weights import LoadedGenerator


class TorchEngine(Engine):
    """Runs `inference_form` where the network is; how many threads it uses is PyTorch's setting in each thread."""

    name = "torch"

    def __init__(self, loaded: LoadedGenerator) -> None:
        super().__init__(loaded)
        self.device = next(loaded.network.parameters()).device
        self.form = inference_form(loaded.network)

    def opened(self, threads: int) -> Draw:
        """See `Engine.opened`."""
        return self._draw

    @torch.inference_mode()
    def _draw(self, inputs: Inputs) -> Tensor:
        pixels: Tensor = self.form(*(tensor.to(self.device) for tensor in inputs))
        return pixels.cpu()
