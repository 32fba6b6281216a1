"""Pictures of a film: read, painted and handed to an encoder, in the form in which they came."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import Interpolation

from deepanon.films.frames import Look
from deepanon.geometry import Array
from deepanon.partly import Whole

MPEG_RANGE, FULL_RANGE = 1, 2  # values from 16 to 235, or from 0 to 255
# without chroma interpolated in full a conversion darkens everything by a level
FAITHFUL = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
FAITHFUL |= Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


class Pixels(Whole):
    """A picture whose RGB values are all known.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """

    def opened(self, windows: Array) -> tuple[Array, Array]:
        """All of it."""
        return self.pixels, self.pixels.copy()

    def painted(self, before: Array, after: Array, windows: Array) -> Pixels:
        """See `Picture.painted`."""
        return Pixels(after)

    def video_frame(self, look: Look, format_: str) -> av.VideoFrame:
        """See `Picture.video_frame`; odd sizes become even."""
        pixels = self.pixels
        if (self.height % 2, self.width % 2) != (0, 0):
            pixels = np.pad(pixels, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")
        return converted(pixels, look, format_)


def converted(pixels: Array, look: Look, format_: str) -> av.VideoFrame:
    """(H, W, 3) uint8 RGB with even sides in another pixel format."""
    rgb = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="rgb24")  # read, and not kept
    return rgb.reformat(
        format=format_,
        dst_colorspace=look.colorspace,
        dst_color_range=range_of(look),
        interpolation=FAITHFUL,
        threads=1,  # several are here already, a step each
    )


def range_of(look: Look) -> int:
    """The range of values in which a film is stored again."""
    return FULL_RANGE if look.color_range == FULL_RANGE else MPEG_RANGE
