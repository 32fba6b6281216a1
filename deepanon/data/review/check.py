"""Is a set of packed crops fit to train on? Everything is looked at, down to the last picture."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deepanon import geometry
from deepanon.data import SPLITS
from deepanon.data.building.selection import MUST_BE_INSIDE
from deepanon.data.decode import decode, size_of
from deepanon.data.packed_files import arrays_name, read_arrays, read_members, read_meta, shard_name
from deepanon.data.units import odd_median
from deepanon.detections import FIVE, KeypointSchema, schema_for
from deepanon.errors import DataError, ImageError, SchemaError
from deepanon.geometry import Array

SHOWN = 5  # examples of each kind that are kept; all are counted


@dataclass
class Findings:
    """What is wrong with a set, and what is only worth a look.

    Attributes:
        crops: split -> number of crops.
        problems: kind -> how often; training would stop, or its held-out part would not be held out.
        notes: kind -> how often; odd, but usable.
        examples: kind -> the first few culprits.
    """

    crops: dict[str, int] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, kind: str, *culprits: Any) -> None:
        """Count one problem a culprit."""
        self._count(self.problems, kind, culprits)

    def note(self, kind: str, *culprits: Any) -> None:
        """Count one oddity a culprit."""
        self._count(self.notes, kind, culprits)

    def _count(self, counter: Counter[str], kind: str, culprits: tuple[Any, ...]) -> None:
        if culprits:
            counter[kind] += len(culprits)
            known = self.examples.setdefault(kind, [])
            known += [str(culprit) for culprit in culprits[: SHOWN - len(known)]]

    def lines(self) -> list[str]:
        """One line a kind, problems first."""
        kinds = [("PROBLEM", kind, n) for kind, n in self.problems.items()]
        kinds += [("note", kind, n) for kind, n in self.notes.items()]
        return [
            f"{level}: {kind}: {n} ({', '.join(self.examples[kind])}{', …' if n > len(self.examples[kind]) else ''})"
            for level, kind, n in kinds
        ]


@dataclass
class _Split:
    """What has to be compared between splits."""

    identities: set[str]
    photos: set[str]
    pixels: dict[bytes, str]  # digest -> key


def check_set(root: str | Path) -> Findings:
    """Look at every array, member and picture of a packed set.

    Raises:
        DataError: there is no set at `root` at all.
    """
    root, findings = Path(root), Findings()
    present = [split for split in SPLITS if (root / arrays_name(split)).is_file()]
    if not present:
        raise DataError(f"{root}: no packed crops (neither train.npz nor val.npz); see data/README.md")
    findings.problem("split missing", *(split for split in SPLITS if split not in present))
    schema, side = _meta(root, findings)
    splits = {split: _check_split(root, split, schema, side, findings) for split in present}
    if None not in splits.values() and len(splits) == 2:
        _compare(splits["train"], splits["val"], findings)
    return findings


def _meta(root: Path, findings: Findings) -> tuple[KeypointSchema, int | None]:
    """Schema and side of the crops, where the set says so."""
    try:
        meta = read_meta(root)
        if not meta:
            findings.note("no meta.json, schema 'five' assumed", root)
        side = meta.get("resolution")
        if meta and (not isinstance(side, int) or side < 1):
            findings.problem("meta.json: resolution is no positive whole number", repr(side))
            side = None
        return schema_for(meta["schema"]) if meta else FIVE, side
    except (DataError, SchemaError) as error:
        findings.problem("meta.json", error)
        return FIVE, None


def _check_split(root: Path, split: str, schema: KeypointSchema, side: int | None, findings: Findings) -> _Split | None:
    """Judge one split; None where its arrays are too damaged to go on."""
    try:
        arrays = read_arrays(root / arrays_name(split))
    except DataError as error:
        findings.problem("arrays not readable", error)
        return None
    if not _check_shapes(arrays, split, schema, findings):
        return None
    keys = [f"{split}/{key}" for key in arrays["key"].tolist()]
    findings.crops[split] = len(keys)
    findings.problem("key twice", *(key for key, n in Counter(keys).items() if n > 1))
    check_places(arrays, keys, schema, findings)
    pixels, side = _check_pictures(root, split, arrays, side, findings)
    if "crop_side" in arrays:
        findings.note("crop enlarged from a smaller source", *_of(keys, arrays["crop_side"] < side))
    named = {name: set(arrays[name].astype(str).tolist()) - {""} if name in arrays else set() for name in
             ("identity", "photo")}  # fmt: skip
    return _Split(named["identity"], named["photo"], pixels)


def _check_shapes(arrays: dict[str, Array], split: str, schema: KeypointSchema, findings: Findings) -> bool:
    n = arrays["key"].shape[0] if "key" in arrays and arrays["key"].ndim == 1 else -1
    needed = {"key": (n,), "shard": (n,), "box": (n, 4), "keypoints": (n, len(schema), 2)}
    kinds = {"key": "U", "shard": "iu", "box": "f", "keypoints": "f"}
    good = n > 0
    for name, shape in needed.items():
        if name not in arrays:
            findings.problem("array missing", f"{split}.npz: {name}")
            good = False
        elif arrays[name].shape != shape or arrays[name].dtype.kind not in kinds[name]:
            got = f"{arrays[name].dtype} {arrays[name].shape}"
            findings.problem(f"array of another form than schema {schema.name!r} needs", f"{split}.npz: {name} {got}")
            good = False
    for name, values in arrays.items():
        if name not in needed and len(np.atleast_1d(values)) != n:
            findings.problem("array of another length", f"{split}.npz: {name} has {len(np.atleast_1d(values))} of {n}")
            good = False
    if n == 0:
        findings.problem("no crops", split)
    return good


def check_places(arrays: dict[str, Array], keys: list[str], schema: KeypointSchema, findings: Findings) -> None:
    """Judge boxes and keypoints against the crop, each other and the schema."""
    box, points = arrays["box"].astype(np.float64), arrays["keypoints"].astype(np.float64)
    bad = np.asarray(~np.isfinite(box).all(1))
    findings.problem("box not finite", *_of(keys, bad))
    hidden = np.asarray(~bad)
    hidden[~bad] = geometry.inside(box[~bad], 1, 1)
    findings.problem("box hides nothing of its crop (boxes are fractions x0 y0 x1 y1)", *_of(keys, ~bad & ~hidden))
    findings.note("box reaches out of its crop", *_of(keys, hidden & ((box < 0) | (box > 1)).any(1)))
    findings.problem("keypoint infinite", *_of(keys, np.isinf(points).any(axis=(1, 2))))
    points = np.where(np.isinf(points), np.nan, points)
    for name, values in (("box", np.where(bad[:, None], np.nan, box)), ("keypoints", points)):
        median = odd_median(values)
        if median is not None:
            findings.problem(f"{name}: no fractions of the crop", f"half lie below {median:.3g}")
    findings.note("keypoints unknown", *_of(keys, np.isnan(points).any((1, 2))))
    middle = points[:, [schema.points.index(name) for name in MUST_BE_INSIDE]]  # N,3,2; NaN compares as inside
    out = np.asarray(((middle < 0) | (middle > 1)).any(2))  # N,3
    count = findings.problem if out.sum() > 0.5 * (~np.isnan(middle).any(2)).sum() else findings.note
    count("eye or nose out of the crop", *_of(keys, out.any(axis=1)))
    outside = (middle < box[:, None, :2]) | (middle > box[:, None, 2:])
    findings.note("eye or nose out of the box", *_of(keys, hidden & outside.any((1, 2))))
    crossed = signed_eyes(points, schema)[:, 0] < 0
    count = findings.problem if crossed.mean() > 0.5 else findings.note
    count("eyes on the wrong sides", *_of(keys, crossed))


def signed_eyes(points: Array, schema: KeypointSchema) -> Array:
    """(N, K, 2) -> (N, 2) from the eye that belongs left in an upright picture to the other; x < 0: swapped."""
    eyes = [schema.points.index(name) for name in MUST_BE_INSIDE[:2]]
    first, second = sorted(eyes, key=lambda index: schema.template[index][0])
    return np.asarray(points[:, second] - points[:, first])


def _of(keys: list[str], chosen: Any) -> list[str]:
    return [keys[row] for row in np.flatnonzero(chosen)]


def _check_pictures(
    root: Path, split: str, arrays: dict[str, Array], side: int | None, findings: Findings
) -> tuple[dict[bytes, str], int]:
    """Decode every member of every shard; returns digest of the pixels -> key, and the side of the crops."""
    home = dict(zip(arrays["key"].tolist(), arrays["shard"].tolist(), strict=True))
    seen: set[str] = set()
    sides: Counter[int] = Counter()
    pixels: dict[bytes, str] = {}
    shards = {shard_name(split, number): number for number in np.unique(arrays["shard"]).tolist()}
    findings.problem("shard that no array names", *({p.name for p in root.glob(f"{split}-*.tar")} - shards.keys()))
    for file, number in shards.items():
        try:
            for name, blob in read_members(root / file):
                key, where = Path(name).stem, f"{file}:{name}"
                if home.get(key) != number or key in seen:
                    findings.problem("member twice or in no array", where)
                    continue
                seen.add(key)
                _check_picture(blob, where, f"{split}/{key}", sides, pixels, findings)
        except DataError as error:
            findings.problem("shard not readable", error)
    findings.problem("picture missing in the shards", *(f"{split}/{key}" for key in home if key not in seen))
    side = side or max(sides, key=lambda size: sides[size], default=0)
    wrong = {size: n for size, n in sides.items() if size != side}
    findings.problem("pictures of another size", *(f"{n} in {split} of {size} px" for size, n in wrong.items()))
    return pixels, side


def _check_picture(
    blob: bytes, where: str, key: str, sides: Counter[int], pixels: dict[bytes, str], findings: Findings
) -> None:
    try:
        width, height = size_of(blob)
        sides[width] += 1
        if width != height:
            findings.problem("picture not square", f"{where} ({width}x{height})")
            return
        pixels_here = np.empty((height, width, 3), np.uint8)
        decode(blob, pixels_here)
    except ImageError as error:
        findings.problem("picture not readable", f"{where} ({error})")
        return
    digest = hashlib.blake2b(pixels_here.tobytes(), digest_size=12).digest()
    if digest in pixels:
        findings.note("same pixels twice in one split", f"{pixels[digest]} = {key}")
    pixels.setdefault(digest, key)


def _compare(train: _Split | None, val: _Split | None, findings: Findings) -> None:
    """What must not be in both splits."""
    assert train is not None
    assert val is not None
    findings.problem("identity in train and val", *sorted(train.identities & val.identities))
    findings.problem("photo in train and val", *sorted(train.photos & val.photos))
    both = sorted(train.pixels.keys() & val.pixels.keys())
    findings.problem("same pixels in train and val", *(f"{train.pixels[d]} = {val.pixels[d]}" for d in both))
