"""How hard an audit tries: which attacks are made, and what they may cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deepanon.audit.attack import Attack
from deepanon.audit.attacks import (
    EmbeddingInversion,
    LinearReconstruction,
    Naive,
    ParrotGallery,
    ParrotHead,
    RebuiltHead,
    Reverse,
)

Ladder = Callable[[int], Sequence[Attack]]  # seed -> attacks, the naive one first


@dataclass(frozen=True)
class Profile:
    """One of `PROFILES`.

    Attributes:
        name: its key.
        ladder: every attack on every method.
        quick: attacks on the controls: those that cost seconds.
        releases: versions with fresh randomness that are made of every photo, for methods that have some.
    """

    name: str
    ladder: Ladder
    quick: Ladder
    releases: int = 1


def quick(seed: int) -> list[Attack]:
    """Attacks that cost seconds."""
    return [
        Naive(), Reverse(), ParrotGallery(), ParrotHead(), EmbeddingInversion(), LinearReconstruction(), RebuiltHead(),
    ]  # fmt: skip


PROFILES: dict[str, Profile] = {
    "smoke": Profile("smoke", quick, quick),
}
