"""Boxes and keypoints that do not tremble."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from deepanon.geometry import Array
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import Track

SECONDS = 0.2  # to each side; what trembles faster than that is taken for noise
POINTS = 0.08  # to each side, for keypoints, which must follow the face


def smooth(track: Track, timeline: Timeline) -> Track:
    """The track with calm boxes, each of which contains the one it had, and calm keypoints.

    Each edge becomes the moving mean of its moving extreme, about the moving mean of the box's middle: every value
    that enters the mean lies outside the edge, and so the mean does too.

    Args:
        track: without holes.
        timeline: of its film.
    """
    reach = min(round(SECONDS / timeline.step), (len(track) - 1) // 2)
    if not reach:
        return track
    window = 2 * reach + 1
    middles = uniform_filter1d((track.boxes[:, :2] + track.boxes[:, 2:]) / 2, window, axis=0, mode="nearest")
    low, high = track.boxes[:, :2] - middles, track.boxes[:, 2:] - middles
    low, high = minimum_filter1d(low, window, 0, mode="nearest"), maximum_filter1d(high, window, 0, mode="nearest")
    low, high = (uniform_filter1d(edges, window, axis=0, mode="nearest") + middles for edges in (low, high))
    boxes = np.concatenate([np.minimum(low, track.boxes[:, :2]), np.maximum(high, track.boxes[:, 2:])], axis=1)
    return replace(track, boxes=boxes, keypoints=_mean_of_known(track.keypoints, round(POINTS / timeline.step)))


def _mean_of_known(points: Array, reach: int) -> Array:
    """(T, K, 2) -> the mean over 2 `reach` + 1 frames of what is known there; unknown stays unknown."""
    known = np.isfinite(points)
    total, count = (
        uniform_filter1d(values, 2 * reach + 1, axis=0, mode="constant")
        for values in (np.where(known, points, 0.0), known.astype(np.float64))
    )
    return np.where(known, total / np.where(known, count, 1), np.nan)
