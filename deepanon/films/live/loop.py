"""The loop: take a picture, find faces, hold it back, replace, let it go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from time import monotonic

import numpy as np

from deepanon.anonymizers import Anonymizer, ByLabel, build_anonymizer
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.errors import FilmError, OptionError
from deepanon.films.covers import DRAWN
from deepanon.films.frames import Frame
from deepanon.films.live.ends import LiveSource, Sink
from deepanon.films.live.latest import Latest
from deepanon.films.live.options import LiveOptions, LiveOutcome
from deepanon.films.live.window import Due, Window
from deepanon.films.rendering import Painter
from deepanon.geometry import Array
from deepanon.seeds import Seeds

GRACE = 1.0  # seconds by which a camera that gives no picture may be late to end
Say = Callable[[str], None]


class LiveAnonymizer:
    """Anonymizes pictures while they come in. Promises less than `FilmAnonymizer`, which has seen the whole film.

    Args:
        detector: finds the faces; a low threshold costs nothing but boxes redacted in vain.
        anonymizer: draws the new pixels; or a method for each label.
        seeds: where randomness comes from; by default the operating system, anew for every face that is followed.
        redactor: covers what is uncertain; it must not see faces.

    Raises:
        OptionError: `redactor` sees faces.
    """

    def __init__(
        self,
        detector: Detector,
        anonymizer: Anonymizer | ByLabel,
        seeds: Seeds | None = None,
        redactor: Anonymizer | None = None,
    ) -> None:
        self.detector, self.anonymizer = detector, anonymizer
        self.seeds, self.redactor = seeds or Seeds(), redactor or build_anonymizer("blackout")
        if self.redactor.sees_face:
            raise OptionError(f"{self.redactor.name!r} sees the face; what is uncertain is redacted without looking")

    def __call__(
        self,
        source: LiveSource,
        sink: Sink,
        options: LiveOptions | None = None,
        say: Say = lambda text: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> LiveOutcome:
        """Write the pictures of `source` to `sink`, every face that was found replaced, until it ends.

        A picture that cannot be read, looked at or drawn is written black. What goes wrong elsewhere ends all:
        pictures that are held back then are not written, and the sink is told that it is not whole.

        Args:
            source: where pictures come from. What it does not wait for is dropped when there is no time, and counted.
            sink: where they go.
            options: see `LiveOptions`.
            say: told, once each, when pictures are dropped or black.
            stop: asked with every picture whether to end, as if the source did.

        Raises:
            FilmError: there was no picture, or none could be processed, or one with `options.strict`; or the source
                or the sink failed.
        """
        options = options or LiveOptions()
        run = _Run(self, source, sink, options, say)
        reading: AbstractContextManager[Iterable[Frame]]
        reading = nullcontext(source.frames()) if source.waits else Latest(source.frames(), _over(stop, options))
        try:
            with reading as frames:
                for frame in frames:
                    if stop() or not run.take(frame):
                        break
                    run.note_dropped(getattr(frames, "dropped", 0))
            run.end()
            sink.finish()
        except BaseException:  # an interrupt too
            sink.abort()
            raise
        return run.outcome


def _over(stop: Callable[[], bool], options: LiveOptions) -> Callable[[], bool]:
    """Whether it is time to end, also while a camera gives no picture."""
    end = None if options.duration is None else monotonic() + options.duration + GRACE
    return lambda: stop() or (end is not None and monotonic() > end)


class _Run:
    """One run of the loop."""

    def __init__(self, owner: LiveAnonymizer, source: LiveSource, sink: Sink, options: LiveOptions, say: Say) -> None:
        self.owner, self.source, self.sink, self.options, self.say = owner, source, sink, options, say
        self.window = Window(source.width, source.height, options.rules, options.delay)
        self.outcome = LiveOutcome()
        self._seeds: dict[int, int] = {}

    def take(self, frame: Frame) -> bool:
        """Do the next picture, and write those that are due; False if the time is over."""
        time = float(frame.pts * self.source.time_base)
        if self.options.duration is not None and time >= self.options.duration:
            return False
        faces = self._look(frame, time)
        if faces is None:  # its pixels are of no use any more
            frame, faces = replace(frame, picture=None), Detections.empty()
        self._write(self.window.add(frame, time, faces))
        self.outcome.held = max(self.outcome.held, len(self.window) + 1)
        return True

    def end(self) -> None:
        """Write what is held back."""
        self._write(self.window.finish())
        if not self.outcome.frames:
            raise FilmError(f"{self.source.name}: no picture came in")
        if self.outcome.black == self.outcome.frames:
            raise FilmError(f"{self.source.name}: not one of {self.outcome.frames} pictures could be processed")

    def note_dropped(self, count: int) -> None:
        """Say it the first time."""
        if count and not self.outcome.dropped:
            self.say("pictures come in faster than they can be done; those in between are left out")
        self.outcome.dropped = count

    def _look(self, frame: Frame, time: float) -> Detections | None:
        """The faces; None if nobody knows."""
        faces, reason = self._found(frame.pixels)
        if faces is None:
            self._black(time, reason)
        return faces

    def _found(self, pixels: Array | None) -> tuple[Detections | None, str]:
        """The faces, or why nobody knows."""
        if pixels is None:
            return None, "could not be read"
        if pixels.shape != (self.source.height, self.source.width, 3) or pixels.dtype != np.uint8:
            return None, f"is of another size or kind: {pixels.shape}, {pixels.dtype}"
        try:
            faces = self.owner.detector(pixels, self.source.name)
        except Exception as error:  # whatever it is, this picture was not looked at
            return None, f"could not be looked at: {_short(error)}"
        if not isinstance(faces, Detections):
            return None, f"could not be looked at: the detector gave {type(faces).__name__}"
        return faces, ""

    def _write(self, due: list[Due]) -> None:
        for one in due:
            self.sink.write(one.frame.pts, self._picture(one))
            self.outcome.frames += 1
        self.outcome.tracks = self.window.tracks
        alive = self.window.alive
        self._seeds = {number: seed for number, seed in self._seeds.items() if number in alive}

    def _picture(self, due: Due) -> Array:
        """(H, W, 3) uint8 RGB with all faces replaced, or black."""
        width, height = self.source.width, self.source.height
        black = np.zeros((height, width, 3), dtype=np.uint8)
        if due.frame.pixels is None:  # said and counted when it came in
            return black
        covers = due.covers
        seeds = [self._seed(int(track)) for track in covers.tracks]
        one = replace(covers, tracks=np.arange(len(covers.tracks)))  # the painter counts the faces of this picture
        try:
            painter = Painter(one, self.owner.anonymizer, self.owner.redactor, seeds, steady=False)
            made = painter(replace(due.frame, index=0), width, height).pixels
            if made.shape != black.shape or made.dtype != np.uint8:
                raise FilmError(f"a picture of {made.shape}, {made.dtype} was drawn")
        except Exception as error:  # whatever it is, a face may be left in it
            self._black(due.time, f"could not be drawn: {_short(error)}")
            return black
        drawn = int((covers.why == DRAWN).sum())
        self.outcome.drawn += drawn
        self.outcome.redacted += len(covers.why) - drawn
        return made

    def _seed(self, track: int) -> int:
        """One a track, and another in every run but with a secret."""
        if track not in self._seeds:
            self._seeds[track] = self.owner.seeds(f"{self.source.name}#{track}", 1)[0]
        return self._seeds[track]

    def _black(self, time: float, reason: str) -> None:
        """Count a picture that will be black; with `strict` it ends all."""
        if self.options.strict:
            raise FilmError(f"{self.source.name}: the picture at {time:.2f} s {reason} (--strict)")
        if not self.outcome.black:
            self.say(f"the picture at {time:.2f} s is black, and perhaps more will be: it {reason}")
        self.outcome.black += 1


def _short(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
