"""Films in picture files: animated GIF and WebP, and TIFF with several pages."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deepanon.errors import FilmError, ImageError
from deepanon.films.frames import Frame, Look, Picture, Source
from deepanon.films.pictures import Pixels
from deepanon.films.pieces import Piece
from deepanon.films.source import BT601
from deepanon.geometry import Array
from deepanon.images import MAX_PIXELS, upright_rgb

SUFFIXES = (".gif", ".webp", ".tif", ".tiff")
WRITERS: dict[str, dict[str, Any]] = {  # suffix -> what Pillow is told
    ".gif": {"format": "GIF", "loop": 0, "disposal": 1},
    ".webp": {"format": "WEBP", "loop": 0, "quality": 90, "method": 4},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
USUAL = 100  # ms that players show a frame which does not say how long


class Animation:
    """A picture file with several frames, opened for reading; a `Source` like `Film`, and a context manager.

    Transparency is laid on white. The pages of a TIFF file are pictures of their own: each is a scene.

    Args:
        path: a GIF, WebP or TIFF file.

    Raises:
        FilmError: it cannot be read, or is too large.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FilmError(f"{path}: no such file")
        try:
            self._opened = Image.open(self.path)
            self.promised: int | None = getattr(self._opened, "n_frames", 1)
            self.width, self.height = upright_rgb(self._frame(0)).size
        except Exception as error:  # Pillow's decoders raise whatever they like on damaged files
            raise FilmError(f"{path}: not a picture that can be read ({error})") from error
        if self.width * self.height > MAX_PIXELS:
            raise FilmError(f"{path}: {self.width}x{self.height} are more than {MAX_PIXELS // 10**6} megapixels")
        self.pages = self._opened.format == "TIFF"
        self.time_base, self.rate = Fraction(1, 1000), Fraction(1000, USUAL)
        self.look, self.rotation = Look(BT601, 2, 2, 2, Fraction(1)), 0
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self.sound: list[str] = []

    def __enter__(self) -> Animation:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def frames(self, start: float | None = None, end: float | None = None) -> Iterator[Frame]:
        """Every frame shown from `start` until before `end`, in seconds; one that cannot be decoded has no pixels.

        Raises:
            FilmError: pages of different sizes.
        """
        pts, index = 0, 0
        for number in range(self.promised or 1):
            pixels, duration = self._decode(number)
            if (start is None or pts >= start * 1000) and (end is None or pts < end * 1000):
                yield Frame(index, pts, duration, None if pixels is None else Pixels(pixels))
                index += 1
            pts += duration

    def _decode(self, number: int) -> tuple[Array | None, int]:
        try:
            frame = self._frame(number)
            pixels = np.array(upright_rgb(frame))
        except (OSError, ValueError, EOFError, SyntaxError, ImageError):
            return None, USUAL
        if pixels.shape[:2] != (self.height, self.width):
            raise FilmError(
                f"{self.path}: page {number + 1} is {pixels.shape[1]}x{pixels.shape[0]}, the first "
                f"{self.width}x{self.height}; take them apart and do them as photos"
            )
        return pixels, 1000 if self.pages else int(frame.info.get("duration") or USUAL)

    def _frame(self, number: int) -> Image.Image:
        self._opened.seek(number)
        self._opened.load()  # only now a WebP file says how long the frame is shown
        return self._opened


@dataclass(frozen=True)
class AnimationMaking:
    """Makes an animated picture file; frames are kept as PNG in between."""

    suffix: str

    def check(self, film: Source, target: Path, sound: bool) -> None:
        """Any film can become one, without its sound."""

    def encode(self, frames: Iterable[tuple[int, Picture]], film: Source) -> Piece:
        """One PNG a frame."""
        pts, data = [], []
        for at, picture in frames:
            stream = io.BytesIO()
            Image.fromarray(picture.pixels).save(stream, "PNG", compress_level=1)
            pts.append(at)
            data.append(stream.getvalue())
        times = np.array(pts, dtype=np.int64)
        return Piece(times, times, np.ones(len(pts), dtype=bool), data)

    def join(
        self,
        pieces: Iterable[Path],
        film: Source,
        target: Path,
        durations: Array,
        sound: bool,
        span: tuple[float | None, float | None],
    ) -> None:
        """Write the file, with the time that each frame is shown and nothing else of the source.

        Raises:
            FilmError: it cannot be written.
        """
        pictures = (Image.open(io.BytesIO(data)) for path in pieces for data in Piece.load(path).data)
        shown = [max(1, round(duration * film.time_base * 1000)) for duration in durations.tolist()]
        options = dict(WRITERS[self.suffix])
        if options["format"] != "TIFF":
            options["duration"] = shown
        try:
            next(pictures).save(target, save_all=True, append_images=pictures, **options)
        except (OSError, ValueError) as error:
            raise FilmError(f"{target}: cannot be written ({error})") from error
