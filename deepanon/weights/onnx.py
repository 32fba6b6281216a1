"""A generator as an ONNX file, for programs without PyTorch."""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from deepanon.errors import OptionError
from deepanon.files import saving
from deepanon.weights import LoadedGenerator

INPUTS, OUTPUT = ("context", "mask", "keypoints", "z"), "picture"


class _Fixed(nn.Module):
    """A generator at its full resolution, without the options of growing."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, context: Tensor, mask: Tensor, keypoints: Tensor, z: Tensor) -> Tensor:
        """See `Generator.forward`."""
        drawn: Tensor = self.network(context, mask, keypoints, z)
        return drawn


def export_onnx(path: str | Path, generator: LoadedGenerator) -> None:
    """Write an ONNX model in float32 for any number of faces.

    Inputs are those of `Generator.forward`, float32: `context` (N, 3, S, S) in [-1, 1], hidden pixels grey; `mask`
    (N, 1, S, S), 1 = hidden; `keypoints` (N, K, 2) as fractions of the crop, NaN = unknown; `z` (N, Z, 4, 4) standard
    normal. Output `picture` (N, 3, S, S), not clipped. Whether faces without keypoints may be drawn, and what the
    keypoints are, stands in the file's metadata under "deepanon".

    Raises:
        OptionError: the packages that write ONNX are not installed.
        SaveError: see `files.saving`.
    """
    absent = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if absent:
        raise OptionError(f"writing ONNX needs {' and '.join(absent)}: pip install 'deepanon[onnx]'")
    network = generator.network.cpu().eval()
    size, example = network.resolution, torch.Generator().manual_seed(0)
    shapes = ((3, size, size), (1, size, size), (network.keypoints, 2), (network.noise, 4, 4))
    given = tuple(torch.rand(2, *shape, generator=example) for shape in shapes)
    with _quiet(), saving(path) as temporary:
        program = torch.onnx.export(
            _Fixed(network),
            given,
            dynamo=True,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_shapes={name: {0: torch.export.Dim("faces", min=1)} for name in INPUTS},
            verbose=False,
        )
        assert program is not None
        about = {"schema": generator.schema.name, "pose_free": generator.pose_free, "resolution": size}
        program.model.metadata_props["deepanon"] = json.dumps(about)
        program.save(str(temporary), external_data=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of how it is written itself, and of operators of packages that are not used here."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
