"""Where a face may be while it is not found: it does not come out of nothing, and does not vanish."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import median_filter

from deepanon import geometry
from deepanon.geometry import Array, grown
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import GUESSED, PADDED, Track

SECONDS = 1.0  # for which a face is taken to be there, unseen
MARGIN = 0.1  # of the box, on each side …
DOUBT = 0.4  # … and so much more for each second away from the detection
RECENT = 0.3  # seconds of detections that tell how a face moves
SLOWER, FASTER = 0.25, 1.25  # times its speed, between which a face moves on
LEAP = 3.0  # times the usual step of a track that is no step but another face
SAME = 0.6  # IoU above which a face is taken to be the one that is expected there
AGAIN = 0.3  # seconds for which it must be found there to be the same, and not one who passes by
GONE = 0.25  # seconds after leaving the picture at its speed until a face is taken to be gone


@dataclass(frozen=True, eq=False)
class Found:
    """The boxes of all tracks where a face was seen or surely is, by frame.

    Attributes:
        frames: (R,) int64, rising.
        boxes: (R, 4).
    """

    frames: Array
    boxes: Array

    @classmethod
    def of(cls, filled: Sequence[Track]) -> Found:
        """Gather them from tracks without holes; what is only guessed does not count."""
        if not filled:
            return cls(np.zeros(0, dtype=np.int64), np.zeros((0, 4)))
        sure = [track.how != GUESSED for track in filled]
        frames = np.concatenate([track.frames[rows] for track, rows in zip(filled, sure, strict=True)])
        boxes = np.concatenate([track.boxes[rows] for track, rows in zip(filled, sure, strict=True)])
        order = np.argsort(frames, kind="stable")
        return cls(frames[order], boxes[order])

    def has(self, frames: Array, boxes: Array) -> Array:
        """(P,) bool: whether a face was found in each of `frames`, (P,) int64, where its box, (P, 4), expects one."""
        low, high = np.searchsorted(self.frames, [frames, frames + 1])
        asked = np.repeat(np.arange(len(frames)), high - low)  # all pairs at once: live pictures do not wait
        rows = np.arange(len(asked)) - np.repeat(np.cumsum(high - low) - high, high - low)
        same = _overlaps(boxes[asked], self.boxes[rows]) > SAME
        return np.bincount(asked[same], minlength=len(frames)) > 0


def pads(track: Track, found: Found, timeline: Timeline, seconds: float = SECONDS) -> Iterator[Track]:
    """What must be covered besides the track itself, because a face is there before and after a detector finds it.

    Both ends of the track are padded by `seconds`, at least one frame: with boxes that cover where the face was found,
    and where it is if it moves on as it did. So are both sides of every hole and leap, which may lie between two
    different faces. A pad ends with the scene, when the face has left the picture, and where a face is found again and
    again where this one is expected.

    Args:
        track: as it was found, with holes.
        found: all faces of the film.
        timeline: of the film.
        seconds: 0 adds nothing.
    """
    breaks = [0, *(np.flatnonzero((np.diff(track.frames) > 1) | leaps(track)) + 1).tolist(), len(track)]
    for first, end in itertools.pairwise(breaks):
        yield from _pad(track, range(first, len(track)), found, timeline, seconds, step=-1)
        yield from _pad(track, range(end), found, timeline, seconds, step=1)


def leaves(track: Track, timeline: Timeline) -> tuple[bool, bool]:
    """Whether the track's first and last detection are explained: by a border of the picture, a cut or the film's end.

    A face that vanishes in the middle of the picture has turned away, or the detector has lost it.
    """
    explained = []
    for row, end in ((0, 0), (-1, 1)):
        frame, box = int(track.frames[row]), track.boxes[row]
        scene = timeline.scene(frame)
        at_edge = (box[:2] <= 1).any() or box[2] >= timeline.width - 1 or box[3] >= timeline.height - 1
        explained.append(bool(at_edge or frame == (scene[0], scene[1] - 1)[end]))
    return explained[0], explained[1]


def _pad(track: Track, rows: range, found: Found, timeline: Timeline, seconds: float, step: int) -> Iterator[Track]:
    """One pad, backward (`step` -1) from the first of `rows` or forward (1) from the last; none if it has no frame."""
    row = rows[0] if step < 0 else rows[-1]
    frames = _frames(int(track.frames[row]), timeline, seconds, step)
    if not len(frames) or frames.max() < timeline.since:
        return
    box, away = track.boxes[row], np.abs(timeline.times[frames] - timeline.times[track.frames[row]])
    expected = box + np.tile(_velocity(track, rows, timeline, step), 2) * away[:, None]  # P,4
    rows_left = _unexplained(frames[: _until_gone(expected, away, timeline)], expected, away, found)[::step]
    if not rows_left:
        return
    count = len(rows_left)
    slow, fast = box + (expected - box) * SLOWER, box + (expected - box) * FASTER
    boxes = np.concatenate([np.minimum(slow, fast)[:, :2], np.maximum(slow, fast)[:, 2:]], axis=1)
    boxes = grown(boxes, MARGIN + DOUBT * away, side=box[2:] - box[:2])
    yield replace(
        track,
        frames=frames[rows_left],
        boxes=boxes[rows_left],
        scores=np.zeros(count),
        keypoints=np.full((count, len(track.schema), 2), np.nan),
        how=np.full(count, PADDED, dtype=np.uint8),
    )


def _frames(frame: int, timeline: Timeline, seconds: float, step: int) -> Array:
    """Frames of the same scene within `seconds` of `frame`, and the next one in any case, going away from it."""
    start, end = timeline.scene(frame)
    frames = np.arange(frame + step, start - 1 if step < 0 else end, step)
    if seconds <= 0:
        return frames[:0]
    away = np.abs(timeline.times[frames] - timeline.times[frame])
    return frames[: max(int((away <= seconds + 1e-6).sum()), 1)]


def _unexplained(frames: Array, expected: Array, away: Array, found: Found) -> list[int]:
    """The frames in which no face is found where this one is expected, until one was there for `AGAIN` seconds."""
    left: list[int] = []
    since = None
    for i, there in enumerate(found.has(frames, expected[: len(frames)]).tolist()):
        if not there:
            left.append(i)
            since = None
        elif away[i] - (since := away[i] if since is None else since) >= AGAIN:
            break
    return left


def _until_gone(expected: Array, away: Array, timeline: Timeline) -> int:
    """How many of the boxes come before the face has been outside the picture for `GONE` seconds."""
    outside = ~geometry.inside(expected, timeline.width, timeline.height)
    if not outside.any():
        return len(away)
    gone = away > away[np.argmax(outside)] + GONE
    return int(np.argmax(gone)) if gone.any() else len(away)


def _velocity(track: Track, rows: range, timeline: Timeline, step: int) -> Array:
    """(2,) px/s at one end of `rows`, pointing away, from the last `RECENT` seconds there.

    It is the median slope between distant detections (Theil 1950), shrunk by how much these differ: a short or
    trembling track says nothing about where its face goes.
    """
    times = timeline.times[track.frames[rows.start : rows.stop]]
    near = np.abs(times - times[0 if step < 0 else -1]) <= max(RECENT, 1.5 * timeline.step)
    times, boxes = times[near], track.boxes[rows.start : rows.stop][near]
    middles, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (len(times) + 1) // 2
    if len(times) < 3:
        return np.zeros(2)
    first, second = np.triu_indices(len(times), half)
    slopes = (middles[second] - middles[first]) / (times[second] - times[first])[:, None]
    slope = np.median(slopes, axis=0)
    spread, speed = np.median(np.linalg.norm(slopes - slope, axis=1)), np.linalg.norm(slope)
    return np.asarray(step * slope * max(0.0, 1 - spread / max(speed, 1e-9)))


def leaps(track: Track) -> Array:
    """(T - 1,) whether the next detection is where one step of this track does not lead: (T,) track -> bool."""
    if len(track) < 2:
        return np.zeros(0, dtype=bool)
    middles = (track.boxes[:, :2] + track.boxes[:, 2:]) / 2
    steps = np.linalg.norm(np.diff(middles, axis=0), axis=1) / np.diff(track.frames)
    usual = median_filter(steps, size=9, mode="nearest")
    return np.asarray((_overlaps(track.boxes[1:], track.boxes[:-1]) < SAME) & (steps > LEAP * usual))


def _overlaps(a: Array, b: Array) -> Array:
    """IoU of each pair: (N, 4), (N, 4) -> (N,)."""
    shared = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None).prod(1)
    return np.asarray(shared / (geometry.area(a) + geometry.area(b) - shared))
