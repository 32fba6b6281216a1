"""Films: frames in, faces followed through time, every one replaced in every frame, the sound untouched."""

from __future__ import annotations

from deepanon.films.covers import Covers, Doubt, Rules
from deepanon.films.encoding import CODECS, CONTAINERS, Encoding
from deepanon.films.film import FilmAnonymizer, FilmOutcome, work_folder
from deepanon.films.frames import Frame
from deepanon.films.options import FilmOptions
from deepanon.films.plan import FilmPlan
from deepanon.films.source import Film

__all__ = [
    "CODECS",
    "CONTAINERS",
    "Covers",
    "Doubt",
    "Encoding",
    "Film",
    "FilmAnonymizer",
    "FilmOptions",
    "FilmOutcome",
    "FilmPlan",
    "Frame",
    "Rules",
    "work_folder",
]
