"""Faces through time: detections of single frames become tracks without holes. Pure arithmetic, no pictures."""

from __future__ import annotations

from deepanon.tracking.linking import Linker
from deepanon.tracking.spans import complete
from deepanon.tracking.timeline import Timeline
from deepanon.tracking.track import FILLED, GUESSED, PADDED, SEEN, Track

__all__ = ["FILLED", "GUESSED", "PADDED", "SEEN", "Linker", "Timeline", "Track", "complete"]
