"""Where Flickr Diverse Faces (FDF, Hukkelås et al. 2019) keeps what: the layouts in which it is found on disks."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from deepanon.data import SPLITS
from deepanon.errors import DataError, OptionError
from deepanon.geometry import Array

SUFFIXES = (".png", ".jpg")
LAYOUTS = {
    "downloaded": "images/<size>/N.png, bounding_box/<size>.npy, landmarks/<size>.npy (as FDF's downloader leaves it)",
    "split": "<split>/images/<size>/N.png, <split>/bounding_box/<size>.torch, <split>/landmarks.npy (DeepPrivacy v2)",
    "fdf256": "<split>/images/N.png, <split>/bounding_box.npy, <split>/landmarks.npy (FDF256)",
}
FDF256_SIDE = 256  # pixels; the layout has no folder that says it


@dataclass(frozen=True)
class FdfFiles:
    """One split of FDF: files that exist, arrays that are not converted yet.

    Attributes:
        layout: a key of `LAYOUTS`.
        folders: side in pixels -> folder of pictures `N<suffix>`.
        boxes: (n, 4) pixels of pictures of `side`; perhaps mapped from the file.
        keypoints: (n, 14) or (n, 7, 2) pixels of `side`, or fractions of the crop where `normalised`.
        side: pixels, see above.
        normalised: whether `keypoints` are fractions.
        first: row of the arrays where this split begins, …
        last: … and where it ends.
        metainfo: `fdf_metainfo.json`, whether it exists or not.
        box_file: for messages.
        keypoint_file: for messages.
    """

    layout: str
    folders: dict[int, Path]
    boxes: Array
    keypoints: Array
    side: int
    normalised: bool
    first: int
    last: int
    metainfo: Path
    box_file: Path
    keypoint_file: Path


def find_files(root: str | Path, split: str, val_rows: int, layout: str | None = None) -> FdfFiles:
    """Recognise the layout of `root` and open one split.

    Args:
        root: folder of the data set.
        split: "train" or "val".
        val_rows: rows at the end that are held out, in the layout that has no folders for it.
        layout: which one it is, where two lie in the same folder; None = find out.

    Raises:
        DataError: no layout or several are recognised, a file is missing or unreadable, or counts differ.
        OptionError: an unknown split or layout.
    """
    root = Path(root)
    if split not in SPLITS:
        raise OptionError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
    if layout is not None and layout not in LAYOUTS:
        raise OptionError(f"unknown layout {layout!r} of FDF; choose one of: {', '.join(LAYOUTS)}")
    found = _recognise(root, split)
    if layout is None and len(found) == 1:
        layout = found[0]
    if layout is None or layout not in found:
        known = "\n".join(f"  {name}: {what}" for name, what in LAYOUTS.items())
        seen = f"several layouts of FDF ({', '.join(found)}); choose with layout=" if found else "no layout of FDF"
        raise DataError(f"{root}: {seen}. data.root must be a folder with one of:\n{known}")
    if layout == "downloaded":
        return _downloaded(root, split, val_rows)
    return _split(root, root / split, layout)


def numbers_in(folder: Path) -> tuple[Array, str]:
    """The N of all files `N.png` in a folder, ascending (n,) int64, and their suffix."""
    found: dict[str, list[int]] = {suffix: [] for suffix in SUFFIXES}
    with os.scandir(folder) as entries:
        for entry in entries:
            stem, suffix = os.path.splitext(entry.name)
            if suffix in found and stem.isdecimal():
                found[suffix].append(int(stem))
    used = [suffix for suffix in SUFFIXES if found[suffix]]
    if len(used) != 1:
        raise DataError(f"{folder}: {'both .png and .jpg files' if used else 'no pictures N.png'}")
    return np.sort(np.array(found[used[0]], dtype=np.int64)), used[0]


def _recognise(root: Path, split: str) -> list[str]:
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; data.root must be a folder of FDF")
    found = ["downloaded"] if (root / "images").is_dir() else []
    pictures = root / split / "images"
    if pictures.is_dir():
        found.append("split" if sizes_in(pictures) else "fdf256")
    return found


def _downloaded(root: Path, split: str, val_rows: int) -> FdfFiles:
    folders = sizes_in(root / "images")
    if not folders:
        raise DataError(f"{root / 'images'}: no folders of pictures named by their size, such as 128")
    arrays = {}
    for side in folders:
        boxes, box_file = open_array(root / "bounding_box" / str(side))
        keypoints, keypoint_file = open_array(root / "landmarks" / str(side))
        arrays[side] = boxes, box_file, keypoints, keypoint_file
    side = max(folders)
    boxes, box_file, keypoints, keypoint_file = arrays[side]
    for a, a_file, b, b_file in arrays.values():
        for array, path in ((a, a_file), (b, b_file)):
            if len(array) != len(boxes):
                raise DataError(
                    f"{path} has {len(array)} rows, {box_file} has {len(boxes)}; they must describe the same faces"
                )
    n = len(boxes)
    if not 0 < val_rows < n:
        raise DataError(
            f"{box_file}: {n} rows, of which the last {val_rows} cannot be held out; choose another val_rows"
        )
    first, last = (0, n - val_rows) if split == "train" else (n - val_rows, n)
    return FdfFiles("downloaded", folders, boxes, keypoints, side, False, first, last, root / "fdf_metainfo.json",
                    box_file, keypoint_file)  # fmt: skip


def _split(root: Path, folder: Path, layout: str) -> FdfFiles:
    folders = sizes_in(folder / "images") if layout == "split" else {FDF256_SIDE: folder / "images"}
    side = max(folders)
    boxes, box_file = open_array(folder / "bounding_box" / str(side) if layout == "split" else folder / "bounding_box")
    keypoints, keypoint_file = open_array(folder / "landmarks")
    metainfo = next((path for path in (folder / "fdf_metainfo.json", root / "fdf_metainfo.json") if path.is_file()),
                    folder / "fdf_metainfo.json")  # fmt: skip
    return FdfFiles(layout, folders, boxes, keypoints, side, True, 0, len(boxes), metainfo, box_file, keypoint_file)


def sizes_in(folder: Path) -> dict[int, Path]:
    """Sub-folders that are named by a size in pixels, ascending."""
    return dict(sorted((int(path.name), path) for path in _folders(folder) if path.name.isdecimal()))


def _folders(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:  # may hold hundreds of thousands of files
        yield from (Path(entry.path) for entry in entries if entry.is_dir())


def open_array(stem: Path) -> tuple[Array, Path]:
    """`<stem>.npy`, mapped into memory and not read, or `<stem>.torch`; and which file it was.

    Raises:
        DataError: neither exists, or it holds no table of numbers.
    """
    mapped, saved = Path(f"{stem}.npy"), Path(f"{stem}.torch")
    path = mapped if mapped.is_file() or not saved.is_file() else saved
    if not path.is_file():
        raise DataError(f"{mapped} does not exist (nor {saved.name})")
    try:
        if path == mapped:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
            array = loaded.numpy() if isinstance(loaded, torch.Tensor) else np.asarray(loaded)
    except (OSError, ValueError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise DataError(f"{path}: not a readable array ({error})") from None
    if array.dtype.kind not in "iuf" or array.ndim < 1:
        raise DataError(f"{path}: holds {array.dtype} of shape {array.shape}, not a table of numbers")
    return array, path
