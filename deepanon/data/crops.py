"""Packed face crops: tar shards of picture files beside one `train.npz` / `val.npz` of boxes and keypoints."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from deepanon import geometry
from deepanon.checks import check_count
from deepanon.data import SPLITS
from deepanon.data.cropset import CropSet
from deepanon.data.decode import check_size, decode, size_of
from deepanon.data.packed_files import META, arrays_name, cache_name, read_arrays, stored_schema
from deepanon.data.shards import Shards
from deepanon.data.units import check_fractions
from deepanon.detections import KeypointSchema, schema_for
from deepanon.errors import DataError, ImageError, SchemaError
from deepanon.files import sha256_of, sha256_of_sources
from deepanon.geometry import Array

REQUIRED = ("key", "shard", "box", "keypoints")  # arrays of `<split>.npz`


class PackedCrops(CropSet):
    """A split of packed crops. The shards are indexed and all arrays checked at once; pictures are decoded on demand.

    Layout of `root`: `<split>.npz` with arrays `key` (N,) names, `shard` (N,) numbers, `box` (N, 4) and `keypoints`
    (N, K, 2) as fractions of the crop; `<split>-NNN.tar` with members `<key>.jpg`, square; perhaps `meta.json`. See
    data/README.md. An array `identity` (N,) of text says who is in each crop.

    Args:
        root: folder of the shards.
        split: "train" or "val".
        resolution: largest side in pixels that can be read.
        sources: keep only crops whose array `source` is one of these; None keeps all.
        limit: keep only the first so many.
        schema: what the keypoints mean, or its name; None = what `meta.json` says, or "five" where there is none.
        max_corrupt: see `CropSet`.
        cache_gib: see `CropSet`.
        store: folder, perhaps `root`, for a file with all crops decoded at each resolution that is asked for, n·R·R·3
            bytes; it is used by later runs as long as the shards and the decoder are the same, which takes reading
            (not decoding) the shards once a run. None = nowhere.

    Raises:
        DataError: a file, array or member is missing, the counts disagree, values are impossible, or the crops are
            smaller than `resolution`.
        SchemaError: `meta.json` says another schema.
        TypeError: an argument of another kind.
        OptionError: an impossible value.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        resolution: int = 64,
        sources: Sequence[str] | None = None,
        limit: int | None = None,
        schema: KeypointSchema | str | None = None,
        max_corrupt: int | None = None,
        cache_gib: float = 2.0,
        store: str | Path | None = None,
    ) -> None:
        check_count("resolution", resolution)
        check_count("limit", 1 if limit is None else limit)
        self.root, self.split = Path(root), split
        schema = _schema_of(self.root, schema)
        arrays = _read_arrays(self.root / arrays_name(split), schema)
        rows = np.arange(len(arrays["key"]))
        if sources is not None:
            rows = rows[_of_sources(arrays, [sources] if isinstance(sources, str) else list(sources), self.root)]
        rows = rows[:limit]
        if not len(rows):
            raise DataError(f"{self.root}: no crops of split {split!r} left (sources {sources}, limit {limit})")
        super().__init__(arrays["box"][rows], arrays["keypoints"][rows], schema, resolution, max_corrupt, cache_gib)
        self.people = arrays["identity"][rows].tolist() if "identity" in arrays else None
        self.shards = Shards(self.root, split, arrays["key"][rows], arrays["shard"][rows])
        self._check_sizes()
        self.store = None if store is None else Path(store)
        self._key = "" if store is None else self._contents()

    def stored_at(self, resolution: int) -> Path | None:
        """File in `store`."""
        return None if self.store is None else self.store / cache_name(self.split, resolution, self._key)

    def name(self, row: int) -> str:
        """`<shard>:<member>`."""
        return self.shards.name(row)

    def decode(self, row: int, out: Array) -> None:
        """Fill `out` (S, S, 3) uint8 with a crop at that size."""
        decode(self.shards.read(row), out)

    def _contents(self) -> str:
        """32 digits for what decoded crops depend on: the shards' bytes, which crops, their order, and the decoder."""
        shards = {number: sha256_of(self.shards.path(number)) for number in sorted(set(self.shards.numbers))}
        code = sha256_of_sources(("data/crops.py", "data/cropset.py", "data/decode.py", "data/decoded.py"))
        parts = (shards, self.shards.numbers.tolist(), self.shards.keys.tolist(), code, simplejpeg.__version__)
        return hashlib.sha256(repr((*parts, cv2.__version__)).encode()).hexdigest()[:32]

    def _check_sizes(self) -> None:
        """Look at the first crop of every shard: a set that is too small should not stop training in the middle."""
        for row in np.unique(self.shards.numbers, return_index=True)[1].tolist():
            try:
                size = size_of(self.shards.read(row))
            except ImageError:
                continue  # a damaged crop is dealt with when it is read
            try:
                check_size(*size, self.resolution)
            except ImageError as error:
                raise DataError(f"{self.name(row)}: {error}") from None


def _schema_of(root: Path, asked: KeypointSchema | str | None) -> KeypointSchema:
    """What the set says of itself; what was asked for where it says nothing."""
    asked = schema_for(asked) if isinstance(asked, str) else asked
    path, stored = root / META, stored_schema(root)
    if asked is None or asked == stored:
        return stored
    if path.is_file():
        raise SchemaError(f"{path}: the crops have keypoint schema {stored.name!r}, {asked.name!r} was asked for")
    return asked


def _read_arrays(path: Path, schema: KeypointSchema) -> dict[str, Array]:
    if not path.is_file():
        raise DataError(_why_missing(path))
    arrays = read_arrays(path, (*REQUIRED, "source", "identity"))
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        raise DataError(f"{path}: arrays missing: {', '.join(missing)}")
    n = len(np.atleast_1d(arrays["key"]))
    shapes = {"key": (n,), "shard": (n,), "box": (n, 4), "keypoints": (n, len(schema), 2)}
    shapes |= {"source": (n,), "identity": (n,)}
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            raise DataError(
                f"{path}: {name} has shape {array.shape}, expected {shapes[name]} for schema {schema.name!r}"
            )
    _check_values(arrays, path)
    return arrays


def _why_missing(path: Path) -> str:
    others = [path.with_name(arrays_name(split)) for split in SPLITS]
    found = [other.name for other in others if other.is_file()]
    if not found:
        return f"{path} does not exist; data.root must be a folder of packed crops (see data/README.md)"
    what = "no held-out crops" if path.stem == "val" else f"no crops of split {path.stem!r}"
    return (
        f"{path.parent}: {what}, as {found[0]} is there but {path.name} is not; "
        "build the set into a new folder with another --val (see docs/data.md)"
    )


def _check_values(arrays: dict[str, Array], path: Path) -> None:
    kinds = {
        "key": ("U", "text"),
        "shard": ("iu", "whole numbers"),
        "box": ("f", "floats"),
        "keypoints": ("f", "floats"),
    }
    for name, (kind, what) in kinds.items():
        if arrays[name].dtype.kind not in kind:
            raise DataError(f"{path}: {name} must hold {what}, not {arrays[name].dtype}")
    repeated = len(arrays["key"]) - len(np.unique(arrays["key"]))
    if repeated:
        raise DataError(f"{path}: {repeated} keys of {path.stem!r} are not unique")
    if not np.isfinite(arrays["box"]).all():
        raise DataError(f"{path}: box holds values that are not finite")
    if np.isinf(arrays["keypoints"]).any():  # NaN = unknown
        raise DataError(f"{path}: keypoints holds infinite values")
    wrong = np.flatnonzero(~geometry.inside(arrays["box"], 1, 1))
    if wrong.size:
        box = arrays["box"][wrong[0]].tolist()
        raise DataError(f"{path}: box {wrong[0]} {box} hides nothing; boxes are x0 y0 x1 y1 as fractions of the crop")
    for name in ("box", "keypoints"):
        check_fractions(arrays[name], path, f"{name} must hold fractions of the crop (pixels / its side)")


def _of_sources(arrays: dict[str, Array], sources: list[str], root: Path) -> Array:
    """Which rows come from `sources`; an unknown one is an error, not an empty choice."""
    known = np.unique(arrays["source"]).tolist() if "source" in arrays else []
    unknown = set(sources) - set(known)
    if unknown:
        raise DataError(f"{root}: unknown sources {sorted(unknown)}; there are {known}")
    return np.isin(arrays["source"], sources)
