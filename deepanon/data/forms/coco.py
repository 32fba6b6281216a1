"""The form of COCO (Lin et al. 2014): folders of pictures, and JSON files that list them with their annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepanon.data.forms.files import SetFiles, check_upright, pictures_below, some
from deepanon.errors import DataError

FOLDER = "annotations"
LINKS = ("coco_url", "flickr_url")


def read_coco(root: Path) -> SetFiles:
    """Sort the files: pictures that some JSON file lists, and these files, in `annotations/` or at the root.

    A listed name is looked for below the root, in `images/`, in a folder that the JSON file's name ends in
    (`instances_val2017.json`: `val2017/`), then anywhere. Pictures that no file lists are left out, among them the
    masks of panoptic annotations.

    Raises:
        DataError: no annotations, a file that is no JSON, a listed picture that is not there or could be several files,
            sizes that differ from the pictures', pictures that are stored turned.
    """
    pictures, others = pictures_below(root)
    candidates = [name for name in others if name.endswith(".json") and _place(name) in ("", FOLDER)]
    entries = {name: images for name in candidates if (images := _images(root / name)) is not None}
    if not entries:
        raise DataError(f"{root}: no COCO annotations; expected {FOLDER}/*.json with a list `images`")
    index = _index(pictures)
    sizes: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, images in entries.items():
        for entry in images:
            sizes.setdefault(_found(root, name, entry, index), []).append((name, entry))
    listed = sorted(sizes)
    _check_sizes(root, sizes, check_upright(root, listed))
    unlisted = [name for name in pictures if name not in sizes]
    return SetFiles(listed, sorted(entries), sorted({*unlisted, *others} - {*entries}), list(_notes(entries, unlisted)))


def _place(name: str) -> str:
    return name.rpartition("/")[0]


def _images(path: Path) -> list[dict[str, Any]] | None:
    """The list `images` of a COCO file; None if the file is about something else."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    images = stored.get("images") if isinstance(stored, dict) else None
    if not isinstance(images, list):
        return None
    for entry in images:
        if not isinstance(entry, dict) or not isinstance(entry.get("file_name"), str):
            raise DataError(f"{path}: an entry of `images` has no file_name: {str(entry)[:80]}")
    _check_annotations(path, stored, images)
    return images


def _check_annotations(path: Path, stored: dict[str, Any], images: list[dict[str, Any]]) -> None:
    """Every annotation must speak of a listed picture."""
    known = {entry.get("id") for entry in images}
    for annotation in stored.get("annotations") or []:
        if isinstance(annotation, dict) and annotation.get("image_id") not in known:
            raise DataError(
                f"{path}: annotation {annotation.get('id')} speaks of image {annotation.get('image_id')!r}, which is "
                "not listed"
            )


def _index(pictures: list[str]) -> dict[str, list[str]]:
    """Last part of the name -> names."""
    index: dict[str, list[str]] = {}
    for name in pictures:
        index.setdefault(name.rpartition("/")[2], []).append(name)
    return index


def _found(root: Path, source: str, entry: dict[str, Any], index: dict[str, list[str]]) -> str:
    """The picture that an entry means."""
    wanted = entry["file_name"]
    places = [
        name
        for name in index.get(wanted.rpartition("/")[2], [])
        if (name == wanted or name.endswith(f"/{wanted}")) and not name.startswith(f"{FOLDER}/")
    ]
    stem = source.rpartition("/")[2].removesuffix(".json")
    for likely in (wanted, f"images/{wanted}"):
        if likely in places:
            return likely
    named = [name for name in places if stem.endswith(name.removesuffix(wanted).rstrip("/").rpartition("/")[2])]
    for choice in (named, places):
        if len(choice) == 1:
            return choice[0]
    if places:
        raise DataError(f"{root / source}: {wanted} could be {some(places)}; keep one")
    raise DataError(f"{root / source}: lists {wanted}, but there is no such picture below {root}")


def _check_sizes(
    root: Path, listed: dict[str, list[tuple[str, dict[str, Any]]]], sizes: dict[str, tuple[int, int]]
) -> None:
    for picture, entries in listed.items():
        for source, entry in entries:
            said = (entry.get("width"), entry.get("height"))
            if None not in said and said != sizes[picture]:
                raise DataError(
                    f"{root / source}: says {picture} has {said[0]}x{said[1]} pixels, it has "
                    f"{sizes[picture][0]}x{sizes[picture][1]}"
                )


def _notes(entries: dict[str, list[dict[str, Any]]], unlisted: list[str]) -> Iterator[str]:
    if unlisted:
        yield f"in no annotation file, and left out: {some(unlisted)}"
    linked = [name for name, images in entries.items() if any(entry.get(link) for entry in images for link in LINKS)]
    if linked:
        yield f"{some(linked)}: kept as they are, with links to the original photos ({', '.join(LINKS)})"
