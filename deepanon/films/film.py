"""A whole film: look at every frame, decide, replace, join; a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deepanon import __version__
from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.detectors import Detector
from deepanon.errors import FilmError, NoFaceError, OptionError
from deepanon.files import replacing, sha256_of
from deepanon.films.covers import Covers, Doubt, Rules, cover, doubts
from deepanon.films.encoding import Encoding
from deepanon.films.joining import check_sound, join
from deepanon.films.rendering import Painter, render
from deepanon.films.sightings import Progress, Sightings, look, read
from deepanon.films.source import Film
from deepanon.pipeline import ON_NO_FACE, refuse_same
from deepanon.seeds import Seeds


@dataclass(frozen=True)
class FilmOptions:
    """What a user can ask for.

    Args:
        encoding: how pictures are compressed; None = the usual way of the target's container.
        rules: when a face is drawn and when it is redacted.
        sound: whether to take the sound along as it is; a voice identifies too.
        start: in seconds; None = from the beginning.
        end: in seconds; None = to the end.
        strict: refuse a film of which something had to be redacted without knowing what is there.
        on_no_face: "raise" refuses a film in which no face is found at all; "copy" writes its pictures as they are.
    """

    encoding: Encoding | None = None
    rules: Rules = field(default_factory=Rules)
    sound: bool = True
    start: float | None = None
    end: float | None = None
    strict: bool = False
    on_no_face: str = "raise"

    def __post_init__(self) -> None:
        if self.on_no_face not in ON_NO_FACE:
            raise OptionError(f"unknown on_no_face {self.on_no_face!r}; choose one of: {', '.join(ON_NO_FACE)}")
        if self.start is not None and self.end is not None and not self.start < self.end:
            raise OptionError(f"start {self.start:g} s must lie before end {self.end:g} s")


@dataclass(frozen=True, eq=False)
class FilmOutcome:
    """What became of a film.

    Attributes:
        seen: what was found.
        covers: what was done about it.
        doubts: spans that were redacted without knowing what is there.
        notes: what a user should know, one sentence each.
    """

    seen: Sightings
    covers: Covers
    doubts: list[Doubt]
    notes: list[str]


class FilmAnonymizer:
    """Anonymizes films: every face is followed through time and replaced in every frame, one new face a track.

    Args:
        detector: finds the faces; a low threshold costs nothing but boxes redacted in vain.
        anonymizer: draws the new pixels.
        seeds: where randomness comes from; by default the operating system.
        redactor: covers what is uncertain; it must not see faces.

    Raises:
        OptionError: `redactor` sees faces.
    """

    def __init__(
        self,
        detector: Detector,
        anonymizer: Anonymizer,
        seeds: Seeds | None = None,
        redactor: Anonymizer | None = None,
    ) -> None:
        self.detector, self.anonymizer = detector, anonymizer
        self.seeds, self.redactor = seeds or Seeds(), redactor or build_anonymizer("blackout")
        if self.redactor.sees_face:
            raise OptionError(f"{self.redactor.name!r} sees the face; what is uncertain is redacted without looking")

    def __call__(
        self,
        source: str | Path,
        target: str | Path,
        options: FilmOptions | None = None,
        progress: Progress = lambda what, done, total: None,
    ) -> FilmOutcome:
        """Write the film at `source` with every face replaced to `target`, whole or not at all.

        What is done is kept in a hidden folder beside `target` until the film is whole, so that the same call goes on
        after a crash. It holds boxes and new pictures, none of the old ones.

        Raises:
            NoFaceError: there is no face in it, and `options.on_no_face` is "raise".
            FilmError: the film cannot be done, or `options.strict` and there are doubts; nothing is written.
        """
        target, options = Path(target), options or FilmOptions()
        refuse_same(source, target)
        encoding = options.encoding or Encoding.for_file(target)
        with Film(source) as film:
            if options.sound:
                check_sound(film, target)
            folder = work_folder(target)
            seeds = self._take_up(folder, film, options)
            span = options.start, options.end
            look(film, self.detector, folder / "sightings.jsonl", span, progress)
            seen = read(folder / "sightings.jsonl", film, options.rules.memory)
            if not len(seen.timeline):
                raise FilmError(f"{source}: holds no frames" + (" in that span" if any(span) else ""))
            if not seen.tracks and options.on_no_face == "raise":
                raise NoFaceError(
                    f"{source}: no face found in {len(seen.timeline)} frames; look at it, and ask for a copy "
                    "(on_no_face='copy') if that is true"
                )
            covers = cover(seen, options.rules)
            unresolved = doubts(seen, covers)
            if options.strict and unresolved:
                raise FilmError(f"{source}: {_listed(unresolved)}; nothing was written (--strict)")
            painter = Painter(covers, self.anonymizer, self.redactor, seeds(film.path.name, len(seen.tracks)))
            pieces = render(film, painter, encoding, folder, len(seen.timeline), span, progress)
            whole = folder / f"whole{target.suffix}"
            join(pieces, film, encoding, whole, seen.durations, sound=options.sound, start=span[0], end=span[1])
            with whole.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(whole, target)
            shutil.rmtree(folder)
            return FilmOutcome(seen, covers, unresolved, self._notes(film, seen, options))

    def _take_up(self, folder: Path, film: Film, options: FilmOptions) -> Seeds:
        """Keep what `folder` holds of this very job, or begin anew; return the job's seeds."""
        job = folder / "job.json"
        key = self._key(film, options)
        stored = json.loads(job.read_text()) if job.exists() else {}
        if stored.get("key") != key:
            shutil.rmtree(folder, ignore_errors=True)
            stored = {"key": key, "secret": secrets.token_hex(32)}
            with replacing(job) as temporary:
                temporary.touch(mode=0o600)
                temporary.write_text(json.dumps(stored))
        return Seeds(bytes.fromhex(stored["secret"])) if self.seeds.secret is None else self.seeds

    def _key(self, film: Film, options: FilmOptions) -> str:
        """A digest of everything that the pieces depend on."""
        parts: Sequence[Any] = (
            sha256_of(film.path),
            self.detector.description,
            self.anonymizer.name,
            self.anonymizer.description,
            self.redactor.name,
            self.redactor.description,
            None if self.seeds.secret is None else hashlib.sha256(self.seeds.secret).hexdigest(),
            replace(options, strict=False, sound=True, on_no_face="raise"),
            __version__,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @staticmethod
    def _notes(film: Film, seen: Sightings, options: FilmOptions) -> list[str]:
        notes = list(film.notes)
        if film.sound and options.sound:
            notes.append("the sound is as it was: a voice identifies too (--audio drop leaves it out)")
        if film.left_out:
            notes.append(f"left out: {', '.join(film.left_out)}")
        if len(seen.damaged):
            notes.append(f"{len(seen.damaged)} of {len(seen.timeline)} frames could not be decoded and are black")
        whole = options.start is None and options.end is None
        if whole and film.promised and len(seen.timeline) < 0.98 * film.promised:
            notes.append(f"the file promises {film.promised} frames and holds {len(seen.timeline)}: it ends early")
        return notes


def work_folder(target: str | Path) -> Path:
    """Where a run keeps what it has done until `target` is whole."""
    target = Path(target)
    return target.with_name(f".{target.name}.unfinished")


def _listed(found: Sequence[Doubt], most: int = 20) -> str:
    spans = [f"{doubt.start:.2f}-{doubt.end:.2f} s {doubt.reason}" for doubt in found[:most]]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"{len(found)} unresolved spans: {'; '.join(spans)}{more}"
