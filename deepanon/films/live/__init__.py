"""Cameras and pipes: one pass, a short delay, and nothing that was not looked at is let through."""

from __future__ import annotations

from deepanon.films.live.camera import Camera
from deepanon.films.live.loop import LiveAnonymizer
from deepanon.films.live.options import LiveOptions, LiveOutcome
from deepanon.films.live.pipe import PipeSink, PipeSource
from deepanon.films.live.pixels import FORMATS
from deepanon.films.live.recording import Recording
from deepanon.films.live.window import Window

__all__ = [
    "FORMATS",
    "Camera",
    "LiveAnonymizer",
    "LiveOptions",
    "LiveOutcome",
    "PipeSink",
    "PipeSource",
    "Recording",
    "Window",
]
