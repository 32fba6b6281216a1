"""What is in a set of packed crops: numbers, sizes, poses, near-duplicates."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deepanon import geometry
from deepanon.data import SPLITS
from deepanon.data.packed_files import arrays_name, read_arrays, read_members, shard_name, stored_schema
from deepanon.data.review.check import signed_eyes
from deepanon.data.review.duplicates import DISTANCE, LEVELS, gradient_hash, near_duplicates, thumbnail
from deepanon.detections import KeypointSchema
from deepanon.errors import DataError
from deepanon.geometry import Array

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
NOSE_DEPTH = 0.85  # how far the nose's tip stands before the eyes, in half eye distances; a usual head, not measured
ANGLES = (-90, -45, -30, -15, 15, 30, 45, 90)  # edges of the histograms in degrees
EXAMPLES = 10


def roll(points: Array, schema: KeypointSchema) -> Array:
    """(N, K, 2) -> (N,) degrees that the line between the eyes falls towards the right of the picture."""
    across = signed_eyes(points, schema)
    return np.asarray(np.degrees(np.arctan2(across[:, 1], across[:, 0])))


def yaw(points: Array, schema: KeypointSchema) -> Array:
    """(N, K, 2) -> (N,) degrees that the head is turned to the right of the picture; an estimate.

    In a head turned by ψ the nose's tip lies `NOSE_DEPTH` · sin ψ from the middle of the eyes along the line between
    them, whose half has shrunk to cos ψ (in half eye distances of the frontal view; perspective is neglected). Hence
    tan ψ = (offset / half distance as seen) / `NOSE_DEPTH`. Good to compare sets with, not to measure heads.
    """
    across = signed_eyes(points, schema) / 2
    names = [schema.points.index(name) for name in ("left eye", "right eye", "nose")]
    offset = points[:, names[2]] - (points[:, names[0]] + points[:, names[1]]) / 2
    half = np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-6)
    along = (offset * across).sum(1) / half
    return np.asarray(np.degrees(np.arctan2(along / half, NOSE_DEPTH)))


def is_packed(root: str | Path) -> bool:
    """Whether a split of packed crops lies in the folder."""
    return any((Path(root) / arrays_name(split)).is_file() for split in SPLITS)


def describe_set(root: str | Path) -> dict[str, Any]:
    """Everything as plain numbers, ready for JSON.

    Args:
        root: folder of packed crops.

    Raises:
        DataError: there is no set, or a file cannot be read.
    """
    root = Path(root)
    files = {split: root / arrays_name(split) for split in SPLITS}
    arrays = {split: read_arrays(path) for split, path in files.items() if path.is_file()}
    if not arrays:
        nothing = "no packed crops (neither train.npz nor val.npz) and nothing of FDF"
        raise DataError(f"{root}: {nothing}; see data/README.md")
    schema = stored_schema(root)
    return {
        "bytes": sum(path.stat().st_size for path in root.iterdir() if path.is_file()),
        "schema": schema.name,
        "splits": {split: describe_rows(found, schema) for split, found in arrays.items()},
        "near_duplicates": _near_duplicates(root, arrays),
    }


def describe_rows(arrays: Mapping[str, Array], schema: KeypointSchema) -> dict[str, Any]:
    """One split: how many crops of which source, and how boxes, sizes and poses are distributed."""
    points = arrays["keypoints"].astype(np.float64)
    known = np.isfinite(points).all(axis=(1, 2))
    facts: dict[str, Any] = {
        "crops": len(arrays["key"]),
        "box_share": _quantiles(geometry.area(geometry.clip(arrays["box"], 1, 1))),
        "without_keypoints": int((~known).sum()),
        "yaw": _angles(yaw(points[known], schema)),
        "roll": _angles(roll(points[known], schema)),
    }
    if "source" in arrays:
        facts["sources"] = dict(sorted(Counter(arrays["source"].astype(str).tolist()).items()))
    if "identity" in arrays:
        facts["identities"] = len(np.unique(arrays["identity"]))
    if "crop_side" in arrays:
        facts["crop_side"] = _quantiles(arrays["crop_side"])
    if "others" in arrays:
        facts["with_another_face"] = int((arrays["others"] > 0).sum())
    return facts


def _quantiles(values: Array) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {}
    return {f"{q:g}": round(float(v), 4) for q, v in zip(QUANTILES, np.quantile(finite, QUANTILES), strict=True)}


def _angles(degrees: Array) -> dict[str, Any]:
    """Quantiles, and the share of crops between the `ANGLES`; what lies beyond counts with the last."""
    if not len(degrees):
        return {}
    counts, _ = np.histogram(np.clip(degrees, ANGLES[0], ANGLES[-1]), bins=ANGLES)
    shares = {
        f"{low} to {high}": round(float(n / len(degrees)), 4)
        for (low, high), n in zip(pairwise(ANGLES), counts, strict=True)
    }
    return {"quantiles": _quantiles(degrees), "shares": shares}


def _near_duplicates(root: Path, arrays: Mapping[str, Mapping[str, Array]]) -> dict[str, Any]:
    """Pairs of crops that look the same, within each split and between them."""
    names: list[str] = []
    hashes: list[int] = []
    thumbnails: list[Array] = []  # 256 bytes a crop
    for split, found in arrays.items():
        for key, grey in _greys(root, split, found["shard"]):
            names.append(f"{split}/{key}")
            hashes.append(gradient_hash(grey))
            thumbnails.append(thumbnail(grey))
    pairs = near_duplicates(np.array(hashes, dtype=np.uint64), np.array(thumbnails))
    splits = [" and ".join(sorted({names[row].split("/")[0] for row in pair})) for pair in pairs.tolist()]
    examples = [
        " ~ ".join(names[row] for row in pair)
        for pair, kind in zip(pairs.tolist(), splits, strict=True)
        if kind == "train and val"
    ]
    return {
        "bits": DISTANCE,
        "levels": LEVELS,
        "pairs": dict(sorted(Counter(splits).items())),
        "examples_between_splits": examples[:EXAMPLES],
    }


def _greys(root: Path, split: str, shards: Array) -> Iterator[tuple[str, Array]]:
    """(key, small grey picture) of every crop."""
    for number in np.unique(shards).tolist():
        path = root / shard_name(split, number)
        for name, blob in read_members(path):
            try:
                with Image.open(io.BytesIO(blob)) as opened:
                    opened.draft("L", (32, 32))  # JPEG gives a reduced picture for a part of the work
                    yield Path(name).stem, np.asarray(opened.convert("L"))
            except OSError as error:
                raise DataError(f"{path}:{name}: not a readable picture ({error}); see `data check`") from None


def table(facts: Mapping[str, Any]) -> str:
    """What `describe_set` found, to read."""
    lines = [f"{facts['bytes'] / 1e6:,.1f} MB, keypoint schema {facts['schema']!r}"]
    for split, found in facts["splits"].items():
        people = f" of {found['identities']:,} identities" if "identities" in found else ""
        sources = ", ".join(f"{name} {n:,}" for name, n in found.get("sources", {}).items())
        lines += ["", f"{split}: {found['crops']:,} crops{people}" + (f" ({sources})" if sources else "")]
        rows = {"box area / crop area": found["box_share"], "crop side in the photo, px": found.get("crop_side", {})}
        rows |= {f"{angle}, degrees (estimate)": found[angle].get("quantiles", {}) for angle in ("yaw", "roll")}
        lines.append(f"  {'quantiles':<28}" + "".join(f"{f'{100 * q:g} %':>9}" for q in QUANTILES))
        lines += [f"  {name:<28}" + "".join(f"{v:>9.4g}" for v in row.values()) for name, row in rows.items() if row]
        shares = found["yaw"].get("shares", {})
        lines.append("  yaw " + ", ".join(f"{edges}: {100 * share:.1f} %" for edges, share in shares.items()))
    same = facts["near_duplicates"]
    pairs = ", ".join(f"{n} in {kind}" for kind, n in same["pairs"].items()) or "none"
    lines += ["", f"pairs that look the same: {pairs}"]
    lines += [f"  {pair}" for pair in same["examples_between_splits"]]
    return "\n".join(lines)
