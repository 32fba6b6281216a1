"""Faces that do not flicker: a drawing goes along with the head and is mixed into those of the frames after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from deepanon.anonymizers import Anonymizer, ByLabel, Chain
from deepanon.anonymizers.grammar import OPTION
from deepanon.crops import Crops
from deepanon.errors import OptionError
from deepanon.films.carried import Drawing
from deepanon.films.trail import Trail

CARRIED = "gan"  # the method whose drawings are carried: all others draw every frame alike, or see the face


class Steady:
    """An anonymizer that mixes what another one draws with what that one drew for the same track before.

    Only pixels that were drawn in the face's own box are carried, never one of the film; and the less of them, the more
    has changed since (`motion.staying`). One face of a batch does not know of the others.

    Args:
        inner: draws; it must not see faces.
        trail: what was drawn; whoever goes through the film tells it where frames begin.

    Raises:
        OptionError: `inner` sees faces.
    """

    sees_face = False
    cosmetic = False

    def __init__(self, inner: Anonymizer, trail: Trail) -> None:
        if inner.sees_face:
            raise OptionError(f"{inner.name!r} sees the face; what it makes is not carried to other frames")
        self.inner, self.trail = inner, trail
        self.name, self.size, self.random = inner.name, inner.size, inner.random
        self.description = inner.description

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Return (N, 3, S, S) float pixels in [-1, 1]; the seeds also say which track each face belongs to."""
        fresh = self.inner(crops, seeds)
        if not torch.isfinite(fresh).all():
            return fresh  # refused by whoever asked
        rows = [self._carried(fresh[row], crops[row : row + 1], seed) for row, seed in enumerate(seeds)]
        return torch.stack(rows) if rows else fresh

    def _carried(self, pixels: Tensor, crop: Crops, seed: int) -> Tensor:
        return self.trail.follow(seed, Drawing.of(pixels, _alone(crop))).into(pixels)


def _alone(crop: Crops) -> Crops:
    """The same without the batch that it is a part of, which would be kept as long as it is."""
    names = ("context", "mask", "keypoints", "boxes", "regions")
    return replace(crop, **{name: getattr(crop, name).clone() for name in names})


def steadied(drawer: Anonymizer | ByLabel, trail: Trail) -> Anonymizer | ByLabel:
    """The drawer, or the rules, with drawings carried along `trail` where a generator draws that sees no face.

    In a chain that never sees the face it is the generator's own drawing that is carried, and every later stage works
    on the calm one. A chain that does see it stays as it is, also where a generator draws at its end. Where nothing is
    carried, it is the drawer itself that is returned.
    """
    if not isinstance(drawer, ByLabel):
        return _steadied(drawer, trail)
    made = {id(method): _steadied(method, trail) for method in drawer.methods.values()}  # what was one stays one
    methods = {label: made[id(method)] for label, method in drawer.methods.items()}
    return drawer if methods == drawer.methods else ByLabel(methods)


def _steadied(method: Anonymizer, trail: Trail) -> Anonymizer:
    if method.sees_face:
        return method
    if isinstance(method, Chain):
        stages = [_steadied(stage, trail) for stage in method.stages]
        return method if stages == method.stages else Chain(stages, method.name)
    drawn = method.name.partition(OPTION)[0] == CARRIED  # whatever its options
    return Steady(method, trail) if drawn else method
