"""Side channels: what gives people away beside the new face, in files that the product itself has written."""

from __future__ import annotations

import io
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from deepanon import geometry
from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.checks import check_count
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.errors import DataError, DeepanonError, ImageError
from deepanon.geometry import Array
from deepanon.images import WRITERS, Photo, read_image, upright_rgb, write_image
from deepanon.pipeline import FaceAnonymizer
from deepanon.seeds import Seeds
from deepanon.verifying.riders import riders

RING = 0.05  # of the crop's side: as far as new pixels may fade out around a box
START = b"\xff\xd8\xff"  # of a JPEG file
OTHER = ".png"  # what is written where the photo's own format cannot be


@dataclass(frozen=True)
class _Seen:
    """What one photo and its anonymized file gave away."""

    before: list[str]  # riders of the photo
    after: list[str]  # riders of the file
    thumbnails: int  # pictures within the file
    shown: int  # of those, with a face
    missed: bool
    unmarked: int  # faces that people marked and the finder did not find
    marked: int
    outside: bool  # something changed far from every box
    kept: float  # share of the picture that is as it was
    alpha: bool


def side_channels(
    photos: Sequence[AnnotatedPhoto],
    detector: Detector,
    method: str | Anonymizer,
    limit: int = 100,
    seed: int = 0,
) -> dict[str, Any]:
    """Anonymize photos as the product does, write them, and look at the files.

    Args:
        photos: whose people are sought; so many as `limit` says are drawn of them.
        detector: the finder in use: what it misses stays clear.
        method: name of a method, or a method.
        limit: photos at most.
        seed: of the drawing of photos, and of methods that have randomness.

    Returns:
        Counts, all of them plain numbers, and `sentences` that say them:
        `photos` looked at, `unreadable` that could not be;
        `with_riders` files that carry something beside pixels, `riders` by kind, `originals_with_riders`;
        `thumbnails` pictures found within files, `thumbnails_with_faces`;
        `missed` photos without any found face and `missed_share`; `marked` faces, where people marked some, and
        `marked_missed`;
        `outside_changed` photos that changed away from every face; `kept_share` mean share of a photo that stays as it
        was, and with it whatever recognises by hair, clothes and place; `alpha` files with transparency.

    Raises:
        DataError: no photo, or none that can be read.
        OptionError: no such method, or `limit` is below 1.
    """
    check_count("limit", limit)
    if not photos:
        raise DataError("no photos: side channels are looked for in the photos of the people who are sought")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(photos))[:limit])
    anonymizer = build_anonymizer(method) if isinstance(method, str) else method
    river = FaceAnonymizer(detector, anonymizer, Seeds.from_seed(seed), on_no_face="copy")
    seen, unreadable = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for row in chosen:
            try:
                seen.append(_look(photos[row], river, Path(folder)))
            except (ImageError, OSError):
                unreadable += 1
    if not seen:
        raise DataError(f"none of {len(chosen)} photos can be read")
    counts = _counted(seen, unreadable)
    return counts | {"sentences": _sentences(counts)}


def _look(photo: AnnotatedPhoto, river: FaceAnonymizer, folder: Path) -> _Seen:
    contents = photo.contents()
    suffix = PurePosixPath(photo.name).suffix.lower()
    source, target = folder / f"before{suffix}", folder / f"after{suffix if suffix in WRITERS else OTHER}"
    source.write_bytes(contents)
    before = read_image(source)
    faces = river.detector(before.pixels, photo.name)
    after = river(before.pixels, faces, name=photo.name)
    write_image(target, after, before)
    shown = [_shows_face(picture, river.detector) for picture in embedded(target.read_bytes())]
    changed = (after != before.pixels).any(axis=2)
    return _Seen(
        before=riders(source),
        after=riders(target),
        thumbnails=len(shown),
        shown=sum(shown),
        missed=not len(faces),
        unmarked=_unmarked(photo, faces),
        marked=int((~photo.ignored).sum()),
        outside=bool(changed[_away(faces, before)].any()),
        kept=float(1 - changed.mean()),
        alpha=_has_alpha(target),
    )


def embedded(contents: bytes) -> list[Array]:
    """(H, W, 3) uint8 each, every JPEG picture that lies within a file, its own beginning aside.

    Thumbnails, previews and further pictures are found wherever they lie: compressed pixels hold no such beginning in
    JPEG, and where other formats hold one by chance nothing can be decoded.

    Args:
        contents: of a picture file.
    """
    found, at = [], contents.find(START, 1)
    while at > 0:
        try:
            with Image.open(io.BytesIO(contents[at:])) as opened:
                opened.load()
                found.append(np.array(upright_rgb(opened)))
        except Exception:  # what cannot be decoded shows nobody; Pillow raises whatever it likes
            pass
        at = contents.find(START, at + 1)
    return found


def _shows_face(picture: Array, detector: Detector) -> bool:
    """A thumbnail has no name in a file of detections: a detector that cannot look is taken to have seen a face."""
    try:
        return len(detector(picture, "thumbnail")) > 0
    except DeepanonError:
        return True


def _unmarked(photo: AnnotatedPhoto, faces: Detections) -> int:
    """Faces that people marked and no found box meets by half."""
    marked = photo.boxes[~photo.ignored]
    if not len(marked) or not len(faces):
        return len(marked)
    return int((geometry.iou(marked, faces.boxes).max(axis=1) < 0.5).sum())


def _away(faces: Detections, photo: Photo) -> Array:
    """(H, W) bool: far from every face, where nothing may change."""
    height, width = photo.pixels.shape[:2]
    away = np.ones((height, width), dtype=bool)
    for box in faces.boxes:
        region = geometry.crop_region(geometry.clip(box, width, height), width, height)
        ring = int(np.ceil(RING * (region[2] - region[0])))
        left, top, right, bottom = geometry.outward(box) + np.array([-ring, -ring, ring, ring])
        away[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
    return away


def _has_alpha(path: Path) -> bool:
    with Image.open(path) as opened:
        return bool(opened.has_transparency_data)


def _counted(seen: Sequence[_Seen], unreadable: int) -> dict[str, Any]:
    kinds = Counter(_kind(rider) for one in seen for rider in one.after)
    missed = sum(one.missed for one in seen)
    return {
        "photos": len(seen),
        "unreadable": unreadable,
        "originals_with_riders": sum(bool(one.before) for one in seen),
        "with_riders": sum(bool(one.after) for one in seen),
        "riders": dict(sorted(kinds.items())),
        "thumbnails": sum(one.thumbnails for one in seen),
        "thumbnails_with_faces": sum(one.shown for one in seen),
        "missed": missed,
        "missed_share": missed / len(seen),
        "marked": sum(one.marked for one in seen),
        "marked_missed": sum(one.unmarked for one in seen),
        "outside_changed": sum(one.outside for one in seen),
        "kept_share": float(np.mean([one.kept for one in seen])),
        "alpha": sum(one.alpha for one in seen),
    }


def _kind(rider: str) -> str:
    """Without sizes: "XMP, 812 bytes" is "XMP"."""
    return re.sub(r"^\d+ |(, | of )\d+ bytes$", "", rider)


def _sentences(c: dict[str, Any]) -> list[str]:
    n = c["photos"]
    kinds = ", ".join(f"{kind} ({count})" for kind, count in c["riders"].items())
    found = [
        f"{c['with_riders']} of {n} written files carry something beside pixels{f': {kinds}' if kinds else ''}; "
        f"{c['originals_with_riders']} of the originals did",
        f"{c['thumbnails']} pictures lie within the written files, {c['thumbnails_with_faces']} of them show a face",
        f"in {c['missed']} of {n} photos the finder finds no face: they stay as they are",
        f"{c['outside_changed']} of {n} photos changed away from every face",
        f"{100 * c['kept_share']:.0f} % of a photo stays as it was: hair, clothes and place can still be recognised",
        f"{c['alpha']} of {n} files have transparency, under which something could lie",
    ]
    if c["marked"]:
        found.insert(3, f"of {c['marked']} faces that people marked, {c['marked_missed']} were not found")
    if c["unreadable"]:
        found.append(f"{c['unreadable']} photos could not be read and were not looked at")
    return found
