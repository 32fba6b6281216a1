"""The check of one film: frame after frame, both films read once and side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from deepanon import geometry
from deepanon.errors import DeepanonError, FilmError
from deepanon.films.animation import SUFFIXES
from deepanon.films.frames import Frame, Source
from deepanon.films.opening import open_film
from deepanon.geometry import Array
from deepanon.verifying.eyes import SAME, Eyes, Limits
from deepanon.verifying.film_riders import film_riders
from deepanon.verifying.findings import EXTRA, FOREIGN, METADATA, MISSING, UNREADABLE, Checked, Finding
from deepanon.verifying.pairing import FILM, Pair, kind_of
from deepanon.verifying.photos import judged, sizes
from deepanon.verifying.riders import riders

NEAR = 0.4  # of the usual time between two frames, by which times of one frame may differ
LEFT = 0.5  # IoU with the box of a face that was left on purpose; a stranger before or beside it shares less
GAP = 3  # frames that may lie between two of one finding

Progress = Callable[[str, int, int | None], None]
Span = tuple[float | None, float | None]
Left = Callable[[int], Array]


def nobody(frame: int) -> Array:
    """(0, 4), the boxes of faces that were left as they are in a frame of which nobody was."""
    return np.zeros((0, 4), dtype=np.float32)


@dataclass
class Run:
    """One finding through time: what is wrong in one frame after the other at about one place."""

    worst: Finding
    start: float
    end: float
    last: int
    frames: int = 1

    def finding(self) -> Finding:
        """The frame in which it is worst stands for all."""
        return replace(self.worst, span=(self.start, self.end), frames=self.frames)


@dataclass
class Runs:
    """Gathers what is wrong in single frames; what holds on is one finding."""

    done: list[Finding] = field(default_factory=list)
    going: list[Run] = field(default_factory=list)

    def add(self, number: int, seconds: float, found: list[Finding]) -> None:
        """All that is wrong in one frame."""
        ended = [run for run in self.going if number - run.last > GAP]
        self.done += [run.finding() for run in ended]
        self.going = [run for run in self.going if number - run.last <= GAP]
        free = list(self.going)
        for finding in found:
            run = next((run for run in free if _goes_on(run.worst, finding)), None)
            if run is None:
                self.going.append(Run(finding, seconds, seconds, number))
                continue
            free.remove(run)
            worse = finding if finding.severity > run.worst.severity else replace(run.worst, box=finding.box)
            run.worst, run.end, run.last, run.frames = worse, seconds, number, run.frames + 1

    def finish(self) -> list[Finding]:
        """All findings in the order of time."""
        self.done += [run.finding() for run in self.going]
        self.going = []
        return sorted(self.done, key=lambda finding: finding.span or (0.0, 0.0))


def check_film(
    pair: Pair,
    eyes: Eyes,
    limits: Limits,
    span: Span = (None, None),
    progress: Progress = lambda what, done, total: None,
    left: Left = nobody,
) -> Checked:
    """Look at every frame of a film and of what was made of it; memory does not grow with their length.

    Args:
        pair: the two films.
        eyes: who looks.
        limits: the similarity among them must be known, if there is a recogniser.
        span: start and end in seconds of the part of the original that was done.
        progress: told "checking", frames done, and frames promised.
        left: number of a frame -> (M, 4) boxes of faces that were left on purpose; what is found there is no finding.
    """
    found: list[Finding] = []
    try:
        found += [Finding(METADATA, text) for text in _riders(pair.output)]
        if kind_of(pair.output) != FILM:
            return Checked(pair.name, [*found, Finding(FOREIGN, "the original is a film, the output is none")])
        with open_film(pair.original) as before, open_film(pair.output) as after:
            checked = _check(pair.name, before, after, eyes, limits, span, progress, left)
    except FilmError as error:
        return Checked(pair.name, [*found, Finding(UNREADABLE, str(error))])
    return replace(checked, findings=[*found, *checked.findings])


def _check(
    name: str, before: Source, after: Source, eyes: Eyes, limits: Limits, span: Span, progress: Progress, left: Left
) -> Checked:
    if (before.width, before.height) != (after.width, after.height):
        text = f"the original has {before.width}x{before.height} pixels, the output {after.width}x{after.height}"
        return Checked(name, [Finding(FOREIGN, text)])
    runs, faces, pictures, compared = Runs(), 0, 0, 0
    for number, (seconds, old, new) in enumerate(paired(before, after, span)):
        wrong: list[Finding] = []
        if old is None or new is None:
            wrong = [Finding(EXTRA if old is None else MISSING, "frames")]
        elif new.pixels is None:
            wrong = [Finding(UNREADABLE, "frames of the output")]
        elif old.pixels is None:
            wrong = [Finding(UNREADABLE, "frames of the original")] if new.pixels.any() else []
        elif old.pixels.shape != new.pixels.shape:
            wrong = [Finding(FOREIGN, sizes(old.pixels, new.pixels))]
        else:
            try:
                look = eyes(old.pixels, new.pixels, f"{name}#{old.pts}")
            except DeepanonError as error:
                wrong = [Finding(UNREADABLE, f"cannot be checked: {error}")]
            else:
                boxes = left(old.index)
                wrong = [finding for finding in judged(look, new.pixels, limits) if not _is_left(finding, boxes)]
                wrong += [Finding(FOREIGN, "what is no face differs too")] if look.foreign else []
                faces, pictures = faces + sum(not face.new for face in look.faces), pictures + 1
                compared += look.compared
        runs.add(number, seconds, wrong)
        progress("checking", number + 1, before.promised)
    return Checked(name, runs.finish(), faces, pictures, compared)


def paired(
    before: Source, after: Source, span: Span = (None, None)
) -> Iterator[tuple[float, Frame | None, Frame | None]]:
    """Frames of one time since each film's first: seconds, original, output; None where one lacks it.

    Two films that promise as many frames and of which one is a GIF, WebP or TIFF are paired by number: such files round
    times.
    """
    by_number = any(film.path.suffix.lower() in SUFFIXES for film in (before, after)) and span == (None, None)
    by_number = by_number and before.promised == after.promised
    near = float(NEAR / before.rate)
    olds, news = _timed(before, span), _timed(after, (None, None))
    old, new = next(olds, None), next(news, None)
    while old is not None or new is not None:
        apart = 0.0 if by_number or old is None or new is None else old[0] - new[0]
        if old is not None and (new is None or apart < -near):
            yield old[0], old[1], None
            old = next(olds, None)
        elif new is not None and (old is None or apart > near):
            yield new[0], None, new[1]
            new = next(news, None)
        elif old is not None and new is not None:
            yield old[0], old[1], new[1]
            old, new = next(olds, None), next(news, None)


def _timed(film: Source, span: Span) -> Iterator[tuple[float, Frame]]:
    """Frames with their time since the first one."""
    first = None
    for frame in film.frames(*span):
        first = frame.pts if first is None else first
        yield float((frame.pts - first) * film.time_base), frame


def _riders(path: Path) -> list[str]:
    return riders(path) if path.suffix.lower() in SUFFIXES else film_riders(path)


def _is_left(finding: Finding, boxes: Array) -> bool:
    """Whether a finding is about one of the faces that were left: mostly the same box."""
    if finding.box is None or not len(boxes):
        return False
    return bool((geometry.iou(np.asarray(finding.box)[None], boxes) >= LEFT).any())


def _goes_on(finding: Finding, later: Finding) -> bool:
    if finding.kind != later.kind:
        return False
    if finding.box is None or later.box is None:
        return finding.box is None and later.box is None and finding.text == later.text
    return bool(geometry.iou(np.asarray(finding.box)[None], np.asarray(later.box)[None])[0, 0] >= SAME)
