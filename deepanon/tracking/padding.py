"""The frames before a face was first found and after it was last found: it does not come out of nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from deepanon import geometry
from deepanon.geometry import Array, grown
from deepanon.tracking.filling import fill
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import GUESSED, PADDED, SEEN, Track

SECONDS = 1.0  # for which a face is taken to be there, unseen
MARGIN = 0.1  # of the box, on each side …
DOUBT = 0.4  # … and so much more for each second away from the detection
RECENT = 0.3  # seconds of detections that tell how a face moves
SAME = 0.6  # IoU above which a face is taken to be where it was expected
GONE = 0.25  # seconds after leaving the picture at its speed until a face is taken to be gone


def pad(track: Track, timeline: Timeline, seconds: float = SECONDS) -> Track:
    """The track with `seconds` before and after it, at least one frame, ending where a scene or the film does.

    Each box covers where the face was found, and where it is if it moves on as it did; it ends early for a face that
    has left the picture that way.

    Args:
        track: without holes.
        timeline: of its film.
        seconds: 0 adds nothing.
    """
    before = _unseen(track, timeline, seconds, backward=True)[0][::-1]
    after = _unseen(track, timeline, seconds, backward=False)[0]
    lengths = len(before), len(track), len(after)
    first = int(track.frames[0]) - lengths[0]
    missing = ((lengths[0], lengths[2]),)
    return replace(
        track,
        frames=np.arange(first, first + sum(lengths)),
        boxes=np.concatenate([before, track.boxes, after]),
        scores=np.pad(track.scores, missing),
        keypoints=np.pad(track.keypoints, (*missing, (0, 0), (0, 0)), constant_values=np.nan),
        how=np.pad(track.how, missing, constant_values=PADDED),
    )


def leaves(track: Track, timeline: Timeline) -> tuple[bool, bool]:
    """Whether the track's first and last detection are explained: by a border of the picture, a cut or the film's end.

    A face that vanishes in the middle of the picture has turned away, or the detector has lost it.
    """
    seen = np.flatnonzero(track.how == SEEN)
    explained = []
    for row, end in ((seen[0], 0), (seen[-1], 1)):
        frame, box = int(track.frames[row]), track.boxes[row]
        scene = timeline.scene(frame)
        at_edge = (box[:2] <= 1).any() or box[2] >= timeline.width - 1 or box[3] >= timeline.height - 1
        explained.append(bool(at_edge or frame == (scene[0], scene[1] - 1)[end]))
    return explained[0], explained[1]


def doubts(track: Track, timeline: Timeline, seconds: float = SECONDS) -> Iterator[Track]:
    """What must be covered besides if two detections of the track, with a hole or a leap between, are two faces.

    Both sides are padded as the ends of a track are, also beyond the hole. What the track's own box explains, because
    it lies where the face was expected, is left out; where nothing is left, nothing comes.

    Args:
        track: as it was found, with holes.
        timeline: of its film.
        seconds: as in `pad`.
    """
    filled = fill(track, timeline)
    doubtful = (np.diff(track.frames) > 1) | (_iou(track.boxes[1:], track.boxes[:-1]) < SAME)
    for row in np.flatnonzero(doubtful):
        for side, backward in ((slice(0, row + 1), False), (slice(row + 1, None), True)):
            part = track[side]
            boxes, moved = _unseen(part, timeline, seconds, backward)
            way = np.arange(1, len(boxes) + 1)
            frames = part.frames[0] - way if backward else part.frames[-1] + way
            at = np.clip(frames - filled.frames[0], 0, len(filled) - 1)
            own = (filled.frames[at] == frames) & (filled.how[at] != GUESSED)
            left = ~(own & (_iou(filled.boxes[at], moved) > SAME))
            if left.any():
                order = np.flatnonzero(left)[:: -1 if backward else 1]
                yield _padding(track, frames[order], boxes[order])


def _padding(track: Track, frames: Array, boxes: Array) -> Track:
    unknown = np.full((len(frames), len(track.schema), 2), np.nan)
    how = np.full(len(frames), PADDED, dtype=np.uint8)
    return replace(track, frames=frames, boxes=boxes, scores=np.zeros(len(frames)), keypoints=unknown, how=how)


def _iou(a: Array, b: Array) -> Array:
    """Of each pair: (N, 4), (N, 4) -> (N,)."""
    shared = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None).prod(1)
    return np.asarray(shared / (geometry.area(a) + geometry.area(b) - shared))


def _unseen(track: Track, timeline: Timeline, seconds: float, backward: bool) -> tuple[Array, Array]:
    """Boxes for the frames beyond one end of the track, going away from it, and where the face alone would lie."""
    row = 0 if backward else -1
    frame, box = int(track.frames[row]), track.boxes[row]
    start, end = timeline.scene(frame)
    last = start - 1 if backward else end
    step = -1 if backward else 1
    stop = frame + step
    while stop != last and (abs(timeline.times[stop] - timeline.times[frame]) <= seconds or stop == frame + step):
        stop += step
    if stop == frame + step or seconds <= 0:
        return np.zeros((0, 4)), np.zeros((0, 4))
    away = np.abs(timeline.times[np.arange(frame + step, stop, step)] - timeline.times[frame])
    moved = box + np.tile(_velocity(track, timeline, backward), 2) * away[:, None]  # P,4
    count, outside = len(away), ~geometry.inside(moved, timeline.width, timeline.height)
    if outside.any():
        gone = away > away[np.argmax(outside)] + GONE
        count = int(np.argmax(gone)) if gone.any() else count
    boxes = np.concatenate([np.minimum(box, moved)[:, :2], np.maximum(box, moved)[:, 2:]], axis=1)
    return grown(boxes, MARGIN + DOUBT * away, side=box[2:] - box[:2])[:count], moved[:count]


def _velocity(track: Track, timeline: Timeline, backward: bool) -> Array:
    """(2,) px/s at one end, pointing out of the track; from the detections of its last `RECENT` seconds."""
    seen = np.flatnonzero(track.how == SEEN)
    times = timeline.times[track.frames[seen]]
    near = seen[np.abs(times - times[0 if backward else -1]) <= max(RECENT, 1.5 * timeline.step)]
    if len(near) < 2:
        return np.zeros(2)
    middles = (track.boxes[near, :2] + track.boxes[near, 2:]) / 2
    slope = np.polyfit(timeline.times[track.frames[near]], middles, 1)[0]
    return np.asarray(-slope if backward else slope)
