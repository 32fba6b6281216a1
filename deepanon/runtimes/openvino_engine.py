"""OpenVINO on the processor."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepanon.errors import ModelError
from deepanon.models.inference import cells_of, inference_form
from deepanon.runtimes.engine import Draw, Engine, Inputs, example, joined, line
from deepanon.runtimes.exports import Exports
from deepanon.runtimes.precision import BF16, FLOAT32
from deepanon.runtimes.signal_stack import kept_signal_stack
from deepanon.weights import LoadedGenerator

HINTS = {FLOAT32: "f32", BF16: "bf16"}


class OpenVinoEngine(Engine):
    """Runs the inference form in float32 or bf16.

    It is compiled for as many faces a call and threads a call as are asked for, when they are first asked for: a single
    face is drawn by all threads in one stream, many are drawn by one stream a thread.
    """

    name = "openvino"
    packages = ("openvino",)
    extra = "openvino"
    precisions = tuple(HINTS)
    batches = (1, 2, 4)

    def __init__(self, loaded: LoadedGenerator, precision: str = FLOAT32) -> None:
        super().__init__(loaded, precision)
        self.threads = torch.get_num_threads()  # asked here, as a lane has a count of its own
        self.exports = Exports(loaded, "openvino", ("torch", "openvino"))
        self.model = self.exports.model(self._export)

    def opened(self, threads: int) -> Draw:
        """See `Engine.opened`."""
        compiled = {1: self._compiled(1, threads)}
        opening, requests = threading.Lock(), threading.local()  # a request is one call's

        def request(faces: int) -> Any:
            own: dict[int, Any] = requests.__dict__.setdefault("own", {})
            with opening:
                if faces not in compiled:
                    compiled[faces] = self._compiled(faces, threads)
                if faces not in own:
                    own[faces] = compiled[faces].create_infer_request()
            return own[faces]

        return lambda inputs: joined([_run(request(len(part[0])), part) for part in self._parts(inputs)])

    def _parts(self, inputs: Inputs) -> list[list[Tensor]]:
        """As few as there are of the sizes that are compiled, the largest first."""
        given, parts = self._given(inputs), []
        while len(given[0]):
            faces = max(size for size in self.batches if size <= len(given[0]))
            parts.append([one[:faces] for one in given])
            given = [one[faces:] for one in given]
        return parts

    def _given(self, inputs: Inputs) -> list[Tensor]:
        """What the model takes, float32, and int32 where points lie: bf16 would move them."""
        return [*(one.float() for one in inputs), cells_of(inputs[2], self.loaded.network.resolution).int()]

    def _compiled(self, faces: int, threads: int) -> Any:
        import openvino

        streams = max(1, self.threads // threads)
        asked = {
            "INFERENCE_PRECISION_HINT": HINTS[self.precision],
            "INFERENCE_NUM_THREADS": streams * threads,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,  # detector and encoder run beside it
        }
        core = openvino.Core()
        try:
            model = core.read_model(self.model["model.xml"], openvino.Tensor(_bytes(self.model["model.bin"])))
            model.reshape({one: [faces, *one.partial_shape[1:]] for one in model.inputs})
            with kept_signal_stack():
                return core.compile_model(model, "CPU", asked)
        except Exception as error:  # one exception for everything, and not always that one
            self.exports.forget()
            raise ModelError(f"OpenVINO cannot load the generator: {line(error)}; try --runtime torch") from error

    def _export(self, folder: Path) -> None:
        import openvino

        given = tuple(torch.cat([one, one]) for one in self._given(example(self.loaded)))
        form = inference_form(self.loaded.network).cpu()
        shapes = [[-1, *one.shape[1:]] for one in given]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that sizes become constants, which is meant
                model = openvino.convert_model(form, example_input=given, input=shapes)
            openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)
        except Exception as error:
            raise ModelError(f"OpenVINO cannot convert the generator: {line(error)}; try --runtime torch") from error


def _bytes(content: bytes) -> Any:
    return np.frombuffer(content, np.uint8).copy()


def _run(request: Any, inputs: list[Tensor]) -> Tensor:
    found = request.infer([one.contiguous().numpy() for one in inputs], share_inputs=True)
    return torch.from_numpy(found[0].copy())
