"""Training that begins from a generator that has learnt already."""

from __future__ import annotations

from pathlib import Path

from deepanon.errors import ModelError, SchemaError
from deepanon.training.module import GANTrainer
from deepanon.weights import load_generator


def start_from(module: GANTrainer, model: str | Path) -> None:
    """Give the generator and its average the weights of a generator file.

    The discriminator begins from nothing: see `frozen_images` of `GANTrainer`.

    Args:
        module: with a generator of the same architecture and arguments.
        model: name of a bundled generator, or path of a file.

    Raises:
        FileNotFoundError: there is no such generator.
        ModelError: the file is not usable, or of another network; the message says what differs.
        SchemaError: it was trained with other keypoints.
    """
    loaded = load_generator(model)
    if loaded.schema != module.schema:
        raise SchemaError(f"{model} was trained with keypoints {loaded.schema.name!r}, not {module.schema.name!r}")
    there, here = ({"architecture": net.architecture, **net.kwargs} for net in (loaded.network, module.generator))
    differing = [f"{name} {there[name]} there, {here[name]} here" for name in here if there.get(name) != here[name]]
    if differing:
        raise ModelError(f"training cannot start from {model}: {'; '.join(differing)}")
    for network in (module.generator, module.ema):
        network.load_state_dict(loaded.network.state_dict())
