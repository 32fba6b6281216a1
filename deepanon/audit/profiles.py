"""How hard an audit tries: which attacks are made, and what they may cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepanon.audit.attack import Attack
from deepanon.audit.attacks import (
    Analytic,
    Blind,
    EmbeddingInversion,
    LinearMap,
    LinearReconstruction,
    Naive,
    ParrotFull,
    ParrotGallery,
    ParrotHead,
    RebuiltHead,
    Releases,
    Reverse,
    UNetReconstruction,
)
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.novice import Novice
from deepanon.audit.learning.rebuilder import Frame
from deepanon.audit.people.samples import SIZE
from deepanon.embedders import Recogniser
from deepanon.errors import lookup


@dataclass(frozen=True)
class Means:
    """What attackers have beside photos of their own.

    Attributes:
        seed: of all their randomness.
        backbones: recognisers that they train further; none of those who score.
        restorers: weights of blind restorers.
        device: where they train.
    """

    seed: int = 0
    backbones: Mapping[str, Recogniser] = field(default_factory=dict)
    restorers: Sequence[Path] = ()
    device: str = "cpu"


@dataclass(frozen=True)
class Profile:
    """How hard an audit tries.

    Attributes:
        name: a key of `PROFILES`.
        ladder: every attack on every method, the naive one first.
        quick: attacks on the controls: those that cost seconds, the naive one first.
        releases: versions with fresh randomness that are made of every photo, for methods that have some.
        size: side of the samples in pixels.
        trained: descriptions of recognisers that attackers train or have in a loss: none of these may score.
    """

    name: str
    ladder: Sequence[Attack]
    quick: Sequence[Attack]
    releases: int = 1
    size: int = SIZE
    trained: tuple[str, ...] = ()


def build_profile(name: str, means: Means | None = None) -> Profile:
    """Build a profile by name; `OptionError` lists the valid names."""
    return lookup(PROFILES, name, "profile")(means or Means())


def _quick(side: int) -> list[Attack]:
    """Attacks that cost seconds, with faces rebuilt at `side` px."""
    linear = LinearMap(side)
    learnt: list[Attack] = [ParrotHead(), EmbeddingInversion(), LinearReconstruction(linear), RebuiltHead(linear)]
    return [Naive(), Reverse(), ParrotGallery(), *learnt]


def smoke(means: Means) -> Profile:
    """For tests: seconds a method, on small samples."""
    quick = _quick(32)
    return Profile("smoke", quick, quick, size=96)


def cpu(means: Means) -> Profile:
    """Minutes a method on two cores."""
    quick, seed, device = _quick(64), means.seed, means.device
    novice = Novice(Budget(epochs=10, device=device), seed=seed)
    own, further = Budget(epochs=6, rate=1e-3, device=device), Budget(8, 48, 1e-3, looks=1, device=device, half=False)
    deep: list[Attack] = [
        ParrotFull(novice, own, means.backbones, further, pulls=(4.0,), seed=seed),
        UNetReconstruction(novice, Budget(epochs=7, device=device), Frame(48, 8), seed=seed),
        *(Releases(inner, 4) for inner in (LinearReconstruction(), RebuiltHead())),
    ]
    return Profile(
        "cpu", [*quick, Analytic(device=device, seed=seed), *deep, *_blind(means)], quick, 4, trained=_trained(means)
    )


def gpu(means: Means) -> Profile:
    """As `cpu`, with larger networks that train longer; for thousands of people."""
    quick, seed, device = _quick(64), means.seed, means.device
    novice = Novice(Budget(epochs=40, batch=256, device=device), side=112, width=32, features=256, seed=seed)
    deep: list[Attack] = [
        ParrotFull(
            novice, Budget(epochs=30, batch=256, device=device), means.backbones,
            Budget(epochs=12, batch=128, device=device), pulls=(0.5, 2.0, 8.0), seed=seed,
        ),
        UNetReconstruction(
            novice, Budget(epochs=40, device=device), width=48, depth=4, dense=1024, backbone=_first(means), seed=seed
        ),
        *(Releases(inner, 8) for inner in (LinearReconstruction(), RebuiltHead())),
    ]  # fmt: skip
    return Profile(
        "gpu", [*quick, Analytic(device=device, seed=seed), *deep, *_blind(means)], quick, 8, trained=_trained(means)
    )


def _trained(means: Means) -> tuple[str, ...]:
    return tuple(one.description for one in means.backbones.values())


def _first(means: Means) -> Recogniser | None:
    return next(iter(means.backbones.values()), None)


def _blind(means: Means) -> list[Attack]:
    """One for each file; without any, one that says that it was not run."""
    files: list[Path | None] = [*means.restorers] or [None]
    return [Blind(weights=path, device=means.device, seed=means.seed) for path in files]


PROFILES: dict[str, Callable[[Means], Profile]] = {"smoke": smoke, "cpu": cpu, "gpu": gpu}
