"""Compressed pictures and untouched sound to one film file."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer, OutputContainer

from deepanon.errors import FilmError
from deepanon.films.encoding import CONTAINERS, Encoding, packets
from deepanon.films.frames import Source
from deepanon.films.pieces import Piece
from deepanon.geometry import Array


def join(
    pieces: Iterable[Path],
    film: Source,
    encoding: Encoding,
    target: Path,
    durations: Array,
    *,
    sound: bool = True,
    start: float | None = None,
    end: float | None = None,
) -> None:
    """Write a film file of `pieces` in order, and the sound of `film`, packet by packet as it is.

    Nothing else of `film` reaches the file: no subtitles, data, attachments, chapters, cover or metadata, but the
    language of the sound.

    Args:
        pieces: files written by `Piece.save`.
        film: where they come from.
        encoding: how they were made.
        target: file to write; its suffix says the container.
        durations: (F,) how long each frame is shown, in the film's time base; 0 = not said.
        sound: whether to take the sound along.
        start: in seconds; what is shown and heard begins here, as 0. None = everything, at its own times.
        end: in seconds.

    Raises:
        FilmError: the container does not take the sound's codec, or the file cannot be written.
    """
    kind = CONTAINERS[target.suffix.lower()][0]
    with av.open(str(target), "w", format=kind, options=_options(kind)) as output, av.open(str(film.path)) as source:
        shift = Fraction(0) if start is None else -Fraction(start).limit_denominator(1_000_000)
        try:
            pictures: Any = output.add_stream(encoding.encoder, rate=film.rate)
            encoding.apply(pictures.codec_context, film)
            pictures.time_base = film.time_base
            streams = [_pictures(pieces, durations, film, pictures, shift)]
            if sound:
                streams += _sound(source, output, (start, end), shift)
            for _, packet in heapq.merge(*streams, key=lambda timed: timed[0]):
                output.mux(packet)
        except (av.FFmpegError, ValueError) as error:
            raise FilmError(f"{target}: cannot be written ({error})") from error


def check_sound(film: Source, target: Path) -> None:
    """Raise `FilmError` if the container of `target` does not take the sound of `film` as it is."""
    kind = CONTAINERS[target.suffix.lower()][0]
    possible = av.ContainerFormat(kind, "w")
    with av.open("/dev/null", "w", format=kind) as trial:
        lost = [codec for codec in film.sound if codec not in trial.supported_codecs]
    if lost:
        raise FilmError(
            f"{target.suffix} ({possible.long_name}) does not hold {lost[0]} sound, which is never encoded again; "
            "choose .mkv, or drop the sound (--audio drop)"
        )


def _options(kind: str) -> dict[str, str]:
    """Playable before it has arrived in whole; times as they are."""
    return {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}


Timed = tuple[float, av.Packet]


def _pictures(pieces: Iterable[Path], durations: Array, film: Source, stream: Any, shift: Fraction) -> Iterator[Timed]:
    """The packets with the time by which they are sorted; decoding times rise across pieces."""
    shown, last, ticks = 0, None, round(shift / film.time_base)
    for path in pieces:
        piece = Piece.load(path)
        rank = np.argsort(np.argsort(piece.pts))
        for place, packet in zip(rank, packets(piece, film.time_base), strict=True):
            assert packet.pts is not None
            assert packet.dts is not None
            packet.duration = int(durations[shown + place])
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            if last is not None and packet.dts <= last:
                packet.dts = last + 1
            last, packet.stream = packet.dts, stream
            yield float(packet.dts * film.time_base), packet
        shown += len(piece.pts)


def _sound(
    source: InputContainer, output: OutputContainer, span: tuple[float | None, float | None], shift: Fraction
) -> list[Iterator[Timed]]:
    """One iterator over the packets of all audio streams, in the order of the file; none if there is none."""
    copies = {}
    for stream in source.streams.audio:
        copy = output.add_stream_from_template(stream)
        copy.metadata.clear()
        if stream.language:
            copy.metadata["language"] = stream.language
        copies[stream.index] = copy
    if not copies:
        return []

    def packets_of() -> Iterator[Timed]:
        for packet in source.demux(*source.streams.audio):
            if packet.dts is None or packet.time_base is None:
                continue
            time = float(packet.dts * packet.time_base)
            if not _within(time, span):
                continue
            ticks = round(shift / packet.time_base)
            packet.dts += ticks
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.stream = copies[packet.stream_index]
            yield time + float(shift), packet

    return [packets_of()]


def _within(time: float, span: Sequence[float | None]) -> bool:
    start, end = span
    return (start is None or time >= start) and (end is None or time < end)
