"""What runs the generator. Every runtime draws the same; they differ in speed and in what must be installed."""

from __future__ import annotations

import logging

from deepanon.errors import DeepanonError, OptionError, lookup
from deepanon.runtimes.engine import Engine
from deepanon.runtimes.onnx_engine import OnnxEngine
from deepanon.runtimes.openvino_engine import OpenVinoEngine
from deepanon.runtimes.pace import Pace, PaceBook
from deepanon.runtimes.precision import FLOAT32, PRECISIONS
from deepanon.runtimes.runtime import Runtime, pace_key
from deepanon.runtimes.torch_engine import TorchEngine
from deepanon.weights import LoadedGenerator

log = logging.getLogger(__name__)

AUTO = "auto"
ENGINES: dict[str, type[Engine]] = {"torch": TorchEngine, "onnx": OnnxEngine, "openvino": OpenVinoEngine}
NAMES = (AUTO, *ENGINES)

__all__ = [
    "AUTO",
    "ENGINES",
    "FLOAT32",
    "NAMES",
    "PRECISIONS",
    "Engine",
    "Pace",
    "Runtime",
    "build_runtime",
    "installed",
]


def build_runtime(name: str, loaded: LoadedGenerator, pace: Pace | None = None, precision: str = FLOAT32) -> Runtime:
    """What draws with a generator.

    Args:
        name: "torch", "onnx" or "openvino"; "auto" is the quickest of those that `Runtime.tune` has measured on this
            machine with this generator, and PyTorch where none was, or on a GPU. One that fails is said in a warning.
        loaded: the generator, on the device where it is to run.
        pace: faces at a time; None = what suits the machine, see `Runtime`.
        precision: "float32", or one of `PRECISIONS` that the runtime computes in and that is faster here.

    Raises:
        OptionError: unknown name or precision, a runtime that is not installed, does not compute in that precision, or
            is not faster in it, or a GPU that it cannot use.
        ModelError: the runtime cannot run this generator, or draws something else.
    """
    lookup(dict.fromkeys(NAMES), name, "runtime")
    lookup(PRECISIONS, precision, "precision")
    if name == AUTO and precision != FLOAT32:
        able = ", ".join(one for one, engine in ENGINES.items() if precision in engine.precisions)
        raise OptionError(f"runtime 'auto' computes in {FLOAT32}; {precision} goes with one of: {able}")
    on_gpu = next(loaded.network.parameters()).device.type != "cpu"
    if on_gpu and name in ("onnx", "openvino"):
        raise OptionError(f"runtime {name!r} runs on the processor; a GPU goes with runtime torch or auto")
    if name != AUTO:
        return Runtime(ENGINES[name](loaded, precision), pace)
    for one in () if on_gpu else _quickest(loaded):
        try:
            return Runtime(ENGINES[one](loaded), pace)
        except DeepanonError as error:
            log.warning("runtime %s is passed over: %s", one, error)
    return Runtime(TorchEngine(loaded), pace)


def installed() -> list[str]:
    """Runtimes whose packages are there."""
    return [name for name, engine in ENGINES.items() if not engine.absent()]


def _quickest(loaded: LoadedGenerator) -> list[str]:
    """Those of them that were measured here with this generator, the quickest first."""
    times = {name: PaceBook().seconds(pace_key(name, loaded)) for name in installed()}
    known = {name: seconds for name, seconds in times.items() if seconds is not None}
    return sorted(known, key=lambda name: known[name])
