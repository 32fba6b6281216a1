"""Packed face crops: tar shards of JPEG files beside one `train.npz` / `val.npz` of boxes and keypoints."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from deepanon.detections import FIVE, KeypointSchema
from deepanon.errors import DataError
from deepanon.geometry import Array


@dataclass(frozen=True)
class FaceBatch:
    """Crops with faces in them, as stored.

    Attributes:
        images: (N, 3, S, S) uint8 RGB.
        boxes: (N, 4) float32 face box x0 y0 x1 y1 as fractions of the crop.
        keypoints: (N, K, 2) float32 fractions of the crop.
    """

    images: Tensor
    boxes: Tensor
    keypoints: Tensor

    def to(self, device: torch.device | str) -> FaceBatch:
        """Move every tensor."""
        return FaceBatch(self.images.to(device), self.boxes.to(device), self.keypoints.to(device))

    def pin_memory(self) -> FaceBatch:
        """Page-lock every tensor (called by `DataLoader`)."""
        return FaceBatch(self.images.pin_memory(), self.boxes.pin_memory(), self.keypoints.pin_memory())


class PackedCrops(Dataset[FaceBatch]):
    """A split of packed crops, decoded once into memory at `resolution` (uint8: 12 KB a crop at 64 px).

    Layout of `root`: `<split>.npz` with arrays `key` (N,) names, `shard` (N,) numbers, `box` (N, 4) and `keypoints`
    (N, K, 2) as fractions of the crop; `<split>-NNN.tar` with members `<key>.jpg`, square.

    Args:
        root: folder of the shards.
        split: "train" or "val".
        resolution: side in pixels that crops are reduced to, by area.
        sources: keep only crops whose array `source` is one of these; None keeps all.
        limit: keep only the first so many.
        schema: what the keypoints mean.

    Raises:
        DataError: a file, array or member is missing, or the counts disagree.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        resolution: int = 64,
        sources: Sequence[str] | None = None,
        limit: int | None = None,
        schema: KeypointSchema = FIVE,
    ) -> None:
        self.root, self.split, self.resolution, self.schema = Path(root), split, resolution, schema
        arrays = _read_arrays(self.root / f"{split}.npz", schema)
        rows = np.arange(len(arrays["key"]))
        if sources is not None:
            rows = rows[np.isin(arrays["source"], list(sources))]
        rows = rows[:limit]
        if not len(rows):
            raise DataError(f"{self.root}: no crops of split {split!r} left (sources {sources}, limit {limit})")
        self.boxes = torch.from_numpy(arrays["box"][rows].astype(np.float32))
        self.keypoints = torch.from_numpy(arrays["keypoints"][rows].astype(np.float32))
        self.images = self._decode(arrays["key"][rows], arrays["shard"][rows])

    def _decode(self, keys: Array, shards: Array) -> Tensor:
        images = torch.empty(len(keys), 3, self.resolution, self.resolution, dtype=torch.uint8)
        row_of = {str(key): row for row, key in enumerate(keys)}
        found = 0
        for number in np.unique(shards):
            for key, image in _members(self.root / f"{self.split}-{number:03d}.tar", self.resolution):
                if key in row_of:
                    images[row_of[key]] = image
                    found += 1
        if found != len(keys):
            raise DataError(f"{self.root}: {len(keys) - found} of {len(keys)} crops of {self.split!r} are not in the shards")
        return images

    def __len__(self) -> int:
        return len(self.images)

    def __getitems__(self, rows: list[int]) -> FaceBatch:
        """A batch in one piece; use with `collate_fn=as_is`."""
        index = torch.as_tensor(rows)
        return FaceBatch(self.images[index], self.boxes[index], self.keypoints[index])

    def __getitem__(self, row: int) -> FaceBatch:
        """One crop as a batch of one."""
        return self.__getitems__([row])


def as_is(batch: FaceBatch) -> FaceBatch:
    """`collate_fn` for datasets that already return whole batches."""
    return batch


def _read_arrays(path: Path, schema: KeypointSchema) -> dict[str, Array]:
    if not path.is_file():
        raise DataError(f"{path} does not exist; data.root must be a folder of packed crops (see data/README.md)")
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    missing = {"key", "shard", "box", "keypoints"} - arrays.keys()
    if missing:
        raise DataError(f"{path}: arrays missing: {', '.join(sorted(missing))}")
    n = len(arrays["key"])
    shapes = {"shard": (n,), "box": (n, 4), "keypoints": (n, len(schema), 2)}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise DataError(f"{path}: {name} has shape {arrays[name].shape}, expected {shape} for schema {schema.name!r}")
    if not np.isfinite(arrays["box"]).all():
        raise DataError(f"{path}: box holds values that are not finite")
    return arrays


def _members(path: Path, resolution: int) -> Iterator[tuple[str, Tensor]]:
    """Yield (key, (3, R, R) uint8) of every picture in a shard."""
    if not path.is_file():
        raise DataError(f"{path} does not exist")
    with tarfile.open(path) as shard:
        for member in shard:
            stream = shard.extractfile(member)
            if stream is not None:
                yield Path(member.name).stem, _decode_jpeg(stream.read(), resolution, f"{path}:{member.name}")


def _decode_jpeg(blob: bytes, resolution: int, name: str) -> Tensor:
    try:
        with Image.open(io.BytesIO(blob)) as opened:
            image = opened.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise DataError(f"{name}: not a readable picture ({error})") from None
    if image.size != (resolution, resolution):
        image = image.resize((resolution, resolution), Image.Resampling.BOX)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)
