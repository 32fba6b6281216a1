"""What a checkpoint and a generator file say of themselves: enough to rebuild the network and to fill its card."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from deepanon import __version__
from deepanon.training.loader import FaceData
from deepanon.weights import LoadedGenerator
from deepanon.weights.checkpoints import FORMAT

SETTINGS = (
    "lr", "betas", "ema_half_life", "ema_rampup", "reconstruction_weight", "reconstruction_images", "warmup_images",
    "frozen_images", "seed",
)  # fmt: skip


def record(module: Any) -> dict[str, Any]:
    """Plain values for a checkpoint; `deepanon.weights.checkpoints` reads them without Lightning.

    Args:
        module: the `GANTrainer`, attached to its trainer.
    """
    return {
        "format": FORMAT,
        "architecture": module.ema.architecture,
        "generator": module.ema.kwargs,
        "schema": module.schema.name,
        "pose_free": module.augmentation.keypoint_dropout > 0,
        "images_seen": module.images_seen,
        "resolution": module.growth.grown(module.images_seen),
        "training": _training(module),
    }


def grown_generator(module: Any) -> LoadedGenerator:
    """The averaged generator of a `GANTrainer` at the resolution that it has fully grown to, as it is published."""
    about = record(module)
    network = module.ema.shrunk(about["resolution"])
    return LoadedGenerator(network, module.schema, about["pose_free"], about["training"])


def _settings(module: Any) -> dict[str, Any]:
    settings = {"objective": type(module.objective).__name__} | {name: getattr(module, name) for name in SETTINGS}
    settings |= {name: getattr(module.augmentation, name) for name in ("keypoint_dropout", "whole_crop")}
    return settings | {"diversity": module.diversity.weight if module.diversity else 0.0}


def _training(module: Any) -> dict[str, Any]:
    """Facts for the card, plain JSON values; a module and callbacks that have `facts` add their own."""
    facts: dict[str, Any] = {
        "images_seen": module.images_seen,
        "schedule": [asdict(phase) for phase in module.growth.phases],
        "settings": _settings(module),
        "made_with": {"deepanon": __version__, "torch": str(torch.__version__)},
    }
    data = module.trainer.datamodule
    if isinstance(data, FaceData):
        facts["crops"] = data.counts
    for source in (module, *module.trainer.callbacks):
        for name, value in getattr(source, "facts", {}).items():
            known = facts.get(name)
            facts[name] = known | value if isinstance(known, dict) and isinstance(value, dict) else value
    return facts
