"""Photos of known people in the layout of Labeled Faces in the Wild (Huang et al. 2007): one folder a person."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from deepanon.checks import check_count
from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError
from deepanon.geometry import Array

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class ArchivedPhoto(AnnotatedPhoto):
    """A photo inside an uncompressed tar file; nothing is unpacked.

    Attributes:
        archive: the tar file; `path` is this and the name in it.
        start: where the photo's bytes begin in it.
        length: how many they are.
    """

    archive: Path = Path()
    start: int = 0
    length: int = 0

    def contents(self) -> bytes:
        """The photo's bytes in the archive."""
        with self.archive.open("rb") as stream:
            stream.seek(self.start)
            return stream.read(self.length)


def read_people(root: str | Path, limit: int | None = None, least: int = 1) -> list[AnnotatedPhoto]:
    """Read photos `Name/Name_0001.jpg` … from a folder, or from one tar file with such folders in it.

    Who is in a photo is the name of its folder; the faces are not marked (`boxes` is empty), a detector finds them.
    In LFW the person meant is the face nearest to the centre.

    Args:
        root: folder with one folder a person, or a `.tar` file that holds such folders.
        limit: only the first so many people, by name.
        least: only people with so many photos or more; `limit` counts those.

    Returns:
        The photos by person and name, `name` as "Name/Name_0001.jpg".

    Raises:
        DataError: no such folder or file, no pictures in it, or fewer than two people: there is nobody to be taken for.
        OptionError: `limit` or `least` is below 1.
    """
    if limit is not None:
        check_count("limit", limit)
    check_count("least", least)
    root = Path(root)
    photos = _in_archive(root) if root.is_file() else _in_folder(root)
    if not photos:
        raise DataError(f"{root}: no pictures; expected folders of people, such as {root / 'Name' / 'Name_0001.jpg'}")
    counts = Counter(photo.person for photo in photos)
    people = [person for person in sorted(counts) if counts[person] >= least][:limit]
    if len(people) < 2:
        raise DataError(
            f"{root}: {len(people)} {'person' if len(people) == 1 else 'people'} with {least} or more photos (of "
            f"{len(counts)}); recognising needs two at least (data.limit, data.least)"
        )
    kept = set(people)
    return sorted((photo for photo in photos if photo.person in kept), key=lambda photo: (photo.person, photo.name))


def _in_folder(root: Path) -> list[AnnotatedPhoto]:
    if not root.is_dir():
        raise DataError(f"{root} is neither a folder nor a tar file; expected folders of people, one a person")
    files = [path for folder in root.iterdir() if _counts(folder.name) and folder.is_dir() for path in folder.iterdir()]
    return [
        AnnotatedPhoto(path, f"{path.parent.name}/{path.name}", *_no_boxes(), person=path.parent.name)
        for path in files
        if _counts(path.name) and path.suffix.lower() in SUFFIXES and path.is_file()
    ]


def _in_archive(root: Path) -> list[AnnotatedPhoto]:
    """Photos of an uncompressed tar, the last two parts of whose names are person and file: `lfw/Name/…` too."""
    try:
        with tarfile.open(root, "r:") as archive:
            members = [member for member in archive if member.isreg()]
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{root}: not an uncompressed tar file ({error}); unpack it and name the folder") from error
    photos: list[AnnotatedPhoto] = [
        ArchivedPhoto(root / member.name, "/".join(parts[-2:]), *_no_boxes(), person=parts[-2], archive=root,
                      start=member.offset_data, length=member.size)
        for member in members
        if len(parts := PurePosixPath(member.name).parts) >= 2 and all(map(_counts, parts[-2:]))
        and PurePosixPath(member.name).suffix.lower() in SUFFIXES
    ]  # fmt: skip
    _refuse_twice(root, (photo.name for photo in photos))
    return photos


def _refuse_twice(root: Path, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{root}: holds {twice[0]} more than once")


def _counts(name: str) -> bool:
    return not name.startswith(".")  # "._Name_0001.jpg" is what macOS puts beside pictures, and is none


def _no_boxes() -> tuple[Array, Array]:
    return np.zeros((0, 4), dtype=np.float32), np.zeros(0, dtype=bool)
