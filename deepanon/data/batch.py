"""What is asked of a set of crops, and what it answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class BatchRequest:
    """Which crops, and how large: what a batch sampler yields and `CropSet.__getitems__` is handed.

    Attributes:
        rows: row numbers in the set.
        resolution: side in pixels at which they are wanted.
    """

    rows: Sequence[int]
    resolution: int

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class FaceBatch:
    """Crops with faces in them, as stored.

    Attributes:
        images: (N, 3, S, S) uint8 RGB; channels may be last in memory.
        boxes: (N, 4) float32 face box x0 y0 x1 y1 as fractions of the crop.
        keypoints: (N, K, 2) float32 fractions of the crop.
    """

    images: Tensor
    boxes: Tensor
    keypoints: Tensor

    def to(self, device: torch.device | str) -> FaceBatch:
        """Move every tensor; to a GPU without waiting for it, which is sound because the GPU keeps the order."""
        wait = torch.device(device).type != "cuda"
        return FaceBatch(*(t.to(device, non_blocking=not wait) for t in (self.images, self.boxes, self.keypoints)))

    def pin_memory(self) -> FaceBatch:
        """Page-lock every tensor (called by `DataLoader`)."""
        return FaceBatch(self.images.pin_memory(), self.boxes.pin_memory(), self.keypoints.pin_memory())


def as_is(batch: Any) -> Any:
    """`collate_fn` for sets that already return whole batches."""
    return batch
