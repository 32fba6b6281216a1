"""What rides along in a picture file beside its pixels, read byte by byte: libraries skip what they do not know."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import ExifTags, Image

from deepanon.images import EXIF_IFD, KEPT_EXIF, KEPT_EXIF_IFD, ORIENTATION

HARMLESS_EXIF = {*KEPT_EXIF, EXIF_IFD, ORIENTATION}  # what `write_image` may let through, and how to turn the picture
PNG_CHUNKS = {
    *("IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "bKGD", "pHYs", "hIST"),
    *("cICP", "mDCV", "cLLI", "acTL", "fcTL", "fdAT"),
}
WEBP_CHUNKS = {"VP8 ", "VP8L", "VP8X", "ALPH", "ICCP", "ANIM", "ANMF"}
TIFF_TAGS = {  # of pictures, not of their story
    *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 296, 297, 301),
    *(317, 318, 319, 320, 322, 323, 324, 325, 338, 339, 347, 530, 531, 532, 34675),
}
GPS_IFD, TIFF_MAGIC = 0x8825, (b"II*\0", b"MM\0*")
STANDALONE = {0x01, *range(0xD0, 0xD9)}  # JPEG markers without a length
NAMES = {b"http://ns.adobe.com/xap": "XMP", b"http://ns.adobe.com/xmp": "XMP", b"Photoshop": "IPTC (Photoshop)",
         b"MPF": "further pictures (MPF)", b"JFXX": "thumbnail (JFXX)"}  # fmt: skip


def riders(path: str | Path) -> list[str]:
    """Everything in a picture file that is neither pixels, colour profile nor what `keep_metadata` keeps, in words.

    JPEG, PNG, WebP, TIFF, GIF and BMP are read; of what belongs to none of them, or breaks off, that is said.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be read.
    """
    data = Path(path).read_bytes()
    reader = next((read for magic, read in READERS.items() if data.startswith(magic)), None)
    if reader is None:
        return [f"a file whose first bytes are {data[:4]!r}: nothing is known of what it carries"]
    try:
        return list(dict.fromkeys(reader(data)))
    except (struct.error, IndexError, ValueError) as error:
        return [f"metadata that cannot be read ({type(error).__name__})"]


def _jpeg(data: bytes) -> Iterator[str]:
    at = 2
    while True:
        marker = data.index(b"\xff", at)
        kind = data[marker + 1]
        if kind == 0xFF:  # filling
            at = marker + 1
            continue
        at = marker + 2
        if kind in STANDALONE or kind == 0:
            continue
        if kind == 0xD9:
            break
        length = struct.unpack_from(">H", data, at)[0]
        yield from _segment(kind, data[at + 2 : at + length])
        at += length
    yield from _trailing(data[at:])


def _segment(kind: int, body: bytes) -> Iterator[str]:
    if kind == 0xFE:
        yield f"a comment of {len(body)} bytes"
    elif kind == 0xE1 and body.startswith(b"Exif\0\0"):
        yield from _exif(body[6:])
    elif kind == 0xE0 and body.startswith(b"JFIF\0") and len(body) > 14:
        yield "a thumbnail (JFIF)"
    elif 0xE0 <= kind <= 0xEF and not _plain_segment(kind, body):
        name = next((name for start, name in NAMES.items() if body.startswith(start)), f"APP{kind - 0xE0}")
        yield f"{name}, {len(body)} bytes"


def _plain_segment(kind: int, body: bytes) -> bool:
    """What only says how the pixels are to be read."""
    known = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
    return kind in known and body.startswith(known[kind])


def _png(data: bytes) -> Iterator[str]:
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        kind, body = name.decode("latin-1"), data[at + 8 : at + 8 + length]
        if kind == "eXIf":
            yield from _exif(body)
        elif kind not in PNG_CHUNKS:
            yield f"PNG chunk {kind}, {length} bytes"
        at += 12 + length
        if kind == "IEND":
            break
    yield from _trailing(data[at:])


def _webp(data: bytes) -> Iterator[str]:
    if data[8:12] != b"WEBP":
        yield "a RIFF file that is no WebP"
        return
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise ValueError("breaks off")
    at = 12
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        kind, body = name.decode("latin-1"), data[at + 8 : at + 8 + length]
        if kind == "EXIF":
            yield from _exif(body.removeprefix(b"Exif\0\0"))
        elif kind not in WEBP_CHUNKS:
            yield f"{'XMP' if kind == 'XMP ' else f'WebP chunk {kind}'}, {length} bytes"
        at += 8 + length + length % 2
    yield from _trailing(data[end:])


def _tiff(data: bytes) -> Iterator[str]:
    with Image.open(io.BytesIO(data)) as opened:
        for page in range(getattr(opened, "n_frames", 1)):
            opened.seek(page)
            yield from _tags(opened.getexif(), TIFF_TAGS)


def _gif(data: bytes) -> Iterator[str]:
    """Blocks of GIF89a; only loop counts are known applications."""
    at = 13 + _colours(data[10])
    while data[at] != 0x3B:
        if data[at] == 0x2C:  # a frame
            at += 11 + _colours(data[at + 9])
        elif data[at] == 0x21:
            label, name = data[at + 1], data[at + 3 : at + 14]
            if label in (0xFE, 0x01):
                yield "a comment" if label == 0xFE else "a text to be drawn"
            elif label == 0xFF and name not in (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"):
                yield f"application data {name.decode('latin-1')!r}"
            at += 2
        else:
            raise ValueError("no block")
        while data[at]:  # sub-blocks
            at += 1 + data[at]
        at += 1
    yield from _trailing(data[at + 1 :])


def _colours(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _bmp(data: bytes) -> Iterator[str]:
    yield from _trailing(data[struct.unpack_from("<I", data, 2)[0] :])


def _trailing(rest: bytes) -> Iterator[str]:
    """Phones append films and second pictures after the end of the first."""
    if rest.strip(b"\0"):
        yield f"{len(rest)} bytes after the end of the picture"


def _exif(body: bytes) -> Iterator[str]:
    exif = Image.Exif()
    try:
        if not body.startswith(TIFF_MAGIC):
            raise ValueError("no header")
        exif.load(b"Exif\0\0" + body)
        yield from _tags(exif, HARMLESS_EXIF)
        ifd1 = exif.get_ifd(ExifTags.IFD.IFD1)
    except Exception as error:  # Pillow's parsers raise whatever they like on damaged metadata
        yield f"EXIF that cannot be read ({type(error).__name__}), {len(body)} bytes"
        return
    if ifd1:
        yield "a thumbnail (EXIF)"


def _tags(exif: Image.Exif, harmless: set[int]) -> Iterator[str]:
    """Names of all tags that are not harmless; values are not repeated: a report is handed on too."""
    for tag in exif:
        if tag == GPS_IFD:
            yield "a position (EXIF GPS)"
        elif tag not in harmless and tag not in HARMLESS_EXIF:
            yield f"EXIF {ExifTags.TAGS.get(tag, f'tag {tag}')}"
    for tag in exif.get_ifd(EXIF_IFD) if EXIF_IFD in exif else ():
        if tag not in KEPT_EXIF_IFD:
            yield f"EXIF {ExifTags.TAGS.get(tag, f'tag {tag}')}"


READERS: dict[bytes, Callable[[bytes], Iterator[str]]] = {
    b"\xff\xd8": _jpeg,
    b"\x89PNG": _png,
    b"RIFF": _webp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"GIF8": _gif,
    b"BM": _bmp,
}
