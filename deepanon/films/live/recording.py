"""A film file that is written while its pictures come in."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import av

from deepanon.errors import FilmError, OptionError
from deepanon.films.encoding import CONTAINERS, Encoding, video_frame
from deepanon.films.frames import Pictures
from deepanon.films.pictures import Pixels
from deepanon.geometry import Array

PRESETS = {"h264": "veryfast", "hevc": "veryfast", "av1": "10"}  # pictures do not wait


class Recording:
    """Writes a film file, without sound, under a name that ends in ".partial" until it is finished.

    What a killed run leaves there can be played as far as it goes, once it is renamed.

    Args:
        target: file to write; its suffix says the container.
        film: what the pictures are.
        encoding: how they are compressed; None = the usual codec of the container. Without a preset it is a quick one.

    Raises:
        OptionError: an unknown container, a codec that it does not hold, or an unfinished recording of that name.
        FilmError: it cannot be written.
    """

    def __init__(self, target: str | Path, film: Pictures, encoding: Encoding | None = None) -> None:
        self.target, self.film = Path(target), film
        usual = Encoding.for_file(self.target)
        encoding = encoding or usual
        self.encoding = replace(encoding, preset=encoding.preset or PRESETS.get(encoding.codec))
        suffix = self.target.suffix.lower()
        self.encoding.check(suffix)
        self.partial = self.target.with_name(f"{self.target.name}.partial")
        if self.partial.exists():
            raise OptionError(f"{self.partial} is left of a recording that was stopped; move it away first")
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        self.frames = 0
        self._open(CONTAINERS[suffix][0])

    def _open(self, kind: str) -> None:
        """MP4 is written in fragments that can be played without its end, and made an ordinary file by `finish`."""
        os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder tells its life on stderr otherwise
        options = {"movflags": "+hybrid_fragmented"} if kind in ("mp4", "mov") else {"cluster_time_limit": "500"}
        options |= {"flush_packets": "1"}
        try:
            self._output: Any = av.open(str(self.partial), "w", format=kind, options=options)
            self._stream: Any = self._output.add_stream(self.encoding.encoder, rate=self.film.rate)
            context: Any = self._stream.codec_context
            self.encoding.apply(context, self.film)
            context.gop_size = max(1, round(2 * self.film.rate))  # seconds that a kill costs, at most
            context.max_b_frames = 0  # with them an MP4 in fragments begins late
            self._stream.time_base = self.film.time_base
        except (av.FFmpegError, ValueError, OSError) as error:
            self.partial.unlink(missing_ok=True)  # there is nothing in it
            raise FilmError(f"{self.target}: cannot be written ({error})") from error

    def write(self, pts: int, pixels: Array) -> None:
        """Add a picture; see `Sink`.

        Raises:
            FilmError: it cannot be compressed or written.
        """
        frame = video_frame(pts, Pixels(pixels), self.film.look, self.encoding.pixels)
        frame.time_base = self.film.time_base
        try:
            self._output.mux(self._stream.encode(frame))
        except (av.FFmpegError, ValueError, OSError) as error:
            raise FilmError(f"{self.target}: cannot be written ({error})") from error
        self.frames += 1

    def finish(self) -> None:
        """Write what is left, and give the file its name.

        Raises:
            FilmError: it cannot be written.
        """
        try:
            self._close()
            with self.partial.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(self.partial, self.target)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise FilmError(f"{self.target}: cannot be written ({error})") from error

    def abort(self) -> None:
        """Leave what there is under its partial name, playable if possible; nothing if there is no picture in it."""
        with suppress(Exception):  # it is aborted because of something worse
            self._close()
        if not self.frames:
            self.partial.unlink(missing_ok=True)

    def _close(self) -> None:
        try:
            if self.frames:
                self._output.mux(self._stream.encode(None))
        finally:
            self._output.close()
