"""What becomes of each face in each frame: drawn anew, or redacted because it is not certain where it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from deepanon import geometry
from deepanon.detections import Detections, KeypointSchema
from deepanon.errors import OptionError
from deepanon.films.sightings import Sightings
from deepanon.geometry import Array
from deepanon.tracking import GUESSED, PADDED, Timeline, Track, complete
from deepanon.tracking.padding import leaves

DRAWN, UNSURE, POINTLESS, LEAP, UNSEEN, ALIKE = range(6)
POINTED = "face"  # what has keypoints; of a plate nobody expects any
REASONS = {
    UNSURE: "never found with confidence",
    POINTLESS: "found without keypoints",
    LEAP: "not found between two places",
    UNSEEN: "not found before or after",
    ALIKE: "each new face was too like the old one",
}


@dataclass(frozen=True)
class Rules:
    """When a face is drawn and when its box is redacted.

    Args:
        sure: score that the detector must give a face at least once for it to be drawn.
        padding: seconds for which a face is taken to be there before it was first and after it was last found.
        memory: seconds for which a face that is not found is waited for.
        margin: by which every box is wider on each side, as a share of it: detectors cut off chins.

    Raises:
        OptionError: a number below 0.
    """

    sure: float = 0.9
    padding: float = 1.0
    memory: float = 1.0
    margin: float = 0.05

    def __post_init__(self) -> None:
        for name in ("sure", "padding", "memory", "margin"):
            if not getattr(self, name) >= 0:
                raise OptionError(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class Covers:
    """All boxes of a film, in the order of its frames.

    Attributes:
        frames: (R,) int64, rising.
        tracks: (R,) int64 numbers of the tracks.
        boxes: (R, 4) float32 in pixels, each with some area in the picture.
        scores: (R,) float32.
        keypoints: (R, K, 2) float32.
        labels: (R,) str.
        why: (R,) uint8, `DRAWN` or a key of `REASONS`.
        schema: of the keypoints.
    """

    frames: Array
    tracks: Array
    boxes: Array
    scores: Array
    keypoints: Array
    labels: Array
    why: Array
    schema: KeypointSchema

    def at(self, frame: int) -> tuple[Detections, Array, Array]:
        """The faces of one frame, the numbers of their tracks, and why each is redacted."""
        low, high = np.searchsorted(self.frames, [frame, frame + 1])
        rows = slice(int(low), int(high))
        faces = Detections(self.boxes[rows], self.scores[rows], self.keypoints[rows], self.labels[rows], self.schema)
        return faces, self.tracks[rows], self.why[rows]

    def blackened(self, tracks: Iterable[int]) -> Covers:
        """The same, with what would be drawn of some tracks redacted, because each new face was too like the old."""
        chosen = np.isin(self.tracks, list(tracks)) & (self.why == DRAWN)
        return replace(self, why=np.where(chosen, ALIKE, self.why).astype(np.uint8))


@dataclass(frozen=True)
class Doubt:
    """A time for which something is redacted and nobody knows what is there.

    Attributes:
        start: seconds.
        end: seconds.
        reason: in words.
        track: number of the track; None for whole frames.
    """

    start: float
    end: float
    reason: str
    track: int | None


def cover(seen: Sightings, rules: Rules) -> Covers:
    """Decide for every track and every frame."""
    completed = complete(seen.tracks, seen.timeline, rules.padding)
    parts = [(track, part) for track, group in zip(seen.tracks, completed, strict=True) for part in group]
    line, points = seen.timeline, len(seen.schema)
    columns = {
        "frames": [part.frames for _, part in parts],
        "tracks": [np.full(len(part), part.number) for _, part in parts],
        "boxes": [geometry.grown(part.boxes, np.full(len(part), rules.margin)) for _, part in parts],
        "scores": [part.scores.astype(np.float32) for _, part in parts],
        "keypoints": [part.keypoints.astype(np.float32) for _, part in parts],
        "labels": [np.full(len(part), part.label) for _, part in parts],
        "why": [_why(part, track, rules) for track, part in parts],
    }
    empty = {"boxes": np.zeros((0, 4)), "keypoints": np.zeros((0, points, 2)), "labels": np.zeros(0, dtype=str)}
    joined = {name: np.concatenate(rows) if rows else empty.get(name, np.zeros(0)) for name, rows in columns.items()}
    joined["boxes"] = joined["boxes"].astype(np.float32)
    order = np.argsort(joined["frames"], kind="stable")
    order = order[geometry.inside(joined["boxes"][order], line.width, line.height)]
    return Covers(**{name: rows[order] for name, rows in joined.items()}, schema=seen.schema)


def doubts(seen: Sightings, covers: Covers) -> list[Doubt]:
    """Every span that is redacted for want of knowledge, in the order of time.

    What is covered before a face comes in at the border, or after it leaves there or a scene ends, is explained and
    not among them.
    """
    found = [Doubt(*_times(seen.timeline, run), "could not be decoded", None) for run in _runs(seen.damaged)]
    for track in seen.tracks:
        rows = np.flatnonzero(covers.tracks == track.number)
        explained = leaves(track, seen.timeline)
        early, late = covers.frames[rows] < track.frames[0], covers.frames[rows] > track.frames[-1]
        open_ = ~((early & explained[0]) | (late & explained[1]))
        for why, reason in REASONS.items():
            frames = np.unique(covers.frames[rows[open_ & (covers.why[rows] == why)]])
            found += [Doubt(*_times(seen.timeline, run), reason, track.number) for run in _runs(frames)]
    return sorted(found, key=lambda doubt: (doubt.start, doubt.end))


def _why(part: Track, track: Track, rules: Rules) -> Array:
    known = np.isfinite(part.keypoints).all((1, 2)) | (part.label != POINTED)
    why = np.where(known, DRAWN, POINTLESS)
    why = np.where(part.how == GUESSED, LEAP, why)
    why = np.where(part.how == PADDED, UNSEEN, why)
    return np.where((track.scores.max() < rules.sure) & (why != UNSEEN), UNSURE, why).astype(np.uint8)


def _runs(frames: Array) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    if len(frames):
        for run in np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1):
            yield int(run[0]), int(run[-1])


def _times(line: Timeline, run: tuple[int, int]) -> tuple[float, float]:
    end = line.times[run[1]] + (line.step if run[1] + 1 == len(line) else line.times[run[1] + 1] - line.times[run[1]])
    return float(line.times[run[0]]), float(end)
