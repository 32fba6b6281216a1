"""Training that begins from a generator that has learnt already."""

from __future__ import annotations

from pathlib import Path

from deepanon.errors import ModelError, SchemaError
from deepanon.models import Generator
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
    if different := differing(loaded.network, module.generator):
        raise ModelError(f"training cannot start from {model}: {different}")
    for network in (module.generator, module.ema):
        network.load_state_dict(loaded.network.state_dict())


def differing(there: Generator, here: Generator, *, but: tuple[str, ...] = ()) -> str:
    """In which arguments two generators differ, those named in `but` aside; empty if in none."""
    old, new = ({"architecture": net.architecture, **net.kwargs} for net in (there, here))
    return "; ".join(f"{n} {old[n]} there, {new[n]} here" for n in new if n not in but and old.get(n) != new[n])
