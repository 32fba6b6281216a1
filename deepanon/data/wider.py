"""Folders of photos with face boxes in the layout of WIDER FACE (Yang et al. 2016)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deepanon.errors import DataError, ImageError, OptionError
from deepanon.geometry import Array
from deepanon.images import WRITERS, decode_image

log = logging.getLogger(__name__)

OFFICIAL = ("wider_face_split/wider_face_val_bbx_gt.txt", "WIDER_val/images")
SUFFIX = "_bbx_gt.txt"
COLUMNS = 10
LABELS = {"blur": 4, "expression": 5, "illumination": 6, "occlusion": 8, "pose": 9}  # after x y w h; 7 is `INVALID`
INVALID = 7


@dataclass(frozen=True, eq=False)
class AnnotatedPhoto:
    """A photo and the faces that people marked in it.

    Attributes:
        path: of the picture file, which exists.
        name: as the list spells it, e.g. "0--Parade/0_Parade_1.jpg"; unique in a list.
        boxes: (N, 4) float32 x0 y0 x1 y1 in pixels, each with some area; may reach outside the picture.
        ignored: (N,) bool, marked invalid: finding such a face counts neither for nor against a detector.
        labels: (N,) int64 each, what the list says of every face, by the name of its column: "blur", "expression",
            "illumination", "occlusion", "pose"; empty where it says nothing.
        person: who is in the picture; empty where nobody said.
    """

    path: Path
    name: str
    boxes: Array
    ignored: Array
    labels: Mapping[str, Array] = field(default_factory=dict)
    person: str = ""

    def contents(self) -> bytes:
        """The file as it is; `OSError` if it cannot be read."""
        return self.path.read_bytes()

    def read(self) -> Array:
        """(H, W, 3) uint8 RGB, upright; `ImageError` if the file cannot be read."""
        try:
            return decode_image(self.contents(), self.path).pixels
        except OSError as error:
            raise ImageError(f"{self.path}: cannot be read ({error.strerror or error})") from error


def read_wider(root: str | Path, limit: int | None = None) -> list[AnnotatedPhoto]:
    """Read the list of a WIDER-style folder: the official validation set, or `*_bbx_gt.txt` beside `images/`.

    Boxes without width or height are dropped, as in DeepPrivacy's code; the official list has some, and one for every
    picture without a face.

    Args:
        root: the folder.
        limit: only the first so many photos.

    Returns:
        The photos in the order of the list.

    Raises:
        DataError: no list or several, a line that cannot be understood, a listed picture that is not there.
        OptionError: `limit` is not a number from 1.
    """
    if limit is not None and not (isinstance(limit, int) and limit >= 1):
        raise OptionError(f"limit must be a whole number from 1, got {limit!r}")
    listing, images = _locate(Path(root))
    photos, flat = [], 0
    for name, rows in _parse(listing):
        solid = rows[(rows[:, 2] > 0) & (rows[:, 3] > 0)]
        photos.append(_photo(images / name, name, solid))
        flat += len(rows) - len(solid)
    if flat:
        log.warning("%s: %d boxes without width or height are left out, no face is in them", listing, flat)
    names = [photo.name for photo in photos]
    if not photos:
        raise DataError(f"{listing}: lists no photo")
    if len(set(names)) < len(names):
        raise DataError(f"{listing}: lists {next(n for n in names if names.count(n) > 1)} more than once")
    _mention_unlisted(images, names, listing)
    photos = photos[:limit]
    for photo in photos:
        if not photo.path.is_file():
            raise DataError(f"{listing}: {photo.name} has boxes, but there is no picture {photo.path}")
    return photos


def _mention_unlisted(images: Path, names: list[str], listing: Path) -> None:
    """Pictures that nobody annotated are not measured, and that is said."""
    there = (path.relative_to(images).as_posix() for path in images.rglob("*") if path.suffix.lower() in WRITERS)
    unlisted = sorted(set(there) - set(names))
    if unlisted:
        log.warning(
            "%s has no entry for %d pictures beside it, the first is %s; they are left out", listing, len(unlisted),
            unlisted[0],
        )  # fmt: skip


def is_official(root: str | Path) -> bool:
    """Whether a folder holds the official list of the validation set; then the official subsets apply."""
    return (Path(root) / OFFICIAL[0]).is_file()


def _locate(root: Path) -> tuple[Path, Path]:
    """The list file and the folder its names are relative to."""
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; data.root must be a folder in WIDER FACE layout")
    if is_official(root):
        return root / OFFICIAL[0], _folder(root / OFFICIAL[1])
    lists = sorted(root.glob(f"*{SUFFIX}"))
    if not lists:
        raise DataError(f"{root}: no list of boxes; expected {root / OFFICIAL[0]} or one {root}/*{SUFFIX}")
    if len(lists) > 1:
        raise DataError(f"{root}: several lists of boxes, keep one: {', '.join(path.name for path in lists)}")
    return lists[0], _folder(root / "images")


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise DataError(f"{path} does not exist; the pictures of the list are expected there")
    return path


def _parse(listing: Path) -> Iterator[tuple[str, Array]]:
    """Yield every entry, a name, a count, and so many lines of ten integers, as the name and (N, 10) integers."""
    lines = [line.strip() for line in listing.read_text(encoding="utf-8").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    at = 0
    while at < len(lines):
        name, count = lines[at], _count(lines, at + 1, listing)
        first = at + 2
        at = first + count
        if at > len(lines):
            raise DataError(f"{listing}:{len(lines)}: the list ends before the {count} boxes of {name}")
        rows = np.array([_box(lines[i], f"{listing}:{i + 1}") for i in range(first, at)]).reshape(-1, COLUMNS)
        if not count and at < len(lines) and lines[at].split() == ["0"] * COLUMNS:
            at += 1  # the official list has a line of zeros for a picture without a face
        yield name, rows


def _count(lines: list[str], at: int, listing: Path) -> int:
    text = lines[at] if at < len(lines) else ""
    if not text.isdecimal():
        raise DataError(f"{listing}:{at + 1}: expected the number of faces of {lines[at - 1]}, got {text!r}")
    return int(text)


def _box(line: str, where: str) -> list[int]:
    try:
        values = [int(value) for value in line.split()]
    except ValueError:
        values = []
    if len(values) != COLUMNS:
        raise DataError(f"{where}: expected {COLUMNS} integers (x y w h and six flags), got {line!r}")
    return values


def _photo(path: Path, name: str, rows: Array) -> AnnotatedPhoto:
    boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1).astype(np.float32)
    labels = {label: rows[:, column] for label, column in LABELS.items()}
    return AnnotatedPhoto(path, name, boxes, rows[:, INVALID] > 0, labels)
