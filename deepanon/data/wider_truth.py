"""The ground truth of WIDER FACE's own evaluation (Yang et al. 2016): four MATLAB files that say which faces count where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
    lists = [_cells(folder / file) for file in FILES]
    names, boxes = _names(lists[0]), _flat(lists[0]["face_bbx_list"])
    for file, content in zip(FILES[1:], lists[1:], strict=True):
        if _names(content) != names:
            raise DataError(f"{folder / file} lists other pictures than {BOXES}; take all four files from one place")
    counts = {
        subset: tuple(_chosen(found, len(faces), folder / file) for found, faces in zip(rows, boxes, strict=True))
        for subset, file, rows in zip(SUBSETS, FILES[1:], (_flat(content["gt_list"]) for content in lists[1:]), strict=True)
    }
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


def _cells(path: Path) -> dict[str, Any]:
    """The cell arrays of one file; of a subset the list of chosen faces, of the set the boxes."""
    wanted = ("event_list", "file_list", "face_bbx_list" if path.name == BOXES else "gt_list")
    try:
        content = loadmat(path, variable_names=wanted)
    except (OSError, ValueError, NotImplementedError, MatReadError) as error:
        raise DataError(f"{path} cannot be read as a MATLAB file: {error}") from error
    lost = [name for name in wanted if name not in content]
    if lost:
        raise DataError(f"{path} has no {lost[0]}; the file of the evaluation tools is needed, see {SOURCE}")
    return {name: content[name] for name in wanted}


def _flat(cells: Array) -> list[Array]:
    """A cell array of events, each a cell array of pictures -> one array a picture."""
    return [picture[0] for event in cells[:, 0] for picture in event]


def _names(content: dict[str, Any]) -> tuple[str, ...]:
    """"0--Parade/0_Parade_marchingband_1_465.jpg" and so on."""
    pairs = zip(content["event_list"][:, 0], content["file_list"][:, 0], strict=True)
    return tuple(f"{event[0]}/{file[0][0]}.jpg" for event, files in pairs for file in files)


def _chosen(numbers: Array, faces: int, path: Path) -> Array:
    """MATLAB's row numbers, from 1, as (faces,) bool."""
    rows = numbers.reshape(-1).astype(np.int64) - 1
    if len(rows) and not (0 <= rows.min() and rows.max() < faces):
        raise DataError(f"{path}: names face {int(rows.max()) + 1} of a picture that has {faces}")
    chosen = np.zeros(faces, dtype=bool)
    chosen[rows] = True
    return chosen


def _corners(sides: Array) -> Array:
    """(N, 4) x y width height of any type -> (N, 4) float64 x0 y0 x1 y1."""
    sides = sides.reshape(-1, 4).astype(np.float64)
    return np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)
