"""Which files are films, by their names and by the number of their frames, and what their results are called."""

from __future__ import annotations

from pathlib import Path

FILMS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")  # written as they are called
OTHER_FILMS = (".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".ts", ".wmv", ".flv", ".3gp")  # become NAME.SUFFIX.mp4
ANIMATED = (".webp", ".tif", ".tiff")  # photos too, if they hold one frame


def is_film(path: str | Path) -> bool:
    """Whether the name says a film, or the file is a picture with several frames."""
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_dir():
        return False
    if suffix in ANIMATED and path.is_file():
        return frame_count(path) > 1
    return suffix in (".gif", *FILMS, *OTHER_FILMS)


def frame_count(path: Path) -> int:
    """How many frames a picture file holds; 1 if it cannot be read, which reading it as a photo will say."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            return 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
    except Exception:  # Pillow's decoders raise whatever they like on damaged files
        return 1


def written_as(name: str) -> str:
    """What the result of a file is called: the same, unless its kind of film cannot be written."""
    return f"{name}.mp4" if name.lower().endswith(OTHER_FILMS) else name
