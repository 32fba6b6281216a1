"""From picture to crops: `blank` hides every face, `cut` makes `Crops`; `pasting` brings new pixels back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.detections import Detections, KeypointSchema
from deepanon.errors import DetectionError
from deepanon.geometry import Array
from deepanon.images import to_float

GREY = 128  # what stands where a face was, before normalisation (DeepPrivacy, v1 code)


@dataclass(frozen=True, eq=False)
class Crops:
    """Square crops around faces, all of one size S: what every anonymizer is given, in use and in training.

    Attributes:
        context: (N, 3, S, S) float32 in [-1, 1].
        mask: (N, 1, S, S) float32, 1 where any face box lies (its own or a neighbour's), edges rounded outward.
        keypoints: (N, K, 2) float32 x y as fractions of the crop, NaN = unknown.
        boxes: (N, 4) float32 the face's own box in crop pixels; `cut` rounds it outward to whole picture pixels first,
            so that what `blank` hides, what the mask marks and what `paste` replaces are the same.
        regions: (N, 4) int64 where the crop lies in the picture, in pixels; square, may reach outside.
        schema: what the keypoints mean.
    """

    context: Tensor
    mask: Tensor
    keypoints: Tensor
    boxes: Tensor
    regions: Tensor
    schema: KeypointSchema

    def __len__(self) -> int:
        return self.context.shape[0]

    def __getitem__(self, index: slice) -> Crops:
        """A slice of the faces."""
        names = ("context", "mask", "keypoints", "boxes", "regions")
        return replace(self, **{name: getattr(self, name)[index] for name in names})

    @property
    def size(self) -> int:
        """Height and width S in pixels."""
        return self.context.shape[-1]

    @classmethod
    def from_faces(cls, images: Tensor, boxes: Tensor, keypoints: Tensor, schema: KeypointSchema) -> Crops:
        """Crops for training: the pictures are crops already, and their faces are hidden here.

        Args:
            images: (N, 3, S, S) float in [-1, 1].
            boxes: (N, 4) face box as fractions of the crop.
            keypoints: (N, K, 2) fractions of the crop, NaN = unknown.
            schema: what the keypoints mean.
        """
        n, size = images.shape[0], images.shape[-1]
        mask = box_mask(boxes * size, size)
        regions = torch.tensor([0, 0, size, size]).expand(n, 4)
        return cls(hide(images, mask), mask, keypoints, boxes * size, regions, schema)


def box_mask(boxes: Tensor, size: int) -> Tensor:
    """(N, 4) boxes in crop pixels -> (N, 1, size, size) float, 1 in every pixel that the box touches."""
    low, high = boxes[:, :2].floor(), boxes[:, 2:].ceil()
    at = torch.arange(size, device=boxes.device, dtype=boxes.dtype)
    x = (at >= low[:, :1]) & (at < high[:, :1])  # N,size
    y = (at >= low[:, 1:]) & (at < high[:, 1:])
    return (y[:, None, :, None] & x[:, None, None, :]).to(boxes.dtype)


def hide(images: Tensor, mask: Tensor) -> Tensor:
    """Grey where `mask` is 1: (N, 3, S, S), (N, 1, S, S) -> (N, 3, S, S); what was there is gone."""
    return torch.where(mask > 0, torch.tensor(GREY / 127.5 - 1, dtype=images.dtype, device=images.device), images)


def blank(image: Array, boxes: Array) -> Array:
    """Return a copy of the picture in which every face box is grey.

    Args:
        image: H, W, 3 uint8.
        boxes: (N, 4) pixels; edges are rounded outward, parts outside the picture are ignored.
    """
    image = image.copy()
    _blank_into(image, geometry.outward(boxes))
    return image


def _blank_into(image: Array, boxes: Array) -> None:
    """Grey in whole-pixel boxes of the picture itself."""
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in geometry.clip(boxes, width, height).tolist():
        image[y0:y1, x0:x1] = GREY


def cut(
    image: Array,
    detections: Detections,
    size: int | None = None,
    faces: Sequence[int] | None = None,
    hidden: Array | None = None,
) -> Crops:
    """Cut the square crops of `faces`; the masks mark every face of the picture.

    What it costs depends on the crops, and not on the picture: with `hidden` no other pixel is looked at, and the
    result is that of `blank` first, bit for bit.

    Args:
        image: H, W, 3 uint8, left untouched; already blanked when the anonymizer must not see faces, or else …
        detections: every face of the picture.
        size: side S of the crops in pixels; None keeps native pixels, which needs exactly one face.
        faces: indices of the faces to cut; None cuts all.
        hidden: … (N, 4) boxes in pixels that are grey in each crop, at full resolution, before it is resized.

    Raises:
        DetectionError: a box lies wholly outside the picture (its face would be missed), or native crops of several
            faces are asked for.
    """
    height, width = image.shape[:2]
    _refuse_outside(detections.boxes, width, height)
    rows = list(range(len(detections)) if faces is None else faces)
    if size is None and len(rows) != 1:
        raise DetectionError(f"native crops differ in size: cut one face at a time, not {len(rows)}")
    boxes = geometry.outward(geometry.clip(detections.boxes, width, height))  # as `blank` does
    regions = regions_of(boxes[rows], width, height)
    sides = regions[:, 2] - regions[:, 0]
    size = int(sides[0]) if size is None else size
    grey = None if hidden is None else geometry.outward(hidden)
    windows = np.empty((len(rows), size, size, 3), dtype=np.uint8)
    for at, region in zip(windows, regions, strict=True):
        at[:] = resize(_window(image, region, grey), size)
    in_crop = (boxes[None] - np.tile(regions[:, None, :2], 2)) * (size / sides)[:, None, None]  # faces,all,4
    keypoints = (detections.points[rows] - regions[:, None, :2]) / sides[:, None, None]
    masks = [_union_mask(every, size) for every in in_crop]
    return Crops(
        context=to_float(windows),
        mask=torch.stack(masks) if masks else torch.zeros(0, 1, size, size),
        keypoints=torch.as_tensor(keypoints, dtype=torch.float32),
        boxes=torch.as_tensor(in_crop[np.arange(len(rows)), rows], dtype=torch.float32).reshape(-1, 4),
        regions=torch.as_tensor(regions),
        schema=detections.schema,
    )


def regions_of(boxes: Array, width: int, height: int) -> Array:
    """Where `cut` cuts, and the most that `pasting` looks at: boxes (N, 4) in pixels -> (N, 4) int64, see `Crops`."""
    boxes = geometry.outward(geometry.clip(boxes, width, height))
    return np.array([geometry.crop_region(box, width, height) for box in boxes], dtype=np.int64).reshape(-1, 4)


def _union_mask(boxes: Array, size: int) -> Tensor:
    """What `box_mask` gives for each box, the highest of all: (1, size, size)."""
    mask = np.zeros((1, size, size), dtype=np.float32)
    near = boxes[geometry.inside(boxes, size, size)].astype(np.float32)
    for x0, y0, x1, y1 in np.maximum(geometry.outward(near), 0).tolist():
        mask[:, y0:y1, x0:x1] = 1
    return torch.from_numpy(mask)


def _refuse_outside(boxes: Array, width: int, height: int) -> None:
    lost = np.flatnonzero(~geometry.inside(boxes, width, height))
    if lost.size:
        raise DetectionError(f"box {lost[0]} {boxes[lost[0]].tolist()} lies outside the {width}x{height} picture")


def _window(image: Array, region: Array, grey: Array | None = None) -> Array:
    """The pixels of `region`, zero where it leaves the picture, grey in the boxes `grey` of the picture."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = geometry.clip(region, width, height).tolist()
    window = image[y0:y1, x0:x1]
    if grey is not None:
        window = window.copy()
        _blank_into(window, grey - np.array([x0, y0, x0, y0]))
    pad = [(y0 - region[1], region[3] - y1), (x0 - region[0], region[2] - x1), (0, 0)]
    return np.pad(window, pad) if any(a or b for a, b in pad) else window


def resize(window: Array, size: int) -> Array:
    """(S, S, 3) uint8 -> (size, size, 3): by area where it reduces, bicubic where it enlarges."""
    side = window.shape[0]
    if side == size:
        return window
    return np.asarray(
        cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA if size < side else cv2.INTER_CUBIC)
    )
