"""From the bytes of a stored crop to pixels at the size that is wanted: damaged files raise, none comes back half grey.

JPEG goes through libjpeg-turbo with every warning an error (`simplejpeg`): Pillow and OpenCV hand out a picture whose
lower half is grey or shifted when bytes in the middle are lost. PNG is checked against its own checksums first.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import cv2
import numpy as np
import simplejpeg

from deepanon.errors import ImageError
from deepanon.geometry import Array

JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n"


def decode(blob: bytes, out: Array) -> None:
    """Decode a square JPEG or PNG at the size of `out`.

    A JPEG is decoded straight from its low frequencies to the least number of eighths of its size that is enough, so
    that a crop of 128 px costs 16 x 16 pixels of work at 16 px. What is still too large is reduced by area.

    Args:
        blob: the file.
        out: (S, S, 3) uint8, contiguous; filled with RGB. Its content is undefined after an error.

    Raises:
        ImageError: not a JPEG or PNG, truncated, damaged, not square or smaller than `out`.
    """
    if blob[:2] == JPEG:
        _decode_jpeg(blob, out)
    elif blob[:8] == PNG:
        _decode_png(blob, out)
    else:
        raise ImageError("not a readable picture (neither JPEG nor PNG)")


def size_of(blob: bytes) -> tuple[int, int]:
    """(width, height) in pixels, from the header alone; `ImageError` where there is none."""
    if blob[:8] == PNG and len(blob) >= 24:
        width, height = struct.unpack_from(">II", blob, 16)
        return width, height
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(blob)
    except ValueError as error:
        raise ImageError(f"not a readable picture ({error})") from None
    return width, height


def check_size(width: int, height: int, side: int) -> None:
    """Raise `ImageError` unless the picture is square and at least `side` pixels large."""
    if width != height or width < side:
        raise ImageError(f"{width}x{height} px; crops must be square and at least {side} px")


def _decode_jpeg(blob: bytes, out: Array) -> None:
    side = len(out)
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(blob)
        check_size(width, height, side)
        if colours in ("CMYK", "YCCK"):
            raise ImageError("a CMYK picture; crops must be RGB or grey")
        exact = _comes_out_at(width, side)
        room = out if exact else None
        image = simplejpeg.decode_jpeg(blob, min_height=side, min_width=side, buffer=room, strict=True)
    except ValueError as error:
        raise ImageError(f"not a readable picture ({error})") from None
    if not exact:
        cv2.resize(image, (side, side), dst=out, interpolation=cv2.INTER_AREA)


@lru_cache
def _comes_out_at(stored: int, wanted: int) -> bool:
    """Whether a JPEG can be decoded at just this side; libjpeg-turbo scales by eighths, rounding up."""
    return wanted in [-(-stored * eighths // 8) for eighths in range(1, 9)]


def _decode_png(blob: bytes, out: Array) -> None:
    side = len(out)
    check_size(*size_of(blob), side)
    _check_sums(blob)
    image = cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise ImageError("not a readable picture (PNG that cannot be decoded)")
    if len(image) != side:
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=out)


def _check_sums(blob: bytes) -> None:
    """Compare every chunk of a PNG with its CRC-32; a decoder may skip them, or stop before the end."""
    view, at, kind = memoryview(blob), len(PNG), b""
    while kind != b"IEND":
        if at + 12 > len(blob):
            raise ImageError("not a readable picture (PNG that ends too early)")
        (length,) = struct.unpack_from(">I", blob, at)
        end = at + 8 + length
        if end + 4 > len(blob):
            raise ImageError("not a readable picture (PNG that ends too early)")
        if zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", blob, end)[0]:
            raise ImageError(f"not a readable picture (PNG with a wrong checksum at byte {at})")
        kind, at = blob[at + 4 : at + 8], end + 4
