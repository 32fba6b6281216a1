"""OpenVINO on the processor: one face a call, several calls at once."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepanon.errors import ModelError
from deepanon.models.inference import inference_form
from deepanon.runtimes.engine import Draw, Engine, Inputs, example, line
from deepanon.runtimes.exports import Exports
from deepanon.weights import LoadedGenerator


class OpenVinoEngine(Engine):
    """Runs the inference form in float32, traced at one face.

    It is compiled once, for as many streams of one thread as there are threads: one compilation serves a single face
    and many at a time.
    """

    name = "openvino"
    packages = ("openvino",)
    extra = "openvino"
    batches = (1,)

    def __init__(self, loaded: LoadedGenerator) -> None:
        super().__init__(loaded)
        self.exports = Exports(loaded, "openvino", ("torch", "openvino"))
        self.model, self.compiled = self.exports.model(self._export), None

    def opened(self, threads: int) -> Draw:
        """See `Engine.opened`; `threads` is looked at the first time."""
        if self.compiled is None:
            self.compiled = self._compiled()
        requests = threading.local()  # a request is one call's

        def draw(inputs: Inputs) -> Tensor:
            if not hasattr(requests, "own"):
                requests.own = self.compiled.create_infer_request()  # type: ignore[attr-defined]
            return torch.cat([_run(requests.own, [one[i : i + 1] for one in inputs]) for i in range(len(inputs[0]))])

        return draw

    def _compiled(self) -> Any:
        import openvino

        threads = torch.get_num_threads()
        exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads}
        core = openvino.Core()
        try:
            model = core.read_model(self.model["model.xml"], openvino.Tensor(_bytes(self.model["model.bin"])))
            return core.compile_model(model, "CPU", exact)
        except Exception as error:  # one exception for everything, and not always that one
            self.exports.forget()
            raise ModelError(f"OpenVINO cannot load the generator: {line(error)}; try --runtime torch") from error

    def _export(self, folder: Path) -> None:
        import openvino

        given = example(self.loaded)
        form = inference_form(self.loaded.network).cpu()
        shapes = [list(one.shape) for one in given]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that shapes become constants, which is meant
                model = openvino.convert_model(form, example_input=given, input=shapes)
            openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
        except Exception as error:
            raise ModelError(f"OpenVINO cannot convert the generator: {line(error)}; try --runtime torch") from error


def _bytes(content: bytes) -> Any:
    return np.frombuffer(content, np.uint8).copy()


def _run(request: Any, inputs: list[Tensor]) -> Tensor:
    found = request.infer([one.float().contiguous().numpy() for one in inputs], share_inputs=True)
    return torch.from_numpy(found[0].copy())
