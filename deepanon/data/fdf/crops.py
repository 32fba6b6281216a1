"""Flickr Diverse Faces (FDF, Hukkelås et al. 2019) as training crops, in the layouts in which it is found."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from deepanon import geometry
from deepanon.checks import check_count
from deepanon.data.cropset import CropSet
from deepanon.data.decode import decode, size_of
from deepanon.data.fdf.layout import FdfFiles, find_files, numbers_in
from deepanon.data.fdf.meta import kept_faces
from deepanon.data.units import check_fractions
from deepanon.detections import COCO7
from deepanon.errors import DataError, ImageError, OptionError
from deepanon.geometry import Array

log = logging.getLogger(__name__)
BLOCK = 100_000  # rows converted at a time, so that no second copy of a mapped array is made


class FdfCrops(CropSet):
    """A split of FDF or FDF256. Files are found and all arrays checked at once; pictures are decoded on demand.

    A resolution is read from the smallest pictures of the release that are large enough, so that the low phases of a
    growing network read the small files. FDF256 has one size only. The layouts are in data/README.md. Rows of the
    layout as downloaded are the numbers of the files; in the others, files are in the order of their numbers, as the
    published readers have it. Keypoints are the seven of `coco7`, by their place in the array.

    Args:
        root: folder of the data set.
        split: "train" or "val".
        resolution: largest side in pixels that can be read.
        licences: keep only faces under these, e.g. [cc-by-2, cc-by-sa-2]; None keeps all. Needs the metainfo.
        opt_out: file that lists what must not be used, see `deepanon.data.fdf.meta.OptOut`.
        limit: keep only the first so many.
        val_rows: rows at the end that are held out, in the layout as downloaded (which has no folders for it).
        layout: "downloaded", "split" or "fdf256", where two lie in the same folder; None = find out.
        max_corrupt: see `CropSet`.
        cache_gib: see `CropSet`.

    Raises:
        DataError: something is missing, counts disagree, values are impossible or in another unit than the layout has.
        TypeError: an argument of another kind.
        OptionError: an impossible value.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        resolution: int = 128,
        licences: Sequence[str] | None = None,
        opt_out: str | Path | None = None,
        limit: int | None = None,
        val_rows: int = 50_000,
        layout: str | None = None,
        max_corrupt: int | None = None,
        cache_gib: float = 2.0,
    ) -> None:
        check_count("resolution", resolution)
        check_count("limit", 1 if limit is None else limit)
        check_count("val_rows", val_rows)
        self.root, self.split = Path(root), split
        files = find_files(self.root, split, val_rows, layout)
        self.folders, self.suffixes = _folders_for(files, resolution)
        self.numbers, rows = self._choose(files, licences, opt_out, limit)
        boxes, keypoints = _fractions(files, rows)
        _check_boxes(files, rows, self.numbers, boxes)
        super().__init__(boxes, keypoints, COCO7, resolution, max_corrupt, cache_gib)
        self._check_pictures(files)
        log.info("%s: FDF in layout %r, sizes %s, %d crops of %r",
                 self.root, files.layout, list(files.folders), len(self), split)  # fmt: skip

    def name(self, row: int) -> str:
        """The largest picture."""
        return self.path(row, self.resolution)

    def path(self, row: int, resolution: int) -> str:
        """The file that is read for a crop at a resolution."""
        side = next(side for side in self.folders if side >= resolution)
        return f"{self.folders[side]}/{self.numbers[row]}{self.suffixes[side]}"  # a `Path` takes as long as a small PNG

    def decode(self, row: int, out: Array) -> None:
        """Fill `out` (S, S, 3) uint8 with a crop at that size."""
        with open(self.path(row, len(out)), "rb", buffering=0) as file:
            blob = file.readall()
        decode(blob, out)

    def _choose(
        self, files: FdfFiles, licences: Sequence[str] | None, opt_out: str | Path | None, limit: int | None
    ) -> tuple[Array, Array]:
        """Numbers of the files that are used, and their rows in the arrays."""
        n = len(files.boxes)
        numbers = np.arange(n) if files.layout == "downloaded" else numbers_in(files.folders[files.side])[0]
        if len(numbers) != n:
            raise DataError(
                f"{files.folders[files.side]} holds {len(numbers)} pictures, {files.box_file} {n} rows; "
                "rows belong to files in the order of their numbers, so all must be there"
            )
        rows = np.arange(files.first, files.last)
        if licences is not None or opt_out is not None:
            kept = kept_faces(files.metainfo, numbers[rows], licences, opt_out)
            log.info("%s: %d of %d crops of %r kept", self.root, kept.sum(), len(rows), self.split)
            rows = rows[kept]
        rows = rows[:limit]
        if not len(rows):
            raise DataError(
                f"{self.root}: no crops of split {self.split!r} left (licences {licences}, opt_out {opt_out})"
            )
        return numbers[rows], rows

    def _check_pictures(self, files: FdfFiles) -> None:
        """Every crop has its file in every size that is read, and the first has that size."""
        for side, folder in self.folders.items():
            present, self.suffixes[side] = numbers_in(folder)
            missing = self.numbers[~np.isin(self.numbers, present)]
            if missing.size:
                raise DataError(
                    f"{folder}: {missing.size} of {len(self)} pictures are missing, the first is "
                    f"{missing[0]}{self.suffixes[side]}; unpack all archives, or choose those you have with licences="
                )
            if files.layout == "downloaded" and present[-1] >= len(files.boxes):
                name = f"{present[-1]}{self.suffixes[side]}"
                raise DataError(f"{folder}: {name} has no row in {files.box_file} of {len(files.boxes)} rows")
            _check_side(folder / f"{self.numbers[0]}{self.suffixes[side]}", side)


def _check_side(path: Path, side: int) -> None:
    try:
        width, height = size_of(path.read_bytes())
    except ImageError:
        return  # a damaged crop is dealt with when it is read
    if (width, height) != (side, side):
        raise DataError(f"{path}: {width}x{height} px; pictures of this folder must be {side}x{side} px")


def _folders_for(files: FdfFiles, resolution: int) -> tuple[dict[int, Path], dict[int, str]]:
    """The folders that are needed to read at `resolution` and below: those smaller, and the first that is enough."""
    enough = [side for side in files.folders if side >= resolution]
    if not enough:
        raise OptionError(
            f"the largest pictures have {files.side} px; resolution must not exceed that, got {resolution}"
        )
    return {side: folder for side, folder in files.folders.items() if side <= enough[0]}, {}


def _fractions(files: FdfFiles, rows: Array) -> tuple[Array, Array]:
    """Boxes (n, 4) and keypoints (n, 7, 2) of the chosen rows as float32 fractions of the crop."""
    n = len(files.boxes)
    for array, path, shapes in (
        (files.boxes, files.box_file, [(n, 4)]),
        (files.keypoints, files.keypoint_file, [(n, 14), (n, 7, 2)]),
    ):
        if array.shape not in shapes:
            raise DataError(f"{path}: shape {array.shape}, expected {' or '.join(map(str, shapes))}")
    boxes, keypoints = np.empty((len(rows), 4), np.float32), np.empty((len(rows), 7, 2), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        boxes[block] = files.boxes[rows[block]] / files.side
        keypoints[block] = files.keypoints[rows[block]].reshape(-1, 7, 2) / (1 if files.normalised else files.side)
    for array, path in ((boxes, files.box_file), (keypoints, files.keypoint_file)):
        if not np.isfinite(array).all():
            raise DataError(
                f"{path}: row {rows[np.argwhere(~np.isfinite(array))[0, 0]]} holds values that are not finite"
            )
    _check_units(boxes, "pixels", files, files.box_file)
    _check_units(keypoints, "fractions" if files.normalised else "pixels", files, files.keypoint_file)
    return boxes, keypoints


def _check_units(values: Array, unit: str, files: FdfFiles, path: Path) -> None:
    """The layout says the unit; refuse values that can only be in the other one, or in pixels of another size."""
    pixels = unit == "pixels"
    wanted = f"pixels of {files.side} px pictures" if pixels else unit
    expected = f"coordinates must be {wanted} in layout {files.layout!r}"
    check_fractions(values, path, expected, files.side if pixels else 1)


def _check_boxes(files: FdfFiles, rows: Array, numbers: Array, boxes: Array) -> None:
    wrong = np.flatnonzero(~geometry.inside(boxes, 1, 1))
    if wrong.size:
        row = wrong[0]
        raise DataError(
            f"{files.box_file}: {wrong.size} boxes hide nothing, the first in row {rows[row]}: "
            f"{files.boxes[rows[row]].tolist()}; boxes are x0 y0 x1 y1 in pixels of {files.side} px pictures. "
            f"To do without such a crop, put a line 'face: {numbers[row]}' into a file and name it with opt_out="
        )
    beyond = (boxes < -1 / files.side) | (boxes > 1 + 1 / files.side)
    if beyond.any(axis=1).mean() > 0.01:
        raise DataError(
            f"{files.box_file}: {beyond.any(axis=1).mean():.0%} of the boxes reach out of their crops; "
            f"are they in pixels of {files.side} px pictures?"
        )
