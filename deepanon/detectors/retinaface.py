"""RetinaFace (Deng et al. 2020) as the package of DeepPrivacy's author runs it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from deepanon.detections import Detections
from deepanon.detectors.packaged import build, call, detections
from deepanon.errors import OptionError
from deepanon.geometry import Array
from deepanon.images import check_pixels

STRIDES = (8, 16, 32)
ANCHORS = ((16, 32), (64, 128), (256, 512))  # px, two square anchors a cell of each stride; those of its weights


class RetinaFace:
    """Finds faces with boxes, scores and five keypoints.

    The weights come from the package's own download, into torch's hub folder, at construction. The package subtracts
    the mean colour in the other channel order than the networks were trained with; so do we, because its numbers were
    made like that.

    Args:
        network: "resnet50" or "mobilenet".
        threshold: lowest score to report; for average precision use a low one, say 0.02.
        nms: of two boxes with an IoU above this the lower one is dropped.
        max_resolution: larger pictures are reduced to this longest side (by the package, to the nearest pixel).
        anchors: two sides in pixels for each of the strides 8, 16 and 32; other than the default only for weights that
            were trained with others.
        device: where the network runs.

    Raises:
        OptionError: the package is not installed, or a value makes no sense.
        ModelError: the weights cannot be fetched or do not fit; the message says where they may be put by hand.
    """

    name = "retinaface"

    def __init__(
        self,
        network: str = "resnet50",
        threshold: float = 0.5,
        nms: float = 0.3,
        max_resolution: int | None = None,
        anchors: Sequence[Sequence[int]] = ANCHORS,
        device: torch.device | str = "cpu",
    ) -> None:
        if network == "dsfd":
            raise OptionError("network 'dsfd' is a detector of its own: 'dsfd'")
        sides = np.asarray(anchors, dtype=np.float32)
        if sides.shape != (3, 2) or not (sides > 0).all():
            raise OptionError(f"anchors must be two sides for each of three strides, got {anchors!r}")
        self.network, about = build(network, threshold, nms, max_resolution, device)
        self.network.prior_box_cache = AnchorGrids(sides)
        self.description = about if np.array_equal(sides, ANCHORS) else f"{about}, anchors {sides.astype(int).tolist()}"

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Find faces in an (H, W, 3) uint8 RGB picture, best score first."""
        check_pixels(image)
        rows, points = call(self.network.batched_detect_with_landmarks, image)
        return detections(rows[0], points[0], image)


class AnchorGrids:
    """Stands where the package keeps its anchors, and makes them as they are asked for.

    The package counts them in 16-bit integers, which overflow under numpy 2 (0.2.2 then fails on every picture of
    more than some 500 px), and keeps a grid for every size that it ever saw.

    Args:
        sides: (3, 2) anchor sides in pixels.
    """

    def __init__(self, sides: Array) -> None:
        self.sides = sides

    def __contains__(self, size: object) -> bool:
        return True

    def __getitem__(self, size: Sequence[int]) -> Tensor:
        """(A, 4) float32 centre x, centre y, width, height as fractions of a picture of `size` (height, width)."""
        height, width = size
        return torch.from_numpy(np.concatenate([self._grid(i, height, width) for i in range(len(STRIDES))]))

    def _grid(self, level: int, height: int, width: int) -> Array:
        """All anchors of one stride: row by row, both sizes in each cell."""
        stride, sides = STRIDES[level], self.sides[level]
        rows, columns = -(-height // stride), -(-width // stride)
        y, x, side = np.meshgrid(
            (np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, sides, indexing="ij"
        )
        cells = np.stack([x / width, y / height, side / width, side / height], axis=-1)
        return np.asarray(cells.reshape(-1, 4), dtype=np.float32)
