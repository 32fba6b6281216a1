"""Faces of a film that are left as they are because somebody said so: whole tracks, and never in doubt."""

from __future__ import annotations

import numpy as np

from deepanon.errors import OptionError
from deepanon.films.covers import Covers
from deepanon.geometry import Array
from deepanon.selection import ZONED, Selection


def left_tracks(covers: Covers, selection: Selection) -> dict[int, str]:
    """Numbers of the tracks that are left, and why.

    A track is left if its box is small, or lies in a zone, in every frame in which it was found. One that is so only
    sometimes is replaced throughout, and so is one that may have walked out of its zone unseen: in all frames, also
    where nothing was found and the box is wider, its middle must lie in a zone. The boxes are those that would be
    covered, which are a little wider than what the detector gave.

    Args:
        covers: all boxes of the film.
        selection: of its wishes size and zones count here; see `check_for_films`.
    """
    if not (selection.min_size or selection.zones):
        return {}
    found = covers.scores > 0
    small, zoned = selection.small(covers.boxes), selection.zoned(covers.boxes)
    middles = _within((covers.boxes[:, :2] + covers.boxes[:, 2:]) / 2, selection)
    left = {}
    for number in np.unique(covers.tracks).tolist():
        rows = covers.tracks == number
        sure = rows & found
        if sure.any() and zoned[sure].all() and middles[rows].all():
            left[number] = ZONED
        elif sure.any() and small[sure].all():
            left[number] = selection.smaller
    return left


def check_for_films(selection: Selection) -> None:
    """Raise `OptionError` for wishes that go by pictures: a film has its tracks for that."""
    if selection.keep is not None or selection.only is not None:
        raise OptionError("regions to keep or to replace go with photos; in a film tracks are left, by its JSON file")


def _within(points: Array, selection: Selection) -> Array:
    """(N, 2) -> (N,) bool: the point lies in a zone."""
    zones = np.array(selection.zones, dtype=np.float64).reshape(-1, 4)
    low, high = points[:, None] >= zones[None, :, :2], points[:, None] <= zones[None, :, 2:]
    inside: Array = np.asarray((low & high).all(axis=-1))
    return np.asarray(inside.any(axis=1))
