"""What rides along in a film file beside its pictures and its sound."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av

from deepanon.errors import FilmError

PLAIN_TAGS = {  # what a container says of itself, and the language of sound
    *("major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "vendor_id", "duration"),
    *("language", "_statistics_writing_app", "_statistics_writing_date_utc", "_statistics_tags", "bps"),
    *("number_of_frames", "number_of_bytes"),
}
PLAIN_HANDLERS = {"VideoHandler", "SoundHandler", "ISO Media file produced by Google Inc."}
PLAIN_BOXES = {"ftyp", "moov", "mdat", "free", "skip", "wide", "styp", "sidx", "moof", "mfra", "pdin"}
BASE_MEDIA = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # first boxes of MP4 and QuickTime


def film_riders(path: str | Path) -> list[str]:
    """Streams, chapters and tags of a film that anonymizing never hands on, in words.

    Args:
        path: of a film that FFmpeg reads.

    Raises:
        FilmError: it cannot be opened.
    """
    try:
        with av.open(str(path)) as film:
            found = [*_streams(film), *_named("the film", film.metadata)]
            if film.chapters():
                found.append(f"{len(film.chapters())} chapters")
    except (av.FFmpegError, OSError, UnicodeDecodeError) as error:
        raise FilmError(f"{path}: not a film that can be read ({error})") from error
    return list(dict.fromkeys([*found, *_boxes(Path(path))]))


def _streams(film: Any) -> Iterator[str]:
    pictures = 0
    for stream in film.streams:
        cover = stream.type == "video" and stream.disposition & av.stream.Disposition.attached_pic
        pictures += stream.type == "video" and not cover
        if cover:
            yield "a cover picture"
        elif stream.type not in ("video", "audio"):
            yield f"a stream of {stream.type}"
        elif stream.type == "video" and pictures > 1:
            yield "a second stream of pictures"
        yield from _named(f"stream {stream.index}", stream.metadata)


def _named(where: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Names of tags; values are not repeated, because a report is handed on too."""
    for tag, value in tags.items():
        plain = tag.lower() in PLAIN_TAGS and (tag.lower() != "handler_name" or value in PLAIN_HANDLERS)
        if not plain:
            yield f"tag {tag!r} of {where}"


def _boxes(path: Path) -> Iterator[str]:
    """Top-level boxes of MP4 and QuickTime that FFmpeg passes over: XMP and makers' own."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        at = 0
        while at + 8 <= size:
            stream.seek(at)
            head = stream.read(16)
            length, name = struct.unpack_from(">I4s", head)
            if at == 0 and name not in BASE_MEDIA:
                return
            if length == 1 and len(head) == 16:
                length = struct.unpack_from(">Q", head, 8)[0]
            kind = name.decode("latin-1")
            if kind not in PLAIN_BOXES:
                yield f"box {kind!r} of {length or size - at} bytes"
            if length < 8:
                return  # to the end of the file, or damaged, which decoding says
            at += length
