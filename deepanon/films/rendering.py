"""The second pass: every frame with its faces replaced, compressed piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from deepanon import geometry
from deepanon.ahead import ahead, side_by_side
from deepanon.anonymizers import Anonymizer, ByLabel
from deepanon.crops import regions_of
from deepanon.errors import FilmError
from deepanon.films.covers import DRAWN, Covers
from deepanon.films.frames import Frame, Picture, Source
from deepanon.films.making import Making
from deepanon.films.pictures import Pixels
from deepanon.films.sightings import Progress
from deepanon.films.steady import steadied
from deepanon.films.trail import Trail
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces

PIECE = 240  # frames that are compressed together, and lost together when a run is killed
ROOM = 4  # new pictures that wait for the encoder


class Painter:
    """Makes the new picture of each frame.

    Args:
        covers: what becomes of each face.
        drawer: the method for faces that are drawn, or a method for each label.
        redactor: the method for boxes that are redacted; it must not see faces.
        seeds: one a track.
        left: tracks whose faces stay as they are; whoever draws beside them does not see them.
        steady: whether drawings are carried from frame to frame; without it, frames may come in any order.

    Attributes:
        threads: how many frames are worth painting side by side: one is drawn while drawings are carried to another.
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
        self.threads = 1 if self.drawer is drawer else 2

    def begin(self) -> None:
        """Forget what was drawn: the next frame is the first of a piece, which is made alike whatever was before."""
        self.trail.forget()

    def __call__(self, frame: Frame, width: int, height: int) -> Picture:
        """The new picture; that of a frame which could not be decoded is black.

        Only the crops of its faces are looked at, and only what was changed in them is another than it was.
        """
        return self.task(frame, width, height)()

    def task(self, frame: Frame, width: int, height: int) -> Callable[[], Picture]:
        """What makes the new picture when it is called, which must be done.

        Tasks are asked for in the order of frames and begun in that order; they may run side by side.
        """
        turn = self.trail.turn(frame.index)

        def paint() -> Picture:
            with turn:
                return self._picture(frame, width, height)

        return paint

    def _picture(self, frame: Frame, width: int, height: int) -> Picture:
        if frame.picture is None:
            return Pixels(np.zeros((height, width, 3), dtype=np.uint8))
        faces, _, _ = self.covers.at(frame.index)
        if not len(faces):
            return frame.picture
        windows = geometry.clip(regions_of(faces.boxes, width, height), width, height)
        before, canvas = frame.picture.opened(windows)
        return frame.picture.painted(before, self._paint(before, canvas, frame.index), windows)

    def _paint(self, pixels: Array, canvas: Array, index: int) -> Array:
        """The canvas, which is a copy of the pixels, (H, W, 3) uint8 RGB, with the faces of a frame replaced."""
        faces, tracks, why = self.covers.at(index)
        seeds, left = [self.seeds[track] for track in tracks], np.isin(tracks, self.left)
        unsure, drawn = np.flatnonzero((why != DRAWN) & ~left), np.flatnonzero((why == DRAWN) & ~left)
        unsure = unsure[~_within_another(faces.boxes[unsure])]
        if len(unsure):
            pixels = replace_faces(pixels, faces, self.redactor, seeds, unsure.tolist(), canvas)
            canvas = pixels.copy()
        return replace_faces(pixels, faces, self.drawer, seeds, drawn.tolist(), canvas)


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

    Decoding and compressing have a thread each and painting has one or two, a few frames apart, whatever the length of
    the film.

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
    paths = [folder / f"{start:09d}.npz" for start in range(0, len(pts), PIECE)]
    missing = [not path.exists() for path in paths]
    with (  # the threads must end before the film is closed
        closing(ahead(film.frames(*span))) as frames,
        closing(side_by_side(_tasks(frames, film, painter, pts, missing), painter.threads, ROOM)) as painted,
    ):
        for number, path in enumerate(paths):
            if missing[number]:
                some = islice(painted, min(PIECE, len(pts) - number * PIECE))
                making.encode(_told(some, progress, len(pts)), film).save(path)
        next(painted, None)  # to the end of the film, which may not be where it was
    return paths


def _tasks(
    frames: Iterable[Frame], film: Source, painter: Painter, pts: Array, missing: Sequence[bool]
) -> Iterator[Callable[[], tuple[Frame, Picture]]]:
    """What gives each frame of the pieces that are missing with its new picture."""
    done = 0
    for frame in frames:
        if frame.index >= len(pts):
            done += 1
            break
        if missing[frame.index // PIECE]:
            if frame.pts != pts[frame.index]:
                raise FilmError(
                    f"{film.path}: is not the film that was looked at: frame {frame.index} is shown at another time"
                )
            if frame.index % PIECE == 0:
                painter.begin()
            yield _with(frame, painter.task(frame, film.width, film.height))
        done += 1
    if done != len(pts):
        raise FilmError(f"{film.path}: is not the film that was looked at, which had {len(pts)} frames")


def _with(frame: Frame, task: Callable[[], Picture]) -> Callable[[], tuple[Frame, Picture]]:
    return lambda: (frame, task())


def _told(painted: Iterator[tuple[Frame, Picture]], progress: Progress, total: int) -> Iterator[tuple[int, Picture]]:
    """Time and picture of each, for the encoder."""
    for frame, picture in painted:
        yield frame.pts, picture
        progress("replacing", frame.index + 1, total)
