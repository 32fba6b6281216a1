"""Pictures in the form in which most films hold them: brightness of every pixel, colour of every four."""

from __future__ import annotations

from functools import cached_property

import av
import numpy as np
from av.video.reformatter import Interpolation

from deepanon import geometry
from deepanon.films.frames import Look, Picture
from deepanon.films.pictures import FAITHFUL, FULL_RANGE, Pixels, converted, range_of
from deepanon.geometry import Array

FORMAT = "yuv420p"
ALIKE = {FORMAT, "yuvj420p"}  # pixel formats that differ in the range of their values alone
MARGIN = 8  # pixels around a window: 2 decide about the colours at its edge, and narrow strips are done otherwise
MOST = 0.6  # share of a picture: with more of it in windows, all is opened
REDUCING = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
REDUCING |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


class Planes:
    """A decoded 4:2:0 picture with 8 bits, which is turned to RGB only where somebody looks.

    What it shows in a window is, bit for bit, what the whole picture shows there. What is painted goes back in the
    same way; the rest keeps the values of the film, which do not go to RGB and back.

    Args:
        frame: of the pixel format `FORMAT` or one `ALIKE`, with even sides.
        look: how its values are to be shown.
    """

    def __init__(self, frame: av.VideoFrame, look: Look) -> None:
        self._frame, self._look, self._own = frame, look, False
        self.width, self.height = frame.width, frame.height

    @staticmethod
    def fit(frame: av.VideoFrame, look: Look) -> bool:
        """Whether the frame can be taken as it is: the form is right, and its values are in the range of the film."""
        full = frame.format.name != FORMAT or int(frame.color_range) == FULL_RANGE
        even = frame.width % 2 == 0 and frame.height % 2 == 0
        return frame.format.name in ALIKE and even and full == (range_of(look) == FULL_RANGE)

    @cached_property
    def pixels(self) -> Array:
        """(H, W, 3) uint8 RGB."""
        return self.part(np.array([0, 0, self.width, self.height]))

    def resized(self, width: int, height: int) -> Array:
        """(height, width, 3) uint8 RGB: window means, within a level or two of those of `pixels` but at sharp edges."""
        small = self._frame.to_ndarray(
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=self._look.colorspace,
            interpolation=REDUCING,
            threads=1,
        )
        return np.ascontiguousarray(small)

    def part(self, box: Array) -> Array:
        """(h, w, 3) uint8 RGB of a box in whole pixels, (4,) int64, that lies in the picture."""
        around = self._around(box)
        x0, y0, x1, y1 = around
        some = av.VideoFrame(x1 - x0, y1 - y0, FORMAT)
        some.color_range = range_of(self._look)
        for new, old in zip(_values(some, (0, 0, x1 - x0, y1 - y0)), _values(self._frame, around), strict=True):
            new[:] = old
        left, top, right, bottom = (np.asarray(box) - np.array([x0, y0, x0, y0])).tolist()
        # not the decoder's own frame, which says where colours lie: nobody says so to the encoder, and they would creep
        rgb = some.to_ndarray(format="rgb24", src_colorspace=self._look.colorspace, interpolation=FAITHFUL, threads=1)
        return np.ascontiguousarray(rgb[top:bottom, left:right])

    def opened(self, windows: Array) -> tuple[Array, Array]:
        """See `Picture.opened`; what is needed to paint at their edges is open too."""
        wide = np.array([self._around(window) for window in windows]).reshape(-1, 4)
        if geometry.area(wide).sum() > MOST * self.width * self.height:
            return self.pixels, self.pixels.copy()
        # memory that is not touched costs nothing: so there may be many of these
        shown, canvas = (np.zeros((self.height, self.width, 3), dtype=np.uint8) for _ in range(2))
        for window in wide:
            x0, y0, x1, y1 = window.tolist()
            shown[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] = self.part(window)
        return shown, canvas

    def painted(self, before: Array, after: Array, windows: Array) -> Picture:
        """See `Picture.painted`; values are written where something has changed, and for pairs of pixels."""
        frame = self._copy()
        for window in windows:
            box = _changed(before, after, window)
            if box is None:
                continue
            around = self._around(box)
            x0, y0, x1, y1 = around
            new = converted(after[y0:y1, x0:x1], self._look, FORMAT)
            inner = _even(box)
            within = (inner[0] - x0, inner[1] - y0, inner[2] - x0, inner[3] - y0)
            for old, values in zip(_values(frame, inner), _values(new, within), strict=True):
                old[:] = values
        made = Planes(frame, self._look)
        made._own = True
        return made

    def video_frame(self, look: Look, format_: str) -> av.VideoFrame:
        """See `Picture.video_frame`."""
        if self._own and format_ == FORMAT:
            return self._frame
        return self._copy() if format_ == FORMAT else Pixels(self.pixels).video_frame(look, format_)

    def _copy(self) -> av.VideoFrame:
        """The values alone: what else a decoder hands on, such as captions, is not the picture."""
        frame, whole = av.VideoFrame(self.width, self.height, FORMAT), (0, 0, self.width, self.height)
        frame.color_range = range_of(self._look)
        for new, old in zip(_values(frame, whole), _values(self._frame, whole), strict=True):
            new[:] = old
        return frame

    def _around(self, box: Array) -> tuple[int, int, int, int]:
        """What must be known to convert a box: `MARGIN` pixels more, in pairs."""
        x0, y0, x1, y1 = _even(box)
        return (
            max(x0 - MARGIN, 0),
            max(y0 - MARGIN, 0),
            min(x1 + MARGIN, self.width),
            min(y1 + MARGIN, self.height),
        )


def _even(box: Array) -> tuple[int, int, int, int]:
    """The box, outward to pairs of pixels."""
    x0, y0, x1, y1 = (int(edge) for edge in box)
    return x0 - x0 % 2, y0 - y0 % 2, x1 + x1 % 2, y1 + y1 % 2


def _values(frame: av.VideoFrame, box: tuple[int, int, int, int]) -> list[Array]:
    """The three planes within a box of pairs of pixels: views of the frame's own memory, uint8."""
    found = []
    for plane in frame.planes:
        share = frame.width // plane.width  # pixels along a value: 1 or 2
        x0, y0, x1, y1 = (edge // share for edge in box)
        rows = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
        found.append(rows[y0:y1, x0:x1])
    return found


def _changed(before: Array, after: Array, window: Array) -> Array | None:
    """(4,) int64 the smallest box that holds all changes within a window; None if there are none."""
    x0, y0, x1, y1 = (int(edge) for edge in window)
    differs = (before[y0:y1, x0:x1] != after[y0:y1, x0:x1]).reshape(y1 - y0, -1)  # numpy is slow at triples
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0).reshape(-1, 3).any(1))
    if not len(rows):
        return None
    return np.array([x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1])
