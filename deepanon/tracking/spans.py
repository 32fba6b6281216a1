"""From what was seen to what must be covered."""

from __future__ import annotations

from deepanon.tracking.filling import fill
from deepanon.tracking.padding import SECONDS, doubts, pad
from deepanon.tracking.smoothing import smooth
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import Track


def complete(track: Track, timeline: Timeline, padding: float = SECONDS) -> list[Track]:
    """What must be covered because of one track; all parts have its number.

    The first is the track without holes, longer at both ends by `padding` seconds, its boxes calm and none of them
    smaller than before. The others cover what a wrong link would leave open; see `doubts`.
    """
    whole = smooth(pad(fill(track, timeline), timeline, padding), timeline)
    return [whole, *doubts(track, timeline, padding)]
