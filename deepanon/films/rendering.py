"""The second pass: every frame with its faces replaced, compressed piece by piece."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from deepanon.ahead import ahead
from deepanon.anonymizers import Anonymizer, ByLabel
from deepanon.errors import FilmError
from deepanon.films.covers import DRAWN, Covers
from deepanon.films.frames import Frame, Source
from deepanon.films.making import Making
from deepanon.films.sightings import Progress
from deepanon.films.steady import Trail, steadied
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces

PIECE = 240  # frames that are compressed together, and lost together when a run is killed


class Painter:
    """Makes the new picture of each frame.

    Args:
        covers: what becomes of each face.
        drawer: the method for faces that are drawn, or a method for each label.
        redactor: the method for boxes that are redacted; it must not see faces.
        seeds: one a track.
        left: tracks whose faces stay as they are; whoever draws beside them does not see them.
        steady: whether drawings are carried from frame to frame; without it, frames may come in any order.
    """

    def __init__(
        self,
        covers: Covers,
        drawer: Anonymizer | ByLabel,
        redactor: Anonymizer,
        seeds: Sequence[int],
        left: Collection[int] = (),
        steady: bool = True,
    ) -> None:
        self.left = list(left)
        self.covers, self.redactor, self.seeds, self.trail = covers, redactor, seeds, Trail()
        self.drawer = steadied(drawer, self.trail) if steady else drawer

    def begin(self) -> None:
        """Forget what was drawn: the next frame is the first of a piece, which is made alike whatever was before."""
        self.trail.forget()

    def __call__(self, frame: Frame, width: int, height: int) -> Array:
        """(H, W, 3) uint8 RGB; a frame that could not be decoded is black."""
        self.trail.turn(frame.index)
        if frame.pixels is None:
            return np.zeros((height, width, 3), dtype=np.uint8)
        faces, tracks, why = self.covers.at(frame.index)
        if not len(faces):
            return frame.pixels
        seeds, left = [self.seeds[track] for track in tracks], np.isin(tracks, self.left)
        unsure = np.flatnonzero((why != DRAWN) & ~left)
        unsure = unsure[~_within_another(faces.boxes[unsure])]
        redacted = replace_faces(frame.pixels, faces, self.redactor, seeds, unsure.tolist())
        return replace_faces(redacted, faces, self.drawer, seeds, np.flatnonzero((why == DRAWN) & ~left).tolist())


def _within_another(boxes: Array) -> Array:
    """(N,) bool: the box adds nothing to another one; of equal boxes one is left."""
    low, high = boxes[:, None, :2] >= boxes[None, :, :2], boxes[:, None, 2:] <= boxes[None, :, 2:]
    inside = low.all(-1) & high.all(-1)
    later = np.tri(len(boxes), dtype=bool).T  # itself too
    return np.asarray((inside & ~(inside.T & later)).any(1))


def render(
    film: Source,
    painter: Painter,
    making: Making,
    folder: Path,
    pts: Array,
    span: tuple[float | None, float | None] = (None, None),
    progress: Progress = lambda what, done, total: None,
) -> list[Path]:
    """Write the pieces of the new film to `folder`, those that are not there yet, and return all in order.

    Args:
        film: to replace faces in.
        painter: makes each picture.
        making: compresses them.
        folder: where pieces lie.
        pts: (F,) when each frame is shown that was looked at.
        span: start and end in seconds.
        progress: told "replacing", frames done, and frames in all.

    Raises:
        FilmError: the film does not have the frames that were looked at.
    """
    count = len(pts)
    paths = [folder / f"{start:09d}.npz" for start in range(0, count, PIECE)]
    done = 0
    with closing(ahead(film.frames(*span))) as frames:  # the thread must end before the film is closed
        for path in paths:
            some = islice(frames, min(PIECE, count - done))
            if path.exists():
                done += sum(1 for _ in some)
                continue
            made = making.encode(_painted(some, film, painter, pts, progress), film)
            done += len(made.pts)
            made.save(path)
        if done != count or next(frames, None) is not None:
            raise FilmError(f"{film.path}: is not the film that was looked at, which had {count} frames")
    return paths


def _painted(
    frames: Iterator[Frame], film: Source, painter: Painter, pts: Array, progress: Progress
) -> Iterator[tuple[int, Array]]:
    painter.begin()
    for frame in frames:
        if frame.pts != pts[frame.index]:
            raise FilmError(
                f"{film.path}: is not the film that was looked at: frame {frame.index} is shown at another time"
            )
        yield frame.pts, painter(frame, film.width, film.height)
        progress("replacing", frame.index + 1, len(pts))
