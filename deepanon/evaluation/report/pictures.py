"""Sample pictures for a report: crops of faces before and after, each with what it shows and whether it is a photo."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deepanon import geometry
from deepanon.errors import DataError, OptionError
from deepanon.files import replacing
from deepanon.geometry import Array
from deepanon.images import check_pixels, write_image

INDEX = "index.json"
KINDS = ("grid", "worst")
SIDE, GAP, AROUND = 160, 4, 1.6  # of a crop in pixels, between two, side of the crop over the longer side of the face
WHITE = 255


@dataclass(frozen=True)
class Picture:
    """One stored picture.

    Attributes:
        set: name of the data set.
        method: what was done to the face.
        photo: which picture it is from.
        kind: "grid" for an example, "worst" for a case that went wrong.
        reason: why it is shown, e.g. "not found by yunet any more" or "similarity 0.71".
        file: its name in the folder.
        real: shows a photograph; anything but a plain `false` counts as true.
    """

    set: str
    method: str
    photo: str
    kind: str
    reason: str
    file: str
    real: bool = True


class Pictures:
    """A folder of sample pictures with its `index.json`, which is whole after every picture.

    Args:
        folder: made if it is missing; one that was begun before is gone on with.
        fresh: begin anew: what the folder's index lists is removed.

    Raises:
        DataError: the folder's index is damaged.
    """

    def __init__(self, folder: str | Path, fresh: bool = False) -> None:
        self.folder = Path(folder)
        self.pictures = read_pictures(self.folder) if (self.folder / INDEX).exists() else []
        if fresh and self.pictures:
            (self.folder / INDEX).unlink()
            for picture in self.pictures:
                (self.folder / picture.file).unlink(missing_ok=True)
            self.pictures = []

    def add(
        self,
        pixels: Array,
        *,
        set: str,
        method: str,
        photo: str,
        kind: str = "grid",
        reason: str = "",
        real: bool = True,
    ) -> Picture:
        """Store (H, W, 3) uint8 pixels; what is there already, pixel for pixel and word for word, stays as it is.

        Raises:
            OptionError: unknown kind.
            ImageError: the pixels are no picture, or it cannot be written.
        """
        if kind not in KINDS:
            raise OptionError(f"unknown kind of picture {kind!r}; choose one of: {', '.join(KINDS)}")
        check_pixels(pixels)
        digest = hashlib.sha256(repr((set, photo, kind, reason, pixels.shape)).encode() + pixels.tobytes()).hexdigest()
        new = Picture(set, method, photo, kind, reason, f"{_plain(method)}-{digest[:16]}.jpg", real is not False)
        if new in self.pictures:
            return new
        write_image(self.folder / new.file, pixels)
        self.pictures.append(new)
        with replacing(self.folder / INDEX) as temporary:
            content = json.dumps([asdict(picture) for picture in self.pictures], indent=1, ensure_ascii=False)
            temporary.write_text(content + "\n", encoding="utf-8")
        return new


def read_pictures(folder: str | Path) -> list[Picture]:
    """The pictures that `index.json` of a folder lists.

    Raises:
        DataError: there is no index, it is damaged, or it names a file that is not in the folder.
    """
    path = Path(folder) / INDEX
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise DataError(f"{path}: damaged, or no JSON ({error})") from error
    if not isinstance(stored, list):
        raise DataError(f"{path}: must be a list of pictures")
    return [_read(entry, path) for entry in stored]


def _read(entry: Any, path: Path) -> Picture:
    names = ("set", "method", "photo", "kind", "reason", "file")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in names):
        raise DataError(f"{path}: not a picture: {entry!r}; it needs {', '.join(names)}")
    file = entry["file"]
    if Path(file).name != file or not (path.parent / file).is_file():
        raise DataError(f"{path}: there is no picture {file!r} beside it")
    if entry["kind"] not in KINDS:
        raise DataError(f"{path}: {file} is of unknown kind {entry['kind']!r}; one of: {', '.join(KINDS)}")
    return Picture(**{name: entry[name] for name in names}, real=entry.get("real") is not False)


def face_pair(original: Array, anonymized: Array, box: Array, side: int = SIDE) -> Array:
    """(side, 2 side + GAP, 3) uint8: the surroundings of one face before and after, side by side.

    Args:
        original: (H, W, 3) uint8.
        anonymized: the same picture after.
        box: (4,) x0 y0 x1 y1 in pixels.
        side: of each crop in pixels.

    Raises:
        OptionError: the two pictures differ in size, or the box has no area in them.
    """
    if original.shape != anonymized.shape:
        raise OptionError(f"before and after differ in size: {original.shape} and {anonymized.shape}")
    window = _window(np.asarray(box, dtype=np.float64), original.shape[1], original.shape[0])
    gap = np.full((side, GAP, 3), WHITE, dtype=np.uint8)
    return np.concatenate([_view(original, window, side), gap, _view(anonymized, window, side)], axis=1)


def choose_faces(boxes: Array, n: int, smallest: float = 24) -> list[int]:
    """Indices of at most `n` faces, from large to small and evenly spread in between, so that not only the easy show.

    Args:
        boxes: (N, 4) pixels.
        n: how many.
        smallest: height in pixels under which a face shows nothing at 160 px; taken only if all are smaller.
    """
    heights = boxes[:, 3] - boxes[:, 1]
    order = np.argsort(-heights, kind="stable")
    large = order[heights[order] >= smallest]
    order = large if len(large) else order
    chosen = np.unique(np.linspace(0, len(order) - 1, min(n, len(order))).round().astype(int))
    return [int(face) for face in order[chosen]]


def worst_cases(scores: Sequence[float], n: int) -> list[int]:
    """Indices of the `n` highest scores, worst first; NaN is left out."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
    return [int(at) for at in order[:n] if np.isfinite(values[at])]


def _window(box: Array, width: int, height: int) -> tuple[int, int, int, int]:
    """A square around the box, moved inside the picture as far as it fits."""
    if not (box[2] > box[0] and box[3] > box[1]) or not geometry.inside(box[None], width, height)[0]:
        raise OptionError(f"box {box.tolist()} has no area in a picture of {width}x{height}")
    reach = int(max(min(AROUND * max(box[2] - box[0], box[3] - box[1]), width, height), 1))
    left = int(np.clip((box[0] + box[2] - reach) / 2, 0, width - reach))
    top = int(np.clip((box[1] + box[3] - reach) / 2, 0, height - reach))
    return left, top, left + reach, top + reach


def _view(image: Array, window: tuple[int, int, int, int], side: int) -> Array:
    x0, y0, x1, y1 = window
    shrinks = x1 - x0 > side
    view = cv2.resize(image[y0:y1, x0:x1], (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(view, dtype=np.uint8)


def _plain(name: str) -> str:
    return re.sub(r"[^\w-]+", "_", name)[:40] or "picture"
