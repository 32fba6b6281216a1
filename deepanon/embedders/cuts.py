"""How a face is cut out of its picture before a recogniser sees it: a part of the recogniser, as its weights are."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from deepanon import geometry
from deepanon.checks import check_count
from deepanon.detections import FIVE, Detections
from deepanon.embedders.warp import reduced, warped
from deepanon.errors import DetectionError, OptionError, SchemaError, lookup
from deepanon.geometry import Array

# side in pixels, and where left eye, right eye, nose, left and right mouth corner belong (left = left in the image)
TEMPLATES: dict[str, tuple[int, tuple[tuple[float, float], ...]]] = {
    "arcface": (  # InsightFace (Deng et al. 2019), and most recognisers since
        112,
        ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)),
    ),
    "reid0095": (  # Open Model Zoo, face-reidentification-retail-0095
        128,
        ((40.393, 59.081), (87.376, 59.081), (64.034, 81.985), (44.732, 105.561), (83.640, 105.561)),
    ),
}


class Cut(Protocol):
    """Cuts one face out.

    Attributes:
        size: side of what it cuts, in pixels.
        description: how, in a few words; part of a recogniser's description.
    """

    size: int

    @property
    def description(self) -> str:
        """See above."""
        ...

    def __call__(self, image: Array, face: Detections) -> Array | None:
        """(H, W, 3) uint8 and `Detections` of one face -> (size, size, 3) uint8; None if it cannot be cut.

        Raises:
            SchemaError: the face has keypoints of another schema than the cut needs.
        """
        ...


class Aligned:
    """Turns, scales and shifts the picture so that five keypoints come as near to a template as they can.

    Bilinear and without antialiasing, black outside the picture, as InsightFace and the Open Model Zoo do it. A face
    without keypoints cannot be cut.

    Args:
        template: one of `TEMPLATES`.
        size: side in pixels; None takes the template's own, another one scales the template.
    """

    def __init__(self, template: str = "arcface", size: int | None = None) -> None:
        own, points = lookup(TEMPLATES, template, "template")
        self.template = template
        self.size = check_count("size", own if size is None else size)
        self.points = np.array(points) * (self.size / own)

    @property
    def description(self) -> str:
        """How, in a few words."""
        return f"five keypoints on template {self.template} at {self.size} px"

    def __call__(self, image: Array, face: Detections) -> Array | None:
        """(H, W, 3) uint8 -> (size, size, 3) uint8; None without keypoints, or if all lie on one spot."""
        if face.schema != FIVE:
            raise SchemaError(
                f"a recogniser's template has the keypoints of schema '{FIVE.name}', but the faces were found with "
                f"schema '{face.schema.name}': let a detector of schema '{FIVE.name}' find them"
            )
        matrix = geometry.similarity(face.points[0], self.points)
        if not np.isfinite(matrix).all():
            return None
        return np.asarray(cv2.warpAffine(image, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR))

    def windows(self, images: Tensor, boxes: Tensor, keypoints: Tensor) -> Tensor:
        """The same with gradients: (N, 3, H, W), (N, 4), (N, 5, 2) in pixels -> (N, 3, size, size) like `images`.

        Raises:
            DetectionError: a face without keypoints, or with all of them on one spot.
        """
        matrices = np.stack([geometry.similarity(p, self.points) for p in keypoints.detach().cpu().numpy()])
        lost = np.flatnonzero(~np.isfinite(matrices).all(axis=(1, 2)))
        if lost.size:
            raise DetectionError(f"face {lost[0]} has no keypoints to align it by: find faces with a detector of five")
        return warped(images, torch.from_numpy(matrices), self.size)


class Margin:
    """Cuts the box with a margin and stretches it to a square, pixel for pixel as facenet-pytorch's MTCNN does.

    Args:
        margin: pixels of the result that lie outside the box, both sides together.
        size: side of the result in pixels.

    Raises:
        OptionError: the margin leaves nothing for the face.
    """

    def __init__(self, margin: int = 0, size: int = 160) -> None:
        self.margin, self.size = check_count("margin", margin, least=0), check_count("size", size)
        if margin >= size:
            raise OptionError(f"margin must be less than size, got {margin} of {size} px")

    @property
    def description(self) -> str:
        """How, in a few words."""
        return f"box with margin {self.margin} at {self.size} px"

    def __call__(self, image: Array, face: Detections) -> Array | None:
        """(H, W, 3) uint8 -> (size, size, 3) uint8; None if no whole pixel of the picture lies in the box."""
        x0, y0, x1, y1 = self._edges(face.boxes[0], image.shape[1], image.shape[0])
        if x1 <= x0 or y1 <= y0:
            return None
        return np.asarray(cv2.resize(image[y0:y1, x0:x1], (self.size, self.size), interpolation=cv2.INTER_AREA))

    def windows(self, images: Tensor, boxes: Tensor, keypoints: Tensor) -> Tensor:
        """The same with gradients: (N, 3, H, W), (N, 4) in pixels -> (N, 3, size, size); keypoints are not looked at.

        Raises:
            DetectionError: no whole pixel of the picture lies in a box.
        """
        height, width = images.shape[-2:]
        cut = []
        for row, box in enumerate(boxes.detach().cpu().numpy()):
            x0, y0, x1, y1 = self._edges(box, width, height)
            if x1 <= x0 or y1 <= y0:
                raise DetectionError(f"no whole pixel of its picture lies in the box of face {row}, {box.tolist()}")
            cut.append(reduced(images[row : row + 1, :, y0:y1, x0:x1], self.size))
        return torch.cat(cut) if cut else images.new_zeros(0, 3, self.size, self.size)

    def _edges(self, box: Array, width: int, height: int) -> Array:
        """(4,) whole pixels of the picture that are cut out."""
        grow = self.margin * (box[2:] - box[:2]) / (self.size - self.margin) / 2
        wide = np.concatenate([box[:2] - grow, box[2:] + grow])
        return geometry.clip(wide, width, height).astype(int)
