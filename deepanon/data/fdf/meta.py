"""FDF's `fdf_metainfo.json`: whose photo a face comes from, under which licence, and who does not want it used."""

from __future__ import annotations

import logging
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import numpy as np

from deepanon.data.fdf.json_stream import object_entries
from deepanon.errors import DataError, OptionError
from deepanon.geometry import Array

log = logging.getLogger(__name__)
LICENCE_URL = re.compile(r"/licenses/([a-z-]+)/(\d+)(?:\.0)?")
PHOTO_PAGE = re.compile(r"/photos/([^/]+)/(\d+)")
PHOTO_FILE = re.compile(r"/(\d+)_[0-9a-f]+(?:_[a-z0-9]+)?\.(?:jpg|png|gif)")
FORMS = "'author: NAME', 'photo: ID or URL', 'face: NUMBER' or a bare URL"


@dataclass(frozen=True)
class FaceOrigin:
    """Where one face comes from.

    Attributes:
        number: of the file, N in N.png.
        licence: as FDF names its archives, e.g. "cc-by-nc-2"; "unknown" if the entry does not say.
        authors: what the author may be called: Flickr name, user id, name in the address. The first is for credit.
        photo: Flickr's number of the photo, or "".
        url: of the photo.
    """

    number: int
    licence: str
    authors: tuple[str, ...]
    photo: str
    url: str


@dataclass(frozen=True)
class LicenceReport:
    """How many faces are under which licence, and by whom.

    Attributes:
        licences: licence -> faces, most frequent first.
        authors: author -> faces, most frequent first.
    """

    licences: dict[str, int]
    authors: dict[str, int]

    @property
    def faces(self) -> int:
        """All of them."""
        return sum(self.licences.values())

    def __str__(self) -> str:
        lines = [f"{count:>9,} {count / self.faces:>6.1%}  {licence}" for licence, count in self.licences.items()]
        return "\n".join([*lines, f"{self.faces:>9,}         faces by {len(self.authors):,} authors"])


def licence_report(root: str | Path) -> LicenceReport:
    """Count the licences and authors in a folder of FDF: by the metainfo at the top, or else by that of both splits.

    Raises:
        DataError: no `fdf_metainfo.json` in `root`, `root/train` or `root/val`, or one that cannot be understood.
    """
    places = [Path(root, *folder, "fdf_metainfo.json") for folder in ([], ["train"], ["val"])]
    found = [path for path in places if path.is_file()]
    if not found:
        raise DataError(f"{places[0]} does not exist (nor in train/ or val/); FDF's downloader fetches it first")
    licences: Counter[str] = Counter()
    authors: Counter[str] = Counter()
    for path in found[:1] if found[0] == places[0] else found:
        for face in read_metainfo(path):
            licences[face.licence] += 1
            authors[face.authors[0] if face.authors else "unknown"] += 1
    return LicenceReport(dict(licences.most_common()), dict(authors.most_common()))


def read_metainfo(path: str | Path) -> Iterator[FaceOrigin]:
    """Yield the entries of `fdf_metainfo.json` in its order, never holding more than a few megabytes of it.

    Raises:
        DataError: not there, or not a table of faces; the message says near which character.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} does not exist; FDF's downloader fetches it first")
    for key, entry in object_entries(path):
        if not key.isdecimal() or not isinstance(entry, dict):
            raise DataError(f"{path}: entry {key[:40]!r} is not a face with its number")
        yield _origin(int(key), entry)


class OptOut:
    """Faces that must not be used, read from a file with one entry a line.

    Entries are `author: NAME` (Flickr name, user id or the name in the address of the photos), `photo: ID` or `photo:
    URL`, `face: NUMBER` (N of N.png), or a bare URL of a photo. Empty lines and those that begin with # mean nothing.

    Raises:
        DataError: the file is not there, or a line is none of these.
    """

    def __init__(self, path: str | Path) -> None:
        self.authors: set[str] = set()
        self.photos: set[str] = set()
        self.faces: set[int] = set()
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"{path} does not exist; opt_out must be a file with one entry a line: {FORMS}")
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                self._add(line.strip(), f"{path}:{number}")

    def matches(self, face: FaceOrigin) -> list[str]:
        """The entries that are about a face, normalised; empty = it may be used."""
        by_author = [f"author: {name}" for name in map(_plain, face.authors) if name in self.authors]
        by_photo = [f"photo: {face.photo}"] if face.photo in self.photos else []
        return by_author + by_photo + ([f"face: {face.number}"] if face.number in self.faces else [])

    def entries(self) -> list[str]:
        """All of them, normalised."""
        kinds = (("author", self.authors), ("photo", self.photos), ("face", self.faces))
        return [f"{kind}: {value}" for kind, values in kinds for value in values]

    def _add(self, line: str, where: str) -> None:
        kind, _, value = line.partition(":")
        kind, value = kind.strip().lower(), value.strip()
        if kind in ("http", "https"):
            kind, value = "photo", line
        photo = value if value.isdecimal() else _photo_in(value)
        if kind == "author" and value:
            self.authors.add(_plain(value))
        elif kind == "photo" and photo:
            self.photos.add(photo)
        elif kind == "face" and value.isdecimal():
            self.faces.add(int(value))
        else:
            raise DataError(f"{where}: {line!r} is not understood; write {FORMS}")


def kept_faces(metainfo: Path, numbers: Array, licences: Sequence[str] | None, opt_out: str | Path | None) -> Array:
    """Which faces may be used.

    Args:
        metainfo: `fdf_metainfo.json`; not read where only face numbers are opted out.
        numbers: (n,) of the faces in question.
        licences: allowed ones, or None for all.
        opt_out: file for `OptOut`, or None.

    Returns:
        (n,) bool. A face without metainfo is not kept.

    Raises:
        DataError: a file is missing or not understood, or no face at all is under one of `licences`.
        OptionError: `licences` is empty.
    """
    refused = None if opt_out is None else OptOut(opt_out)
    if licences is None and (refused is None or not (refused.authors or refused.photos)):
        return ~np.isin(numbers, list(refused.faces) if refused else [])
    allowed = None if licences is None else {licences} if isinstance(licences, str) else set(licences)
    if allowed is not None and not allowed:
        raise OptionError("licences must name at least one licence, or be null for all")
    kept, seen, matched = array("q"), set(), set()
    for face in read_metainfo(metainfo):
        seen.add(face.licence)
        hits = refused.matches(face) if refused else []
        matched.update(hits)
        if not hits and (allowed is None or face.licence in allowed):
            kept.append(face.number)
    if allowed and allowed - seen:
        raise DataError(
            f"{metainfo}: no face under {', '.join(sorted(allowed - seen))}; there are {', '.join(sorted(seen))}"
        )
    unmatched = sorted(set(refused.entries()) - matched) if refused else []
    if unmatched:  # may be a photo of the other split, or a name that is misspelt
        log.warning("%s: nothing in %s is meant by %s", opt_out, metainfo, ", ".join(unmatched[:10]))
    return np.isin(numbers, np.frombuffer(kept, dtype=np.int64))


def _origin(number: int, entry: dict[str, Any]) -> FaceOrigin:
    url = str(entry.get("photo_url") or "")
    page = PHOTO_PAGE.search(url)
    names = [entry.get("author"), entry.get("user_nsid"), page and page[1]]
    licence = LICENCE_URL.search(str(entry.get("license_url") or ""))
    name = f"cc-{licence[1]}-{licence[2]}" if licence else str(entry.get("license") or "unknown")
    return FaceOrigin(number, name, tuple(str(name) for name in names if name), _photo_in(url), url)


def _photo_in(url: str) -> str:
    """Flickr's number of a photo, from the address of its page or file; "" if there is none."""
    found = PHOTO_PAGE.search(url)
    if found:
        return found[2]
    file = PHOTO_FILE.search(url)
    return file[1] if file else ""


def _plain(name: str) -> str:
    """Names compare without case and as written in an address or not: "Ann+Lee" is "ann lee"."""
    return unquote_plus(name).strip().casefold()
