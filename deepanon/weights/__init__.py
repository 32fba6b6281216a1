"""Generator files: one safetensors file holds the weights and the plain arguments that rebuild the network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from deepanon.detections import KeypointSchema, schema_for
from deepanon.errors import ModelError, SchemaError
from deepanon.files import saving
from deepanon.models import Generator, build_generator
from deepanon.weights.bundled import BUNDLED, DEFAULT, model_path

__all__ = [
    "BUNDLED",
    "DEFAULT",
    "FORMAT",
    "LoadedGenerator",
    "check_generator",
    "load_generator",
    "model_path",
    "save_generator",
]

FORMAT = 1  # version of the header below


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator ready for use.

    Attributes:
        network: in eval mode, without gradients.
        schema: of the keypoints that it takes.
        pose_free: whether it learnt to draw faces whose keypoints are unknown.
        training: what its file says about its training.
    """

    network: Generator
    schema: KeypointSchema
    pose_free: bool
    training: dict[str, Any] = field(default_factory=dict)


def save_generator(path: str | Path, generator: LoadedGenerator) -> None:
    """Write the network in float16 with its constructor arguments, schema and training facts (plain JSON values).

    Raises:
        ModelError: weights are not finite, too large, or do not fit the schema; what was at `path` stays.
        SaveError: see `files.saving`.
    """
    check_generator(generator)
    header = {
        "format": FORMAT,
        "architecture": generator.network.architecture,
        "generator": generator.network.kwargs,
        "schema": generator.schema.name,
        "pose_free": generator.pose_free,
        "training": generator.training,
    }
    network = generator.network
    tensors = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    with saving(path) as temporary:
        temporary.write_bytes(save(tensors, {"deepanon": json.dumps(header)}))  # save_file makes it readable to us only


def load_generator(model: str | Path = DEFAULT, device: torch.device | str = "cpu") -> LoadedGenerator:
    """Load a bundled generator by name, or any generator file by path.

    Raises:
        FileNotFoundError: nothing is there; the message names the bundled ones.
        ModelError: the file is damaged, of another format, or not a generator, or a bundled one was changed.
    """
    path = model_path(model)
    try:
        with safe_open(path, framework="pt", device="cpu") as stored:
            header = json.loads((stored.metadata() or {})["deepanon"])
            tensors = {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118 (not a dict)
        if header["format"] != FORMAT:
            raise ModelError(f"{path}: generator format {header['format']} is not {FORMAT}, which this version reads")
        network = build_generator(header.get("architecture", "deepprivacy"), **header["generator"])
        network.load_state_dict(tensors)
        loaded = LoadedGenerator(
            network.eval().requires_grad_(False), schema_for(header["schema"]), header["pose_free"], header["training"]
        )
        if fault := _fault(loaded):
            raise ModelError(f"{path} is not a usable generator file: {fault}")
    except (SafetensorError, SchemaError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path} is not a usable generator file: {type(error).__name__}: {error}") from error
    network.to(device)
    return loaded


def check_generator(generator: LoadedGenerator) -> None:
    """Raise `ModelError` if it could not draw once it is stored in float16."""
    if fault := _fault(generator):
        raise ModelError(f"the generator cannot be stored: {fault}")


def _fault(generator: LoadedGenerator) -> str | None:
    """Why it cannot draw: a file that is whole may still hold nonsense."""
    if generator.network.keypoints != len(generator.schema):
        return f"{generator.network.keypoints} keypoints do not fit schema {generator.schema.name!r}"
    broken = [name for name, value in generator.network.named_parameters() if not torch.isfinite(value.half()).all()]
    return f"weights are not finite, or above 65,504: {broken[0]} and {len(broken) - 1} more" if broken else None
