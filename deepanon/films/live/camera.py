"""A camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from deepanon.errors import FilmError, OptionError
from deepanon.films.frames import Frame
from deepanon.films.live.ends import look_of
from deepanon.films.pictures import Pixels
from deepanon.geometry import Array

PATIENCE = 10  # pictures in a row that may fail before a camera is taken to be gone
USUAL = 30  # pictures a second of a camera that does not say


class Camera:
    """A camera of this machine, through OpenCV, which knows those of Linux, macOS and Windows by number.

    Its pictures are timed by the clock as they come in. Use as a context manager.

    Args:
        which: its number; or the path of a film file, which stands in for a camera and ends.
        size: width and height to ask for; None = what the camera likes.
        rate: pictures a second to ask for; None = what the camera likes.
        clock: seconds, rising.

    Raises:
        FilmError: it cannot be opened or gives no picture.
        OptionError: it does not give pictures of that size.
    """

    waits, rotation = False, 0
    time_base = Fraction(1, 1000)

    def __init__(
        self,
        which: int | str,
        size: tuple[int, int] | None = None,
        rate: Fraction | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.which, self.name, self._clock = which, f"camera {which}", clock
        self._capture = _opened(which)
        try:
            if not self._capture.isOpened():
                raise FilmError(f"{self.name} cannot be opened: not there, in use, or not allowed")
            wishes = {cv2.CAP_PROP_FRAME_WIDTH: size and size[0], cv2.CAP_PROP_FRAME_HEIGHT: size and size[1]}
            for what, wish in (wishes | {cv2.CAP_PROP_FPS: rate}).items():
                if wish is not None:
                    self._capture.set(what, float(wish))
            self._first: Array | None = self._read()
            if self._first is None:
                raise FilmError(f"{self.name} gives no picture")
            self.height, self.width = self._first.shape[:2]
            if size is not None and (self.width, self.height) != size:
                raise OptionError(f"{self.name} gives {self.width}x{self.height}, not {size[0]}x{size[1]}")
            self.rate, self.look = self._said_rate() or rate or Fraction(USUAL), look_of(self.height)
        except BaseException:
            self._capture.release()
            raise

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *error: object) -> None:
        self._capture.release()

    def frames(self) -> Iterator[Frame]:
        """Every picture as it comes in, until a film file that stands in for a camera ends; see `LiveSource`.

        Raises:
            FilmError: `PATIENCE` pictures in a row could not be read.
        """
        first, self._first = self._first, None
        began, last, failed, index = self._clock(), -1, 0, 0
        while True:
            pixels = self._read() if first is None else first
            first = None
            failed = 0 if pixels is not None else failed + 1
            if failed and isinstance(self.which, str):
                return
            if failed > PATIENCE:
                raise FilmError(f"{self.name} gives no more pictures")
            if failed:
                time.sleep(float(1 / self.rate))  # an unplugged camera fails at once, again and again
            last = max(last + 1, round((self._clock() - began) * 1000))
            yield Frame(index, last, 0, None if pixels is None else self._checked(pixels))
            index += 1

    def _read(self) -> Array | None:
        """(H, W, 3) uint8 RGB, or None."""
        try:
            done, pixels = self._capture.read()
        except cv2.error:
            return None
        if not done or pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            return None
        return np.ascontiguousarray(pixels[..., ::-1])

    def _checked(self, pixels: Array) -> Pixels | None:
        """None if it has another size than the first one: it is written black."""
        return Pixels(pixels) if pixels.shape == (self.height, self.width, 3) else None

    def _said_rate(self) -> Fraction | None:
        said = float(self._capture.get(cv2.CAP_PROP_FPS))
        return Fraction(said).limit_denominator(1001) if 1 <= said <= 1000 else None


def _opened(which: int | str) -> Any:
    """OpenCV's capture; what its back ends say of a camera that is not there is said in one line by us."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(which)
    finally:
        cv2.utils.logging.setLogLevel(before)
