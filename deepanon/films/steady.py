"""Faces that do not flicker: a drawing goes along with the head and is mixed into those of the frames after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.anonymizers import Anonymizer, ByLabel, Chain
from deepanon.anonymizers.grammar import OPTION
from deepanon.crops import Crops
from deepanon.errors import OptionError
from deepanon.films.motion import PLACE, Sight, moved, staying
from deepanon.geometry import Array

CARRIED = "gan"  # the method whose drawings are carried: all others draw every frame alike, or see the face
KEPT = 0.9  # share of the drawing that is carried as long as it holds: any less of it is two faces at once
SOFT = 0.7  # px of a crop, deviation of the blur of what is carried: finer detail shimmers as it moves over the pixels
RENEWED = 0.5  # how much must still hold (`motion.staying`); below, what is drawn now is carried from here on


@dataclass(frozen=True, eq=False)
class Drawing:
    """What was drawn in the box of one face.

    Attributes:
        patch: (h, w, 3) float32 in [-1, 1], the pixels of the box and no others.
        corner: (2,) int64 x y where the patch lies in the crop.
        sight: of that one face; where faces are, its context is blank.
    """

    patch: Array
    corner: Array
    sight: Sight

    @classmethod
    def of(cls, pixels: Tensor, crop: Crops) -> Drawing:
        """Take the box out of a drawn crop, (3, S, S)."""
        x0, y0, x1, y1 = geometry.clip(geometry.outward(crop.boxes.numpy()), crop.size, crop.size)[0]
        patch = pixels[:, y0:y1, x0:x1].permute(1, 2, 0).float().clamp(-1, 1)
        return cls(np.ascontiguousarray(patch.numpy()), np.array([x0, y0]), Sight.of(crop))

    def into(self, pixels: Tensor) -> Tensor:
        """(3, S, S) -> a copy with the patch in its place."""
        (x, y), (height, width) = self.corner, self.patch.shape[:2]
        result = pixels.clone()
        result[:, y : y + height, x : x + width] = torch.from_numpy(self.patch).permute(2, 0, 1)
        return result

    def mixed(self, last: Drawing, share: float) -> Drawing:
        """This drawing with a share in [0, 1] of an earlier one, turned, scaled and shifted as the face was."""
        if share <= 0:
            return self
        motion = moved(last.sight, self.sight)
        here, there = self.sight.placed(self.corner), last.sight.placed(last.corner)
        back = np.linalg.inv(there) @ np.linalg.inv(motion) @ here
        soft = cv2.GaussianBlur(last.patch, (0, 0), SOFT, borderType=cv2.BORDER_REPLICATE)
        old = _taken(soft, back, self.patch.shape, cv2.INTER_LANCZOS4, cv2.BORDER_REPLICATE).clip(-1, 1)
        known = _taken(np.ones_like(last.patch), back, self.patch.shape, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        return Drawing(self.patch + share * known * (old - self.patch), self.corner, self.sight)


def _taken(values: Array, matrix: Array, shape: tuple[int, ...], sampling: int, border: int) -> Array:
    """(h, w, 3) -> `shape`: each pixel is what lies where `matrix` takes it; beyond the edge as `border` says."""
    size = (shape[1], shape[0])
    flags = sampling | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(values, matrix[:2], size, flags=flags, borderMode=border)).reshape(shape)


@dataclass(frozen=True, eq=False)
class Carried:
    """What goes along with one track.

    Attributes:
        anchor: the drawing that is carried. It is resampled once for each frame, not again and again, and stays sharp.
        sight: of the face in the last frame.
    """

    anchor: Drawing
    sight: Sight

    def into(self, drawing: Drawing) -> tuple[Drawing, Carried]:
        """The next drawing of the track with what still holds of the anchor, and what is carried from here on.

        The anchor holds or is let go, with one frame between: a lasting mixture of two drawings would be blurred, and
        change with every frame. The new anchor has nothing of the old one.
        """
        still = min(staying(self.sight, drawing.sight), staying(self.anchor.sight, drawing.sight, but=PLACE))
        if still >= RENEWED:
            return drawing.mixed(self.anchor, KEPT), Carried(self.anchor, drawing.sight)
        return drawing.mixed(self.anchor, KEPT * still), Carried(drawing, drawing.sight)


class Trail:
    """What goes along with each track, by its seed.

    What the last frame did not draw is forgotten, so that nothing is carried across a gap or a cut, and memory does not
    grow.

    Args:
        carried: what decides how long a drawing goes along.
    """

    def __init__(self, carried: type[Carried] = Carried) -> None:
        self._carried, self._frame = carried, -1
        self._last: dict[int, Carried | None] = {}
        self._now: dict[int, Carried | None] = {}

    def turn(self, frame: int) -> None:
        """What is drawn from now on belongs to the frame of that number."""
        self._last = self._now if frame == self._frame + 1 else {}
        self._now, self._frame = {}, frame

    def forget(self) -> None:
        """Begin anew with the next frame, whatever its number."""
        self._now = {}

    def follow(self, seed: int, drawing: Drawing) -> Drawing:
        """What becomes of the next drawing of a track.

        If a track has two faces in one frame, which a file that was edited can say, nothing is carried on from either.
        """
        last = self._last.get(seed)
        made, carried = (drawing, self._carried(drawing, drawing.sight)) if last is None else last.into(drawing)
        self._now[seed] = None if seed in self._now else carried
        return made


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
        rows = [self._carried(fresh[row], crops[row : row + 1], seed) for row, seed in enumerate(seeds)]
        return torch.stack(rows) if rows else fresh

    def _carried(self, pixels: Tensor, crop: Crops, seed: int) -> Tensor:
        if not torch.isfinite(pixels).all():
            return pixels  # refused by whoever asked
        return self.trail.follow(seed, Drawing.of(pixels, _alone(crop))).into(pixels)


def _alone(crop: Crops) -> Crops:
    """The same without the batch that it is a part of, which would be kept as long as it is."""
    names = ("context", "mask", "keypoints", "boxes", "regions")
    return replace(crop, **{name: getattr(crop, name).clone() for name in names})


def steadied(drawer: Anonymizer | ByLabel, trail: Trail) -> Anonymizer | ByLabel:
    """The drawer, or the rules, with drawings carried along `trail` where a generator draws that sees no face.

    In a chain that never sees the face it is the generator's own drawing that is carried, and every later stage works
    on the calm one. A chain that does see it stays as it is, also where a generator draws at its end.
    """
    if not isinstance(drawer, ByLabel):
        return _steadied(drawer, trail)
    made = {id(method): _steadied(method, trail) for method in drawer.methods.values()}  # what was one stays one
    return ByLabel({label: made[id(method)] for label, method in drawer.methods.items()})


def _steadied(method: Anonymizer, trail: Trail) -> Anonymizer:
    if method.sees_face:
        return method
    if isinstance(method, Chain):
        return Chain([_steadied(stage, trail) for stage in method.stages], method.name)
    drawn = method.name.partition(OPTION)[0] == CARRIED  # whatever its options
    return Steady(method, trail) if drawn else method
