"""Which files are films, and what reads them."""

from __future__ import annotations

from pathlib import Path

from deepanon.films.animation import SUFFIXES, Animation
from deepanon.films.source import Film


def open_film(path: str | Path) -> Film | Animation:
    """Open a film file for reading, of whatever kind; `FilmError` if it is none."""
    return Animation(path) if Path(path).suffix.lower() in SUFFIXES else Film(path)
