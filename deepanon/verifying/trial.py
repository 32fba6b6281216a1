"""Seeds of a film, tried on a few frames before anything is drawn: does a new face come out too like the old one?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np

from deepanon import geometry
from deepanon.ahead import ahead
from deepanon.anonymizers import Anonymizer, ByLabel
from deepanon.embedders import Recogniser
from deepanon.films.covers import DRAWN
from deepanon.films.frames import Frame, Source
from deepanon.films.pictures import Pixels
from deepanon.films.plan import FilmPlan
from deepanon.films.rendering import Painter
from deepanon.films.sightings import Progress
from deepanon.geometry import Array
from deepanon.verifying.again import TRIES, next_seed
from deepanon.verifying.changes import Comparison
from deepanon.verifying.eyes import Limits, compare

FRAMES = 5  # of each track that are looked at


@dataclass(frozen=True)
class Tried:
    """What came of trying.

    Attributes:
        drawings: track -> how often it was drawn; the last drawing's seed is the one to take.
        black: tracks of which every drawing was too like the old face.
    """

    drawings: dict[int, int] = field(default_factory=dict)
    black: tuple[int, ...] = ()

    def seeds(self, first: Sequence[int]) -> list[int]:
        """One a track: what follows from the `first` one after so many drawings."""
        return [
            seed if self.drawings.get(n, 1) < 2 else next_seed(seed, self.drawings[n]) for n, seed in enumerate(first)
        ]

    @property
    def summary(self) -> str:
        """What it came to, in words."""
        again = sum(count > 1 for track, count in self.drawings.items() if track not in self.black)
        return f"tried before they were drawn: {again} faces drawn with another seed, {len(self.black)} black after all"


@dataclass(frozen=True)
class Trial:
    """Draws a few frames of every track, and those again with another seed that came out too like the original.

    One frame is enough to send a whole track back: it has one face. What is too alike after `tries` is to be black, as
    is at once what a method without chance drew.

    Args:
        drawer: the method for faces that are drawn, or a method for each label.
        redactor: the method for boxes that are redacted.
        recogniser: compares old and new faces; None compares pixels and shapes alone.
        limits: what a new face is held against.
        tries: how often a track is drawn at most.
    """

    drawer: Anonymizer | ByLabel
    redactor: Anonymizer
    recogniser: Recogniser | None
    limits: Limits
    tries: int = TRIES

    def __call__(
        self,
        film: Source,
        plan: FilmPlan,
        first: Sequence[int],
        span: tuple[float | None, float | None] = (None, None),
        progress: Progress = lambda what, done, total: None,
    ) -> Tried:
        """Try the `first` seeds, one a track, and others where they are no good.

        The film is read once a round, as far as there is something to look at; memory does not grow with it.
        """
        rows = samples(plan)
        tried = Tried({int(track): 1 for track in plan.covers.tracks[rows]})
        pending: Collection[int] = set(tried.drawings)
        while pending:
            wanted = rows[np.isin(plan.covers.tracks[rows], list(pending))]
            wrong = self._wrong(film, plan.blackened(tried.black), wanted, tried.seeds(first), span, progress)
            hopeless = {
                track for track in wrong if tried.drawings[track] >= self.tries or not self._chance(plan, track)
            }
            pending = wrong - hopeless
            drawings = {track: count + (track in pending) for track, count in tried.drawings.items()}
            tried = Tried(drawings, tuple(sorted({*tried.black, *hopeless})))
        return tried

    def _wrong(
        self,
        film: Source,
        plan: FilmPlan,
        rows: Array,
        seeds: Sequence[int],
        span: tuple[float | None, float | None],
        progress: Progress,
    ) -> set[int]:
        """Tracks that come out too like the original in one of their `rows`."""
        covers, wanted = plan.covers, defaultdict[int, set[int]](set)
        painter = Painter(covers, self.drawer, self.redactor, seeds, plan.left, steady=False)
        for row in rows:
            wanted[int(covers.frames[row])].add(int(covers.tracks[row]))
        wrong: set[int] = set()
        with closing(ahead(film.frames(*span))) as frames:
            for frame in frames:
                if frame.index in wanted:
                    wrong |= self._alike(frame, film, painter, wanted[frame.index])
                    progress("trying", frame.index + 1, max(wanted) + 1)
                if frame.index >= max(wanted):
                    break
        return wrong

    def _alike(self, frame: Frame, film: Source, painter: Painter, tracks: set[int]) -> set[int]:
        """Which of `tracks` come out too like the original in this frame."""
        if frame.picture is None:
            return set()
        before = frame.picture.pixels
        faces, numbers, why = painter.covers.at(frame.index)
        drawn = painter(replace(frame, picture=Pixels(before)), film.width, film.height).pixels
        rows = np.flatnonzero(np.isin(numbers, list(tracks)) & (why == DRAWN))
        seen = compare(Comparison(before, drawn, faces.boxes), faces[rows], faces[rows], self.recogniser)
        return {int(numbers[row]) for row, face in zip(rows, seen, strict=True) if self.limits(face) is not None}

    def _chance(self, plan: FilmPlan, track: int) -> bool:
        """Whether another seed would draw another face."""
        if not isinstance(self.drawer, ByLabel):
            return self.drawer.random
        return self.drawer.of(str(plan.covers.labels[plan.covers.tracks == track][0])).random


def samples(plan: FilmPlan, count: int = FRAMES) -> Array:
    """Rows of the covers to look at: up to `count` of every drawn track.

    Its frames are parted in time; of each part the one counts in which the face is largest and was found most surely.
    """
    covers = plan.covers
    drawn = np.flatnonzero(plan.drawn & ~np.isin(covers.frames, plan.damaged))
    worth = covers.scores * np.sqrt(geometry.area(covers.boxes))
    rows = [
        part[np.argmax(worth[part])]
        for track in np.unique(covers.tracks[drawn])
        for part in _parts(drawn[covers.tracks[drawn] == track], count)
    ]
    return np.array(rows, dtype=np.int64)


def _parts(rows: Array, count: int) -> list[Array]:
    return np.array_split(rows, min(count, len(rows)))
