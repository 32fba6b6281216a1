"""The frames between two detections of a face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deepanon.geometry import Array, grown
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import FILLED, GUESSED, SEEN, Track

MARGIN = 0.1  # of the box, on each side, because a face need not move evenly …
DOUBT = 0.5  # … and so much more for each second to the nearer detection
LONGEST = 0.5  # seconds that may lie between two detections …
FARTHEST = 0.5  # … box sides between their middles …
GROWTH = 1.3  # … and times one may be as large as the other, for what lies between to be more than a guess


def fill(track: Track, timeline: Timeline) -> Track:
    """The track without holes: boxes and keypoints in between run straight, and boxes are wider.

    What lies between two detections that are far apart in time, place or size is marked `GUESSED`, else `FILLED`.
    """
    frames = np.arange(track.frames[0], track.frames[-1] + 1)
    before = np.searchsorted(track.frames, frames, side="right") - 1
    after = np.minimum(before + (track.frames[before] != frames), len(track) - 1)
    times, known = timeline.times[frames], timeline.times[track.frames]
    gap = known[after] - known[before]
    share = np.divide(times - known[before], gap, out=np.zeros(len(frames)), where=gap > 0)
    seen = before == after
    boxes = _between(track.boxes, before, after, share)
    nearer = np.minimum(times - known[before], known[after] - times)
    boxes = grown(boxes, np.where(seen, 0, MARGIN + DOUBT * nearer))
    far = _far(track.boxes[before], track.boxes[after]) | (gap > LONGEST)
    return replace(
        track,
        frames=frames,
        boxes=boxes,
        scores=np.where(seen, track.scores[before], 0.0),
        keypoints=_between(track.keypoints, before, after, share),
        how=np.where(seen, SEEN, np.where(far, GUESSED, FILLED)).astype(np.uint8),
    )


def _between(values: Array, before: Array, after: Array, share: Array) -> Array:
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(np.where(share > 0, values[before] * (1 - share) + values[after] * share, values[before]))


def _far(a: Array, b: Array) -> Array:
    side_a, side_b = (np.sqrt(np.prod(box[:, 2:] - box[:, :2], axis=1)) for box in (a, b))
    way = np.linalg.norm((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2, axis=1)
    ratio = side_a / side_b
    return np.asarray((way > FARTHEST * np.minimum(side_a, side_b)) | (ratio > GROWTH) | (ratio < 1 / GROWTH))
