"""The ground truth of WIDER FACE's own evaluation (Yang et al. 2016): MATLAB files that say which faces count."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError
from deepanon.geometry import Array

SUBSETS = ("easy", "medium", "hard")  # each holds the faces of the one before
BOXES = "wider_face_val.mat"
FILES = (BOXES, *(f"wider_{subset}_val.mat" for subset in SUBSETS))
FOLDERS = ("eval_tools/ground_truth", "ground_truth", "wider_face_split", ".")  # of a root, the first that has all
FAILURES = (OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, zlib.error, MatReadError)
SOURCE = "eval_tools.zip on http://shuoyang1213.me/WIDERFACE (“Download evaluation tools”)"


@dataclass(frozen=True, eq=False)
class WiderTruth:
    """Annotated faces of a set of pictures, and which of them each subset wants found.

    Attributes:
        names: of the n pictures, unique, as `AnnotatedPhoto.name` spells them.
        boxes: n times (N, 4) float64 x0 y0 x1 y1 in pixels, x1 = x0 + width. Nothing is dropped: the official files
            have a few boxes without width or height, and one for each picture without a face.
        counts: subset -> n times (N,) bool, true for the faces that should be found; all others are ignored.
    """

    names: tuple[str, ...]
    boxes: tuple[Array, ...]
    counts: dict[str, tuple[Array, ...]]

    def __len__(self) -> int:
        return len(self.names)

    def faces(self, subset: str) -> Array:
        """(n,) int64: how many faces of each picture should be found."""
        return np.array([int(chosen.sum()) for chosen in self.counts[subset]], dtype=np.int64)

    def only(self, names: Sequence[str]) -> WiderTruth:
        """The pictures of these names, in their order.

        Raises:
            DataError: a name is not among `names`.
        """
        place = {name: i for i, name in enumerate(self.names)}
        unknown = [name for name in names if name not in place]
        if unknown:
            raise DataError(f"the ground truth has no picture {unknown[0]!r} ({len(unknown)} of {len(names)} unknown)")
        rows = [place[name] for name in names]
        counts = {subset: tuple(chosen[i] for i in rows) for subset, chosen in self.counts.items()}
        return replace(self, names=tuple(names), boxes=tuple(self.boxes[i] for i in rows), counts=counts)

    @classmethod
    def of_photos(cls, photos: Sequence[AnnotatedPhoto], subset: str = "all") -> WiderTruth:
        """The same for photos that are not WIDER's: one subset, of every face that is not marked invalid."""
        return cls(
            tuple(photo.name for photo in photos),
            tuple(photo.boxes.astype(np.float64) for photo in photos),
            {subset: tuple(~photo.ignored for photo in photos)},
        )


def read_wider_truth(root: str | Path) -> WiderTruth:
    """Read the official ground truth of the validation set: `wider_face_val.mat` and one file for each subset.

    Args:
        root: folder of WIDER FACE, with the files in `eval_tools/ground_truth/`, `ground_truth/`, `wider_face_split/`
            or beside each other in `root` itself.

    Returns:
        3,226 pictures in the order of the official lists, with the subsets easy, medium and hard.

    Raises:
        DataError: a file is missing (the message says where it belongs and where it comes from), is no such MATLAB
            file, or the four do not describe the same pictures.
    """
    folder = _locate(Path(root))
    names, boxes = _read(folder / BOXES, "face_bbx_list")
    counts = {}
    for subset, file in zip(SUBSETS, FILES[1:], strict=True):
        others, rows = _read(folder / file, "gt_list")
        if others != names:
            raise DataError(f"{folder / file} lists other pictures than {BOXES}; take all files from one place")
        counts[subset] = tuple(
            _chosen(numbers, len(faces), folder / file) for numbers, faces in zip(rows, boxes, strict=True)
        )
    return WiderTruth(names, tuple(_corners(faces) for faces in boxes), counts)


def _locate(root: Path) -> Path:
    """The folder that holds all four files."""
    for folder in FOLDERS:
        if all((root / folder / file).is_file() for file in FILES):
            return root / folder
    started = [root / folder for folder in FOLDERS if any((root / folder / file).is_file() for file in FILES[1:])]
    home = started[0] if started else root / FOLDERS[0]
    missing = [file for file in FILES if not (home / file).is_file()]
    raise DataError(f"the official evaluation needs {', '.join(missing)} in {home}; they come in {SOURCE}")


def _read(path: Path, cells: str) -> tuple[tuple[str, ...], list[Array]]:
    """Names of the pictures, and what the file says of each under `cells`."""
    wanted = ("event_list", "file_list", cells)
    try:
        content = loadmat(path, variable_names=wanted)
        events, files, values = (content[name][:, 0] for name in wanted)
        pairs = [(event[0], file[0][0]) for event, inside in zip(events, files, strict=True) for file in inside]
        rows = [np.asarray(value[0]) for event in values for value in event]
    except FAILURES as error:
        raise DataError(f"{path} is not the file of WIDER FACE's evaluation tools ({error}); see {SOURCE}") from error
    if len(rows) != len(pairs):
        raise DataError(f"{path}: {cells} is of {len(rows)} pictures, file_list of {len(pairs)}")
    return tuple(f"{event}/{file}.jpg" for event, file in pairs), rows


def _chosen(numbers: Array, faces: int, path: Path) -> Array:
    """MATLAB's row numbers, from 1, as (faces,) bool."""
    rows = numbers.reshape(-1).astype(np.int64) - 1
    if len(rows) and not (rows.min() >= 0 and rows.max() < faces):
        raise DataError(f"{path}: names faces {rows.min() + 1} to {rows.max() + 1} of a picture that has {faces}")
    chosen = np.zeros(faces, dtype=bool)
    chosen[rows] = True
    return chosen


def _corners(sides: Array) -> Array:
    """(N, 4) x y width height of any type -> (N, 4) float64 x0 y0 x1 y1."""
    sides = sides.reshape(-1, 4).astype(np.float64)
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)
