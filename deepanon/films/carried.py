"""What was drawn in the box of a face, and how much of it goes along with the head to the next frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.crops import Crops
from deepanon.films.motion import PLACE, Sight, moved, staying
from deepanon.geometry import Array

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
        old = _taken(last.soft, back, self.patch.shape, cv2.INTER_LANCZOS4, cv2.BORDER_REPLICATE).clip(-1, 1)
        ones = np.ones((*last.patch.shape[:2], 1), dtype=np.float32)
        known = _taken(ones, back, (*self.patch.shape[:2], 1), cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        return Drawing(self.patch + share * known * (old - self.patch), self.corner, self.sight)

    @cached_property
    def soft(self) -> Array:
        """The patch as it is carried."""
        return np.asarray(cv2.GaussianBlur(self.patch, (0, 0), SOFT, borderType=cv2.BORDER_REPLICATE))


def _taken(values: Array, matrix: Array, shape: tuple[int, ...], sampling: int, border: int) -> Array:
    """(h, w, C) -> `shape`: each pixel is what lies where `matrix` takes it; beyond the edge as `border` says."""
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
