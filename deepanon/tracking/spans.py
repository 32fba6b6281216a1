"""From what was seen to what must be covered."""

from __future__ import annotations

from collections.abc import Sequence

from deepanon.tracking.filling import fill
from deepanon.tracking.padding import SECONDS, Found, pads
from deepanon.tracking.smoothing import smooth
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import Track


def complete(tracks: Sequence[Track], timeline: Timeline, padding: float = SECONDS) -> list[list[Track]]:
    """What must be covered because of each track; all parts have its number.

    The first part is the track without holes, its boxes calm and none of them smaller than before. The others cover
    `padding` seconds at its ends, and what a wrong link would leave open; see `pads`.
    """
    filled = [fill(track, timeline) for track in tracks]
    found = Found.of(filled)
    return [
        [smooth(whole, timeline), *pads(track, found, timeline, padding)]
        for track, whole in zip(tracks, filled, strict=True)
    ]
