"""Packed face crops: tar shards of JPEG files beside one `train.npz` / `val.npz` of boxes and keypoints."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from deepanon import geometry
from deepanon.detections import FIVE, KeypointSchema
from deepanon.errors import DataError, OptionError
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
        _check_options(resolution, limit)
        self.root, self.split, self.resolution, self.schema = Path(root), split, resolution, schema
        arrays = _read_arrays(self.root / f"{split}.npz", schema)
        rows = np.arange(len(arrays["key"]))
        if sources is not None:
            rows = rows[_of_sources(arrays, [sources] if isinstance(sources, str) else list(sources), self.root)]
        rows = rows[:limit]
        if not len(rows):
            raise DataError(f"{self.root}: no crops of split {split!r} left (sources {sources}, limit {limit})")
        self.boxes = torch.from_numpy(arrays["box"][rows].astype(np.float32))
        self.keypoints = torch.from_numpy(arrays["keypoints"][rows].astype(np.float32))
        self.images = self._decode(arrays["key"][rows], arrays["shard"][rows])

    def _decode(self, keys: Array, shards: Array) -> Tensor:
        images = torch.empty(len(keys), 3, self.resolution, self.resolution, dtype=torch.uint8)
        missing = {str(key): row for row, key in enumerate(keys)}
        if len(missing) != len(keys):
            raise DataError(f"{self.root}: {len(keys) - len(missing)} keys of {self.split!r} are not unique")
        for number in np.unique(shards):
            for key, blob, name in _members(self.root / f"{self.split}-{number:03d}.tar"):
                if key in missing:
                    images[missing.pop(key)] = _decode_jpeg(blob, self.resolution, name)
        if missing:
            raise DataError(
                f"{self.root}: {len(missing)} of {len(keys)} crops of {self.split!r} are not in the shards; "
                f"the first is {min(missing)}.jpg"
            )
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


def as_is(batch: Any) -> Any:
    """`collate_fn` for datasets that already return whole batches."""
    return batch


def _check_options(resolution: int, limit: int | None) -> None:
    for name, value in (("resolution", resolution), ("limit", 1 if limit is None else limit)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise OptionError(f"{name} must be a positive whole number, got {value!r}")


def _read_arrays(path: Path, schema: KeypointSchema) -> dict[str, Array]:
    if not path.is_file():
        raise DataError(f"{path} does not exist; data.root must be a folder of packed crops (see data/README.md)")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a readable npz file ({error})") from None
    missing = {"key", "shard", "box", "keypoints"} - arrays.keys()
    if missing:
        raise DataError(f"{path}: arrays missing: {', '.join(sorted(missing))}")
    n = len(np.atleast_1d(arrays["key"]))
    shapes = {"key": (n,), "shard": (n,), "box": (n, 4), "keypoints": (n, len(schema), 2)}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise DataError(
                f"{path}: {name} has shape {arrays[name].shape}, expected {shape} for schema {schema.name!r}"
            )
    _check_values(arrays, path)
    return arrays


def _check_values(arrays: dict[str, Array], path: Path) -> None:
    for name, kinds, what in (("shard", "iu", "whole numbers"), ("box", "f", "floats"), ("keypoints", "f", "floats")):
        if arrays[name].dtype.kind not in kinds:
            raise DataError(f"{path}: {name} must hold {what}, not {arrays[name].dtype}")
    if not np.isfinite(arrays["box"]).all():
        raise DataError(f"{path}: box holds values that are not finite")
    wrong = np.flatnonzero(~geometry.inside(arrays["box"], 1, 1))
    if wrong.size:
        box = arrays["box"][wrong[0]].tolist()
        raise DataError(f"{path}: box {wrong[0]} {box} hides nothing; boxes are x0 y0 x1 y1 as fractions of the crop")


def _of_sources(arrays: dict[str, Array], sources: list[str], root: Path) -> Array:
    """Which rows come from `sources`; an unknown one is an error, not an empty choice."""
    known = np.unique(arrays["source"]).tolist() if "source" in arrays else []
    unknown = set(sources) - set(known)
    if unknown:
        raise DataError(f"{root}: unknown sources {sorted(unknown)}; there are {known}")
    return np.isin(arrays["source"], sources)


def _members(path: Path) -> Iterator[tuple[str, bytes, str]]:
    """Yield (key, file, name for messages) of every member of a shard."""
    if not path.is_file():
        raise DataError(f"{path} does not exist")
    try:
        with tarfile.open(path) as shard:
            for member in shard:
                stream = shard.extractfile(member)
                if stream is not None:
                    yield Path(member.name).stem, stream.read(), f"{path}:{member.name}"
    except tarfile.TarError as error:
        raise DataError(f"{path}: not a readable tar file ({error})") from None


def _decode_jpeg(blob: bytes, resolution: int, name: str) -> Tensor:
    """A stored file -> (3, R, R) uint8, reduced by area."""
    try:
        with Image.open(io.BytesIO(blob)) as opened:
            image = opened.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise DataError(f"{name}: not a readable picture ({error})") from None
    if image.width != image.height or image.width < resolution:
        raise DataError(f"{name}: {image.width}x{image.height} px; crops must be square and at least {resolution} px")
    if image.width != resolution:
        image = image.resize((resolution, resolution), Image.Resampling.BOX)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)
