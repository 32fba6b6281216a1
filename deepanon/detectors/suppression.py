"""Of boxes that overlap, the best one: torchvision's non-maximum suppression, without torchvision for a few boxes."""

from __future__ import annotations

import numpy as np
import torch

from deepanon.geometry import Array

FEW = 300  # boxes that are compared here: loading torchvision takes a second, as long as a short film


def suppressed(boxes: Array, scores: Array, above: float) -> Array:
    """Rows of the boxes that are kept, best score first: a box goes if its IoU with a better one that stays is higher.

    Args:
        boxes: (N, 4) float32.
        scores: (N,) float32; of equal ones the first is the better.
        above: IoU in [0, 1].

    Returns:
        (K,) int64, what `torchvision.ops.nms` returns for the same values, to the bit.
    """
    boxes, scores = np.ascontiguousarray(boxes, dtype=np.float32), np.ascontiguousarray(scores, dtype=np.float32)
    if len(boxes) > FEW:
        from torchvision.ops import nms

        return np.asarray(nms(torch.from_numpy(boxes), torch.from_numpy(scores), above).numpy())
    order = np.argsort(-scores, kind="stable")
    low, high = boxes[order, :2], boxes[order, 2:]
    area = (high - low).prod(axis=1)
    shared = np.maximum(np.minimum(high[:, None], high) - np.maximum(low[:, None], low), 0).prod(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):  # two boxes without area are not alike
        alike = (shared / (area[:, None] + area - shared)).astype(np.float64) > above
    stays = np.ones(len(order), dtype=bool)
    for i in range(len(order)):
        if stays[i]:
            stays[i + 1 :] &= ~alike[i, i + 1 :]
    return order[stays]
