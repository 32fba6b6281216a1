"""From a training checkpoint to a generator, without Lightning and without running anything that the file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from deepanon.detections import schema_for
from deepanon.errors import DeepanonError, ModelError
from deepanon.models import build_generator
from deepanon.weights import LoadedGenerator

FORMAT = 1  # version of what a checkpoint says under "deepanon"
AVERAGE = "ema."  # where its state dict keeps the averaged generator


def read_checkpoint(path: str | Path) -> LoadedGenerator:
    """The averaged generator of a `last.ckpt` at the resolution that it had fully grown to.

    Raises:
        FileNotFoundError: there is no such file.
        ModelError: it is damaged, of another program or version, or already a generator file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; train.py writes last.ckpt into its output folder")
    if path.suffix == ".safetensors":
        raise ModelError(f"{path} is a generator file already, not a checkpoint; it can be used as it is")
    checkpoint = _load(path)
    about = checkpoint.get("deepanon") if isinstance(checkpoint, dict) else None
    if not isinstance(about, dict) or "state_dict" not in checkpoint:
        raise ModelError(f"{path} is not a checkpoint of train.py, or of a version that did not say how to rebuild it")
    if about.get("format") != FORMAT:
        raise ModelError(f"{path}: checkpoint format {about.get('format')} is not {FORMAT}, which this version reads")
    try:
        return _rebuilt(about, checkpoint["state_dict"])
    except (DeepanonError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path} is not a usable checkpoint: {type(error).__name__}: {error}") from error


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # zip, pickle and tensor code each raise their own on damaged files
        raise ModelError(f"{path} is not a checkpoint that can be read: {type(error).__name__}: {error}") from error


def _rebuilt(about: dict[str, Any], state: dict[str, Any]) -> LoadedGenerator:
    if not isinstance(about["training"], dict):
        raise TypeError(f"training facts must be a table, got {about['training']!r}")
    network = build_generator(about["architecture"], **about["generator"])
    weights = {name.removeprefix(AVERAGE): value for name, value in state.items() if name.startswith(AVERAGE)}
    network.load_state_dict(weights)
    grown = network.shrunk(about["resolution"]).eval().requires_grad_(False)
    return LoadedGenerator(grown, schema_for(about["schema"]), about["pose_free"], about["training"])
