"""The quick way from a JPEG file to its pixels; whatever is out of the ordinary is left to Pillow."""

from __future__ import annotations

import os
from typing import Any

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from deepanon.geometry import Array

FORMATS = ("JPEG", "MPO")  # a phone's MPO begins with the photo
ROOM = 64 * 2**20  # bytes beside the picture that are read in vain: phones put a film behind it
TURNS: dict[int, Any] = {  # EXIF orientation -> what makes the picture upright
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.transpose(cv2.rotate(image, cv2.ROTATE_180)),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def quick_pixels(opened: Image.Image) -> Array | None:
    """The pixels of a picture that Pillow has opened and not loaded, as stored; None if it should load them.

    Both go through libjpeg-turbo with its exact settings (the slow integer transform, smooth chroma), so that the
    pixels are the same, bit for bit. Files with so much as a warning are None, and so are grey and CMYK ones.

    Returns:
        (H, W, 3) uint8 RGB, not turned yet (`turned`).
    """
    stream: Any = getattr(opened, "fp", None)
    if opened.format not in FORMATS or opened.mode != "RGB" or stream is None:
        return None
    blob = _contents(stream, 4 * opened.width * opened.height + ROOM)
    if blob is None:
        return None
    try:
        pixels = simplejpeg.decode_jpeg(blob, "RGB", fastdct=False, fastupsample=False, strict=True)
    except ValueError:
        return None
    return np.asarray(pixels) if pixels.shape == (opened.height, opened.width, 3) else None


def turned(pixels: Array, orientation: int) -> Array:
    """(H, W, 3) as stored -> upright, by the EXIF orientation; one that does not exist turns nothing, as in Pillow."""
    return np.asarray(TURNS[orientation](pixels)) if orientation in TURNS else pixels


def _contents(stream: Any, most: int) -> bytes | None:
    """All of an open file that has at most so many bytes; its position stays."""
    at = stream.tell()
    try:
        if stream.seek(0, os.SEEK_END) > most:
            return None
        stream.seek(0)
        return bytes(stream.read())
    finally:
        stream.seek(at)
