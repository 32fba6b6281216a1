"""The last seconds of pictures and faces, from which it is decided what must be covered before a picture is let go."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from deepanon.detections import FIVE, Detections
from deepanon.films.covers import Covers, Rules, cover
from deepanon.films.frames import Frame
from deepanon.films.sightings import Sightings
from deepanon.geometry import Array
from deepanon.tracking import Linker, Timeline, Track

SPEED = 0.6  # seconds of detections before a face was lost that say where it goes, and more than enough
FRAMES = 4  # frames that are remembered in any case, however few a second has
SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Due:
    """A picture that is let go.

    Attributes:
        frame: as it came in.
        time: when it is shown, in seconds.
        covers: all that is to be covered, as frame 0.
    """

    frame: Frame
    time: float
    covers: Covers


class Window:
    """Holds pictures back, and decides about each from the faces before it and those that came in since.

    It is the tracking of films on a piece of film that moves: links, holes, padding and rules are the same. What a
    film knows of the time after `delay` is not known here. Scenes are not told apart, so a face is taken to be there
    across a cut too. Memory does not grow.

    Args:
        width: of the pictures in pixels.
        height: likewise.
        rules: when a face is drawn and when it is redacted.
        delay: seconds for which each picture is held back; with any at all, until the next one has come.
    """

    def __init__(self, width: int, height: int, rules: Rules, delay: float) -> None:
        self.width, self.height, self.rules, self.delay = width, height, rules, delay
        self.tracks = 0
        self._linker: Linker | None = None
        self._known: list[Track] = []
        self._best: dict[int, float] = {}  # the highest score of each track, also of what is forgotten of it
        self._held: deque[tuple[int, Frame]] = deque()
        self._times: deque[float] = deque()  # of the frames from `_first` on
        self._first = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def alive(self) -> set[int]:
        """Numbers of the tracks that are remembered."""
        return {track.number for track in self._known}

    def add(self, frame: Frame, time: float, faces: Detections) -> list[Due]:
        """Take the next picture and what was found in it; return those that are due, in order.

        Args:
            frame: the picture.
            time: in seconds, later than the last one's.
            faces: what was found; nothing where nobody could look.

        Raises:
            SchemaError: keypoints of another schema than before.
            OptionError: times that do not rise.
        """
        number = self._first + len(self._times)
        if self._linker is None and len(faces):
            self._linker = Linker(faces.schema, self.rules.memory)
        if self._linker is not None:
            self._linker.add(number, time, faces)
        self._times.append(time)
        self._held.append((number, frame))
        self._take_stock()
        return self._let_go(time - self.delay)

    def finish(self) -> list[Due]:
        """The pictures that are still held, when no more will come."""
        return self._let_go(np.inf)

    def _take_stock(self) -> None:
        """Tracks as they are known now, each with its highest score."""
        self._known = [] if self._linker is None else self._linker.finish()
        self._best = {
            track.number: max(self._best.get(track.number, 0.0), float(track.scores.max())) for track in self._known
        }
        self.tracks = max([self.tracks, *(number + 1 for number in self._best)])

    def _let_go(self, until: float) -> list[Due]:
        due: list[Due] = []
        covers: Covers | None = None
        while self._held and self._time(self._held[0][0]) <= until + SLACK:
            covers = covers or self._covers()
            number, frame = self._held.popleft()
            due.append(Due(frame, self._time(number), _only(covers, number - self._first)))
        if due:
            self._forget()
        return due

    def _covers(self) -> Covers:
        """All covers of the window, its frames counted from 0."""
        line = Timeline(np.array(self._times), self.width, self.height, since=self._held[0][0] - self._first)
        nothing = np.zeros(0, dtype=np.int64)
        tracks = [self._rebased(track) for track in self._known]
        schema = FIVE if self._linker is None else self._linker.schema
        return cover(Sightings(line, nothing, nothing, nothing, tracks, schema), self.rules)

    def _rebased(self, track: Track) -> Track:
        scores = track.scores.copy()
        scores[0] = max(scores[0], self._best[track.number])  # who was sure once stays it, as in films
        return replace(track, frames=track.frames - self._first, scores=scores)

    def _forget(self) -> None:
        """Drop what no picture to come depends on."""
        following = self._held[0][0] if self._held else self._first + len(self._times)
        now = self._time(following) if self._held else self._times[-1]
        oldest = now - max(self.rules.padding, self.rules.memory) - SPEED
        before = min(self._first + sum(time < oldest for time in self._times), following - FRAMES)
        if self._linker is not None:
            self._linker.forget(before)
            self._take_stock()
        keep = min([before, *(int(track.frames[0]) for track in self._known)])
        while self._first < keep:
            self._times.popleft()
            self._first += 1

    def _time(self, number: int) -> float:
        return self._times[number - self._first]


def _only(covers: Covers, frame: int) -> Covers:
    """The covers of one frame, as frame 0."""
    faces, tracks, why = covers.at(frame)
    assert faces.labels is not None
    zeros: Array = np.zeros(len(faces), dtype=np.int64)
    return Covers(zeros, tracks, faces.boxes, faces.scores, faces.points, faces.labels, why, covers.schema)
