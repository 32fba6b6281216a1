"""What the trainer is told, checked before anything expensive starts."""

from __future__ import annotations

from deepanon.checks import check_kind, check_weight
from deepanon.errors import OptionError
from deepanon.models import Discriminator, Generator, Growth

PRECISIONS = ("32-true", "bf16-mixed")


def check_precision(precision: str) -> None:
    """Raise `OptionError` unless training works in this precision of Lightning's.

    16-mixed would need its losses scaled step by step, which is not done; in the others weights, their average and the
    optimizers' moments would be of another type.
    """
    if precision not in PRECISIONS:
        raise OptionError(f"trainer.precision must be {' or '.join(PRECISIONS)}, got {precision!r}")


def check_networks(generator: Generator, discriminator: Discriminator, growth: Growth, keypoints: int) -> None:
    """Raise `TypeError` or `ValueError` unless these four can be trained together."""
    for name, value, kind in (
        ("generator", generator, Generator),
        ("discriminator", discriminator, Discriminator),
        ("growth", growth, Growth),
    ):
        check_kind(name, value, kind)
    if generator.resolution != growth.final_resolution:
        raise ValueError(f"generator is {generator.resolution} px but growth ends at {growth.final_resolution} px")
    if discriminator.resolution < growth.final_resolution:
        raise ValueError(f"discriminator is {discriminator.resolution} px, growth ends at {growth.final_resolution} px")
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if network.keypoints != keypoints:
            raise ValueError(f"{name} takes {network.keypoints} keypoints but the schema has {keypoints}")


def check_betas(betas: tuple[float, float]) -> tuple[float, float]:
    """Return Adam's betas as floats; `TypeError` or `ValueError` unless they are two numbers in [0, 1)."""
    if not isinstance(betas, list | tuple) or len(betas) != 2:
        raise TypeError(f"betas must be two numbers, got {betas!r}")
    first, second = check_weight("beta1", betas[0]), check_weight("beta2", betas[1])
    if max(first, second) >= 1:
        raise ValueError(f"betas must lie below 1, got {betas}")
    return first, second
