"""PyTorch: the inference form of a generator, on a processor or a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from deepanon.models.inference import inference_form
from deepanon.runtimes.engine import Draw, Engine, Inputs
from deepanon.runtimes.precision import BF16, FLOAT32
from deepanon.weights import LoadedGenerator

DTYPES = {FLOAT32: torch.float32, BF16: torch.bfloat16}


class TorchEngine(Engine):
    """Runs `inference_form` where the network is; how many threads it uses is PyTorch's setting in each thread."""

    name = "torch"
    precisions = tuple(DTYPES)

    def __init__(self, loaded: LoadedGenerator, precision: str = FLOAT32) -> None:
        super().__init__(loaded, precision)
        self.device = next(loaded.network.parameters()).device
        self.form = inference_form(loaded.network, DTYPES[precision])

    def opened(self, threads: int) -> Draw:
        """See `Engine.opened`."""
        return self._draw

    @torch.inference_mode()
    def _draw(self, inputs: Inputs) -> Tensor:
        pixels: Tensor = self.form(*(tensor.to(self.device) for tensor in inputs))
        return pixels.cpu()
