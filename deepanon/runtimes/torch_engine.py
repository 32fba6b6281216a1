"""PyTorch: the inference form of a generator, on a processor or a GPU."""

from __future__ import annotations

import logging
import warnings

import torch
from torch import Tensor, nn

from deepanon.models.inference import inference_form
from deepanon.runtimes.engine import Draw, Engine, Inputs, example, line
from deepanon.runtimes.precision import BF16, FLOAT32, PRECISIONS
from deepanon.weights import LoadedGenerator

log = logging.getLogger(__name__)

DTYPES = {FLOAT32: torch.float32, BF16: torch.bfloat16}


class TorchEngine(Engine):
    """Runs `inference_form` where the network is; how many threads it uses is PyTorch's setting in each thread.

    On the processor it is traced: a call is then one step of Python's, and other threads go on meanwhile.
    """

    name = "torch"
    precisions = tuple(DTYPES)

    def __init__(self, loaded: LoadedGenerator, precision: str = FLOAT32) -> None:
        super().__init__(loaded, precision)
        self.device = next(loaded.network.parameters()).device
        self.form = inference_form(loaded.network, DTYPES[precision])
        if self.device.type == "cpu":
            self.form = _traced(self.form, example(loaded), PRECISIONS[precision].largest)

    def opened(self, threads: int) -> Draw:
        """See `Engine.opened`."""
        return self._draw

    @torch.inference_mode()
    def _draw(self, inputs: Inputs) -> Tensor:
        pixels: Tensor = self.form(*(tensor.to(self.device) for tensor in inputs))
        return pixels.cpu()


@torch.inference_mode()
def _traced(form: nn.Module, given: Inputs, bound: float) -> nn.Module:
    """The same within a bound, for any number of faces, without Python between its operations; or the form itself."""
    two = tuple(torch.cat([one, one]) for one in given)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that sizes become constants, which is meant, and that this may go one day
            traced: nn.Module = torch.jit.freeze(torch.jit.trace(form, two, check_trace=False))
        torch.testing.assert_close(traced(*two), form(*two), atol=bound, rtol=0, equal_nan=True)
    except Exception as error:  # of many kinds
        log.warning("PyTorch cannot trace the generator (%s): it runs step by step, which is slower", line(error))
        return form
    return traced
