"""From picture to crops and back: `blank` hides every face, `cut` makes `Crops`, `paste` returns a new picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.detections import Detections, KeypointSchema
from deepanon.errors import DetectionError, ModelError, OptionError
from deepanon.geometry import Array
from deepanon.images import to_float, to_uint8

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
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in geometry.clip(geometry.outward(boxes), width, height):
        image[y0:y1, x0:x1] = GREY
    return image


def cut(image: Array, detections: Detections, size: int | None = None, faces: Sequence[int] | None = None) -> Crops:
    """Cut the square crops of `faces`; the masks mark every face of the picture.

    Args:
        image: H, W, 3 uint8; already blanked when the anonymizer must not see faces.
        detections: every face of the picture.
        size: side S of the crops in pixels; None keeps native pixels, which needs exactly one face.
        faces: indices of the faces to cut; None cuts all.

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
    regions = np.array([geometry.crop_region(boxes[i], width, height) for i in rows], dtype=np.int64).reshape(-1, 4)
    sides = regions[:, 2] - regions[:, 0]
    size = int(sides[0]) if size is None else size
    windows = np.array([resize(_window(image, region), size) for region in regions], dtype=np.uint8)
    in_crop = (boxes[None] - np.tile(regions[:, None, :2], 2)) * (size / sides)[:, None, None]  # faces,all,4
    keypoints = (detections.points[rows] - regions[:, None, :2]) / sides[:, None, None]
    masks = [_union_mask(every, size) for every in in_crop]
    return Crops(
        context=to_float(windows.reshape(-1, size, size, 3)),
        mask=torch.stack(masks) if masks else torch.zeros(0, 1, size, size),
        keypoints=torch.as_tensor(keypoints, dtype=torch.float32),
        boxes=torch.as_tensor(in_crop[np.arange(len(rows)), rows], dtype=torch.float32).reshape(-1, 4),
        regions=torch.as_tensor(regions),
        schema=detections.schema,
    )


def _union_mask(boxes: Array, size: int) -> Tensor:
    near = boxes[geometry.inside(boxes, size, size)]
    return box_mask(torch.as_tensor(near, dtype=torch.float32), size).amax(0)


def _refuse_outside(boxes: Array, width: int, height: int) -> None:
    lost = np.flatnonzero(~geometry.inside(boxes, width, height))
    if lost.size:
        raise DetectionError(f"box {lost[0]} {boxes[lost[0]].tolist()} lies outside the {width}x{height} picture")


def paste(image: Array, crops: Crops, pixels: Tensor, boxes: Array, feather: float = 1.5) -> Array:
    """Return a copy of the picture with each face box replaced; the arguments are those of `paste_into`."""
    image = image.copy()
    paste_into(image, crops, pixels, boxes, feather)
    return image


def paste_into(image: Array, crops: Crops, pixels: Tensor, boxes: Array, feather: float = 1.5) -> None:
    """Replace each face box of the picture by the new pixels of its crop; the picture itself is changed.

    Every pixel that a box touches is replaced wholly; around the box the new pixels fade out over `feather` crop
    pixels, except under other boxes. Faces are pasted in order: where boxes overlap, the later one is on top.

    Args:
        image: H, W, 3 uint8.
        crops: where each face belongs.
        pixels: (N, 3, S, S) float in [-1, 1], the anonymizer's output.
        boxes: (M, 4) every face box of the picture in pixels, whether in `crops` or not.
        feather: width of the fading ring in crop pixels.

    Raises:
        ModelError: `pixels` does not hold one drawing a crop (some face would stay as it is).
        OptionError: `feather` is negative.
    """
    if pixels.shape != crops.context.shape:
        raise ModelError(f"drawn pixels have shape {tuple(pixels.shape)}, the crops {tuple(crops.context.shape)}")
    if not feather >= 0:
        raise OptionError(f"feather must be 0 or more, got {feather}")
    height, width = image.shape[:2]
    everything = geometry.clip(geometry.outward(boxes), width, height)
    regions, sides = crops.regions.numpy(), (crops.regions[:, 2] - crops.regions[:, 0]).numpy()
    for i, new in enumerate(to_uint8(pixels)):
        scale = sides[i] / crops.size
        own = crops.boxes[i].numpy().astype(np.float64) * scale + np.tile(regions[i, :2], 2)
        box = geometry.clip(geometry.outward(_settle(own)), width, height)
        ring = int(np.ceil(feather * scale))
        x0, y0, x1, y1 = geometry.clip(np.array(regions[i]), width, height)
        x0, y0 = max(x0, box[0] - ring), max(y0, box[1] - ring)
        x1, y1 = min(x1, box[2] + ring), min(y1, box[3] + ring)
        left, top = x0 - regions[i, 0], y0 - regions[i, 1]
        patch = resize(new, int(sides[i]))[top : top + y1 - y0, left : left + x1 - x0]
        weight = _weight((x0, y0, x1, y1), box, everything, ring)[..., None]
        old = image[y0:y1, x0:x1]
        image[y0:y1, x0:x1] = np.rint(patch * weight + old * (1 - weight)).astype(np.uint8)


def _settle(box: Array) -> Array:
    """Undo the float32 noise of going to crop pixels and back, so that a whole-pixel edge stays one."""
    return np.where(np.abs(box - np.rint(box)) < 1e-2, np.rint(box), box)


def _weight(window: tuple[int, int, int, int], box: Array, others: Array, ring: int) -> Array:
    """H, W float32: 1 in `box`, falling linearly to 0 over `ring` pixels around it, 0 under other boxes."""
    x0, y0, x1, y1 = window
    x, y = np.arange(x0, x1), np.arange(y0, y1)
    away_x = np.maximum(np.maximum(box[0] - x, x - (box[2] - 1)), 0)
    away_y = np.maximum(np.maximum(box[1] - y, y - (box[3] - 1)), 0)
    away = np.maximum(away_x[None, :], away_y[:, None])
    weight = np.clip(1 - away / (ring + 1), 0, 1).astype(np.float32)
    outside = away > 0
    others = others - np.array([x0, y0, x0, y0])
    for u0, v0, u1, v1 in others[geometry.inside(others, len(x), len(y))]:
        part = np.s_[max(v0, 0) : max(v1, 0), max(u0, 0) : max(u1, 0)]
        weight[part] = np.where(outside[part], 0, weight[part])
    return weight


def _window(image: Array, region: Array) -> Array:
    """The pixels of `region`, zero where it leaves the picture."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = geometry.clip(region, width, height)
    window = image[y0:y1, x0:x1]
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
