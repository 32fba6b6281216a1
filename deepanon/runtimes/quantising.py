"""A generator whose 3×3 convolutions compute in 8 bits: post-training static quantisation of its ONNX form.

What is between them, and the 1×1 convolutions to and from pixels, stay float32. The ranges of activations are those of
drawn faces: no photograph is needed.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepanon.crops import Crops
from deepanon.data.synthetic import draw_face
from deepanon.detections import FIVE
from deepanon.errors import ModelError, OptionError
from deepanon.files import sha256_of_sources
from deepanon.images import unit
from deepanon.runtimes.engine import Inputs, line
from deepanon.runtimes.exports import Exports
from deepanon.weights import LoadedGenerator
from deepanon.weights.onnx import INPUTS, export_onnx

PACKAGES = ("onnxruntime", "onnx", "onnxscript")
DRAWING = ("crops.py", "data/synthetic.py", "data/portrait.py", "data/looks.py")  # what calibrates
FACES = 64  # drawn, to see in which range activations lie


def export_int8(path: Path, loaded: LoadedGenerator) -> None:
    """Write an ONNX model with QDQ nodes: weights int8 for each channel, activations uint8.

    Raises:
        OptionError: packages that do it are not installed.
        ModelError: the generator cannot be quantised.
    """
    if absent := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise OptionError(f"int8 needs {' and '.join(absent)}: pip install 'deepanon[onnx]', or leave int8 out")
    if loaded.schema != FIVE:
        raise ModelError(
            f"int8 is calibrated on drawn faces with keypoints of schema {FIVE.name!r}; the generator has "
            f"{loaded.schema.name!r}: leave int8 out"
        )
    whole, folded = path.with_suffix(".whole"), path.with_suffix(".folded")
    try:
        export_onnx(whole, loaded)
        with _quiet():
            _fold(whole, folded)
            _quantise(folded, path, drawn_faces(loaded, FACES))
    except (OptionError, ModelError):
        raise
    except Exception as error:  # its exceptions have no base of their own
        raise ModelError(f"the generator cannot be quantised: {line(error)}; leave int8 out") from error
    finally:
        for one in (whole, folded):
            one.unlink(missing_ok=True)


def int8_exports(loaded: LoadedGenerator) -> Exports:
    """Where such a model is kept, whatever runs it."""
    return Exports(loaded, "int8", ("torch", *PACKAGES, "numpy"), [sha256_of_sources(DRAWING)])


def drawn_faces(loaded: LoadedGenerator, count: int, seed: int = 0) -> Inputs:
    """What the generator is given for so many drawn faces."""
    size, rng = loaded.network.resolution, np.random.default_rng(seed)
    images, boxes, points = (torch.from_numpy(np.stack(all_)) for all_ in zip(*_drawn(size, count, rng), strict=True))
    crops = Crops.from_faces(unit(images.permute(0, 3, 1, 2)), boxes / size, points / size, FIVE)
    noise = torch.randn(count, loaded.network.noise, 4, 4, generator=torch.Generator().manual_seed(seed))
    return crops.context, crops.mask, crops.keypoints, noise


def _drawn(size: int, count: int, rng: np.random.Generator) -> Iterator[tuple[Any, Any, Any]]:
    return (draw_face(size, rng) for _ in range(count))


def _fold(source: Path, target: Path) -> None:
    """What is the same for every face becomes a constant: a scaled weight is no weight to the quantiser."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath, options.log_severity_level = str(target), 3
    onnxruntime.InferenceSession(str(source), options, ["CPUExecutionProvider"])


def _quantise(source: Path, target: Path, faces: Inputs) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Faces(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rows = iter(range(len(faces[0])))

        def get_next(self) -> dict[str, Any] | None:
            row = next(self.rows, None)
            if row is None:
                return None
            return {name: one[row : row + 1].numpy() for name, one in zip(INPUTS, faces, strict=True)}

    graph = onnx.load(source).graph
    sides = {one.name: one.dims[-1] for one in graph.initializer if len(one.dims) == 4}
    narrow = [one.name for one in graph.node if one.op_type == "Conv" and sides.get(one.input[1], 1) > 1]
    if not narrow:
        raise ModelError("the generator has no convolutions that can be quantised: leave int8 out")
    quantize_static(
        source,
        target,
        Faces(),
        quant_format=QuantFormat.QDQ,
        nodes_to_quantize=narrow,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser recommends on the root logger what has been done, which would give that a handler for good."""
    log, silent = logging.getLogger(), logging.NullHandler()
    level = log.level
    log.setLevel(logging.ERROR)
    log.addHandler(silent)
    try:
        yield
    finally:
        log.removeHandler(silent)
        log.setLevel(level)
