"""Raw pictures as bytes, in the pixel formats that cameras and FFmpeg speak."""

from __future__ import annotations

from typing import Any

import av
import cv2
import numpy as np

from deepanon.errors import OptionError, lookup
from deepanon.films.live.ends import look_of
from deepanon.films.source import FAITHFUL
from deepanon.geometry import Array

FORMATS: dict[str, tuple[int, int]] = {  # FFmpeg's name -> bytes for so many pixels
    "rgb24": (3, 1),
    "bgr24": (3, 1),
    "gray": (1, 1),
    "yuyv422": (2, 1),
    "yuv420p": (3, 2),
    "nv12": (3, 2),
}
SHARED = ("yuyv422", "yuv420p", "nv12")  # colour is stored for several pixels at a time


class PixelFormat:
    """Bytes of a raw picture to RGB and back; rows follow each other without gaps, as FFmpeg writes them.

    Args:
        name: one of `FORMATS`.
        width: in pixels.
        height: likewise.

    Attributes:
        size: bytes of a picture.

    Raises:
        OptionError: an unknown format, or a size that it does not go with.
    """

    def __init__(self, name: str, width: int, height: int) -> None:
        count, pixels = lookup(FORMATS, name, "pixel format")
        if width < 1 or height < 1:
            raise OptionError(f"a picture of {width}x{height} has no pixels")
        if name in SHARED and (width % 2 or height % 2):
            raise OptionError(f"{name} needs an even width and height, not {width}x{height}; use rgb24")
        self.name, self.width, self.height = name, width, height
        self.size = width * height * count // pixels
        self.look = look_of(height)

    def read(self, data: bytes | bytearray) -> Array:
        """`size` bytes -> (H, W, 3) uint8 RGB.

        Raises:
            ValueError: another number of bytes.
        """
        if len(data) != self.size:
            raise ValueError(f"{len(data)} bytes are no {self.name} picture of {self.width}x{self.height}")
        values = np.frombuffer(data, dtype=np.uint8)
        if self.name not in SHARED:
            planes = values.reshape(self.height, self.width, -1)
            ordered = planes[..., ::-1] if self.name == "bgr24" else planes
            return np.ascontiguousarray(np.broadcast_to(ordered, (self.height, self.width, 3)))
        frame = av.VideoFrame.from_ndarray(values.reshape(self._shape()), format=self.name)
        return self._converted(frame, "rgb24", "src")

    def write(self, pixels: Array) -> bytes:
        """(H, W, 3) uint8 RGB -> `size` bytes."""
        if self.name == "gray":
            return cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).tobytes()
        if self.name not in SHARED:
            return (pixels[..., ::-1] if self.name == "bgr24" else pixels).tobytes()
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        return self._converted(frame, self.name, "dst").tobytes()

    def _shape(self) -> tuple[int, ...]:
        return (self.height, self.width, 2) if self.name == "yuyv422" else (self.height * 3 // 2, self.width)

    def _converted(self, frame: av.VideoFrame, name: str, side: str) -> Array:
        look: dict[str, Any] = {
            f"{side}_colorspace": self.look.colorspace,
            f"{side}_color_range": self.look.color_range,
        }
        return np.asarray(frame.reformat(format=name, interpolation=FAITHFUL, **look).to_ndarray())
