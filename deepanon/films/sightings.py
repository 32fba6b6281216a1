"""What was found in each frame, on the disk as soon as it is found: looking is what takes the time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepanon.ahead import ahead
from deepanon.detections import FIVE, Detections, KeypointSchema, schema_for
from deepanon.detectors import Detector
from deepanon.detectors.reduced import glance_of, looked_at
from deepanon.films.frames import Frame, Source
from deepanon.films.scenes import Change, find_cuts
from deepanon.geometry import Array
from deepanon.partly import Whole
from deepanon.tracking import Linker, Timeline, Track

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, eq=False)
class Sightings:
    """All that the first pass knows.

    Attributes:
        timeline: when each frame is shown in seconds, and where scenes begin.
        pts: (F,) int64 the same in the film's time base.
        durations: (F,) int64 how long each is shown, in the film's time base; 0 = not said.
        damaged: (D,) int64 frames that could not be decoded.
        tracks: who was found where.
        schema: of their keypoints.
    """

    timeline: Timeline
    pts: Array
    durations: Array
    damaged: Array
    tracks: list[Track]
    schema: KeypointSchema


def look(
    film: Source,
    detector: Detector,
    journal: Path,
    span: tuple[float | None, float | None] = (None, None),
    progress: Progress = lambda what, done, total: None,
) -> None:
    """Find the faces of every frame and write them to `journal`, line by line; go on where it ends.

    Frames are decoded, and held against those before them, in a thread that is a few of them ahead.

    Args:
        film: to look at.
        detector: finds the faces.
        journal: file to write; what a killed run left in it is kept, but for half a line.
        span: start and end in seconds.
        progress: told "looking", frames done, and frames promised.
    """
    done = _mend(journal)
    with (
        journal.open("a", encoding="utf-8") as stream,
        closing(ahead(_prepared(film.frames(*span), detector))) as frames,
    ):
        for frame, changed, glance in frames:
            if frame.index < done:
                continue
            stream.write(json.dumps(_line(frame, changed, glance, detector, film)) + "\n")
            stream.flush()
            progress("looking", frame.index + 1, film.promised)


def _prepared(frames: Iterable[Frame], detector: Detector) -> Iterator[tuple[Frame, float, Array | None]]:
    """Each frame, how much has changed since the one before, and what the detector asks for first."""
    change = Change()
    for frame in frames:
        if frame.picture is None:
            yield frame, 0.0, None
        else:
            glance = glance_of(frame.picture, detector)
            yield frame, change(frame.picture if glance is None else Whole(glance)), glance


def read(journal: Path, film: Source, memory: float) -> Sightings:
    """Link what `look` found; `memory` in seconds, see `Linker`."""
    facts = np.array([line[:3] for line in _lines(journal)], dtype=np.float64).reshape(-1, 3)
    times = facts[:, 0] * float(film.time_base)
    timeline = Timeline(times, film.width, film.height, np.arange(len(times)) if film.pages else find_cuts(facts[:, 2]))
    linker, begins, damaged = None, set(timeline.cuts.tolist()), []
    for i, (_, _, _, whole, schema, faces) in enumerate(_lines(journal)):
        if linker is None:
            linker = Linker(schema_for(schema), memory)
        if not whole:
            damaged.append(i)
        linker.add(i, float(times[i]), _faces(faces, linker.schema), cut=i in begins)
    return Sightings(
        timeline=timeline,
        pts=facts[:, 0].astype(np.int64),
        durations=facts[:, 1].astype(np.int64),
        damaged=np.array(damaged, dtype=np.int64),
        tracks=[] if linker is None else linker.finish(),
        schema=FIVE if linker is None else linker.schema,
    )


Face = list[float | str | None]


Line = tuple[int, int, float, bool, str, list[Face]]


def _line(frame: Frame, changed: float, glance: Array | None, detector: Detector, film: Source) -> Line:
    """Time, duration, how much has changed, whether it could be decoded, the keypoints' schema, and the faces."""
    if frame.picture is None:
        return frame.pts, frame.duration, 0.0, False, FIVE.name, []
    found = looked_at(frame.picture, detector, f"{film.path.name}#{frame.pts}", glance)
    assert found.labels is not None
    faces: list[Face] = []
    for i in range(len(found)):
        numbers = [*found.boxes[i].tolist(), float(found.scores[i]), *found.points[i].ravel().tolist()]
        faces.append([str(found.labels[i]), *(None if number != number else number for number in numbers)])
    return frame.pts, frame.duration, changed, True, found.schema.name, faces


def _faces(rows: list[Face], schema: KeypointSchema) -> Detections:
    if not rows:
        return Detections.empty(schema)
    numbers = np.array([row[1:] for row in rows], dtype=np.float64)  # None becomes NaN
    points = numbers[:, 5:].reshape(len(rows), len(schema), 2)
    return Detections(numbers[:, :4], numbers[:, 4], points, np.array([row[0] for row in rows]), schema)


def _lines(journal: Path) -> Iterator[Line]:
    with journal.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def _mend(journal: Path) -> int:
    """Cut off half a line that a killed run left; return how many whole ones there are."""
    if not journal.exists():
        return 0
    whole, count = 0, 0
    with journal.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                break
            whole, count = whole + len(line), count + 1
    with journal.open("rb+") as stream:
        stream.truncate(whole)
    return count
