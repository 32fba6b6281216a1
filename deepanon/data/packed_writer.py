"""Writing packed crops: tar shards of JPEG files, one `.npz` of arrays a split, and `meta.json`.

The layout is described in data/README.md. The same crops in the same order give the same files, bit for bit.
"""

from __future__ import annotations

import io
import json
import tarfile
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deepanon.data.packed_files import FORMAT, META, arrays_name, shard_name
from deepanon.detections import KeypointSchema
from deepanon.errors import DataError
from deepanon.files import replacing
from deepanon.geometry import Array

QUALITY = 90  # of the JPEG files
SHARD_BYTES = 30_000_000  # a shard is never larger


@dataclass(frozen=True, eq=False)
class StoredCrop:
    """One crop as it is stored.

    Attributes:
        jpeg: the file.
        box: (4,) face box x0 y0 x1 y1 as fractions of the crop.
        keypoints: (K, 2) fractions of the crop.
        source: which collection the photo is from.
        identity: who is in it, as far as known; crops of one identity belong in one split.
        score: of the detector.
        crop_side: side of the crop in the photo, in pixels.
        photo: beginning of the photo file's SHA-256, or "" where there is no photo.
        others: how many other faces are visible in the crop.
    """

    jpeg: bytes
    box: Array
    keypoints: Array
    source: str
    identity: str
    score: float
    crop_side: int
    photo: str = ""
    others: int = 0


def encode_jpeg(pixels: Array) -> bytes:
    """(S, S, 3) uint8 RGB -> the bytes of a JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=QUALITY)
    return stream.getvalue()


def write_split(root: str | Path, split: str, crops: Iterable[StoredCrop], shard_bytes: int = SHARD_BYTES) -> int:
    """Write the shards of one split and then its arrays; returns the number of crops.

    Each file takes its place whole; `crops` is read as it comes, one shard in memory at a time. No crop, no file.

    Args:
        root: folder; made if it is missing. Files of the same names are replaced.
        split: "train" or "val".
        crops: all of one schema and size.
        shard_bytes: no tar file becomes larger.
    """
    table = _Table()
    for number, group in enumerate(_grouped(crops, shard_bytes)):
        with replacing(Path(root) / shard_name(split, number)) as path, tarfile.open(path, "w") as shard:
            for crop in group:
                _add(shard, f"{table.add(crop, number)}.jpg", crop.jpeg)
    if len(table):
        with replacing(Path(root) / arrays_name(split)) as path:
            np.savez(path, **table.arrays())
    return len(table)


def write_meta(root: str | Path, schema: KeypointSchema, resolution: int, made_with: Mapping[str, Any]) -> None:
    """Write `meta.json`: what the keypoints mean, the side of the crops in pixels, how the set was made."""
    meta = {"format": FORMAT, "schema": schema.name, "resolution": resolution, "made_with": dict(made_with)}
    with replacing(Path(root) / META) as path:
        path.write_text(json.dumps(meta, indent=1) + "\n")


def _grouped(crops: Iterable[StoredCrop], limit: int) -> Iterator[list[StoredCrop]]:
    """Crops in lists, each of which fits a tar file of `limit` bytes."""
    group: list[StoredCrop] = []
    blocks = 0
    for crop in crops:
        more = tarfile.BLOCKSIZE + -(-len(crop.jpeg) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE  # header and padding
        if _tar_size(more) > limit:
            raise DataError(f"a crop of {len(crop.jpeg)} bytes does not fit a shard of {limit}")
        if _tar_size(blocks + more) > limit:
            yield group
            group, blocks = [], 0
        group.append(crop)
        blocks += more
    if group:
        yield group


def _tar_size(content: int) -> int:
    """A tar file ends with two empty blocks and fills whole records."""
    return -(-(content + 2 * tarfile.BLOCKSIZE) // tarfile.RECORDSIZE) * tarfile.RECORDSIZE


def _add(shard: tarfile.TarFile, name: str, blob: bytes) -> None:
    member = tarfile.TarInfo(name)  # date 0, owner 0, mode 644: nothing of this machine
    member.size = len(blob)
    shard.addfile(member, io.BytesIO(blob))


@dataclass
class _Table:
    """The arrays as they grow; numbers are kept packed, as there may be millions."""

    shard: array[int] = field(default_factory=lambda: array("i"))
    box: array[float] = field(default_factory=lambda: array("f"))
    keypoints: array[float] = field(default_factory=lambda: array("f"))
    score: array[float] = field(default_factory=lambda: array("f"))
    crop_side: array[int] = field(default_factory=lambda: array("i"))
    others: array[int] = field(default_factory=lambda: array("i"))
    source: list[str] = field(default_factory=list)
    identity: list[str] = field(default_factory=list)
    photo: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.shard)

    def add(self, crop: StoredCrop, shard: int) -> str:
        """Take in one crop and return its key."""
        self.shard.append(shard)
        self.box.extend(np.asarray(crop.box, dtype=np.float32).ravel().tolist())
        self.keypoints.extend(np.asarray(crop.keypoints, dtype=np.float32).ravel().tolist())
        for name in ("score", "crop_side", "others", "source", "identity", "photo"):
            getattr(self, name).append(getattr(crop, name))
        return _key(len(self) - 1)

    def arrays(self) -> dict[str, Any]:
        """The columns as the arrays of `<split>.npz`."""
        n = len(self)
        return {
            "key": np.array([_key(i) for i in range(n)]),
            "shard": np.array(self.shard, dtype=np.int32),
            "source": np.array(self.source),
            "identity": np.array(self.identity),
            "photo": np.array(self.photo),
            "box": np.array(self.box, dtype=np.float32).reshape(n, 4),
            "keypoints": np.array(self.keypoints, dtype=np.float32).reshape(n, -1, 2),
            "score": np.array(self.score, dtype=np.float32),
            "crop_side": np.array(self.crop_side, dtype=np.int32),
            "others": np.array(self.others, dtype=np.int32),
        }


def _key(number: int) -> str:
    return f"{number:06d}"
