"""ONNX Runtime on the processor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deepanon.errors import ModelError
from deepanon.runtimes.engine import Draw, Engine, Inputs, line
from deepanon.runtimes.exports import Exports
from deepanon.runtimes.precision import FLOAT32
from deepanon.weights import LoadedGenerator
from deepanon.weights.onnx import INPUTS, OUTPUT, export_onnx


class OnnxEngine(Engine):
    """Runs the plain network as `deepanon export --onnx` writes it, whose constants are folded when it is loaded."""

    name = "onnx"
    packages = ("onnxruntime", "onnx", "onnxscript")
    extra = "onnx"

    def __init__(self, loaded: LoadedGenerator, precision: str = FLOAT32) -> None:
        super().__init__(loaded, precision)
        self.exports = Exports(loaded, "onnx", ("torch", "onnx", "onnxscript"))
        self.model = self.exports.model(self._export)

    def opened(self, threads: int) -> Draw:
        """See `Engine.opened`."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3  # errors, which are raised as well
        for name, value in _spinning(onnxruntime.__version__).items():
            options.add_session_config_entry(f"session.intra_op.{name}", value)
        try:
            session = onnxruntime.InferenceSession(self.model["model.onnx"], options, ["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no base of their own
            self.exports.forget()
            raise ModelError(f"ONNX Runtime cannot load the generator: {line(error)}; try --runtime torch") from error
        return lambda inputs: _run(session, inputs)

    def _export(self, folder: Path) -> None:
        export_onnx(folder / "model.onnx", self.loaded)


def _spinning(version: str) -> dict[str, str]:
    """How long threads wait for work before they sleep.

    A pass over the network has a hundred pauses of some 20 µs, and waking a thread takes longer: asleep, two draw a
    face no faster than one. Detector and encoder run beside it, so they must not wait for long; versions before 1.26
    know no time, and would for milliseconds.
    """
    release = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return {"spin_duration_us": "20"} if release >= (1, 26) else {"allow_spinning": "0"}


def _run(session: Any, inputs: Inputs) -> Tensor:
    given = {name: tensor.float().contiguous().numpy() for name, tensor in zip(INPUTS, inputs, strict=True)}
    return torch.from_numpy(session.run([OUTPUT], given)[0])
