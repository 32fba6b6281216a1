"""Boxes and keypoints that do not tremble."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from deepanon.geometry import Array
from deepanon.tracking.padding import leaps
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import GUESSED, Track

SECONDS = 0.2  # to each side; what trembles faster than that is taken for noise
POINTS = 0.16  # to each side, for keypoints, with less and less weight: they must follow the face


def smooth(track: Track, timeline: Timeline) -> Track:
    """The track with calm boxes, each of which contains the one it had, and calm keypoints.

    Each edge becomes the moving mean of its moving extreme, about the moving mean of the box's middle: every value
    that enters the mean lies outside the edge, and so the mean does too. Keypoints become a weighted mean of as many
    frames before as after, so that steady motion stays what it is; never across a hole that is only guessed at or a
    leap, where another face may begin.

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
    runs = np.split(track.keypoints, _breaks(track))
    return replace(track, boxes=boxes, keypoints=np.concatenate([_calm(run, timeline) for run in runs]))


def _breaks(track: Track) -> Array:
    """Rows with which something begins that has nothing to do with the row before."""
    guessed = track.how == GUESSED
    return np.flatnonzero((guessed[1:] != guessed[:-1]) | leaps(track)) + 1


def _calm(points: Array, timeline: Timeline) -> Array:
    """(T, K, 2) -> triangular mean of what is known; at an end, or where one side is unknown, of fewer frames.

    Unknown stays unknown.
    """
    reach, known = round(POINTS / timeline.step), np.isfinite(points)
    values = np.where(known, points, 0.0)
    total, weight = values * (reach + 1), known * (reach + 1.0)
    for away in range(1, min(reach, (len(points) - 1) // 2) + 1):
        before, after = slice(None, -2 * away), slice(2 * away, None)
        share = (reach + 1.0 - away) * (known[before] & known[after])
        total[away:-away] += share * (values[before] + values[after])
        weight[away:-away] += 2 * share
    return np.where(known, total / np.where(known, weight, 1), np.nan)
