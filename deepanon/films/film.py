"""A whole film: look at every frame, decide, replace, join; a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepanon import __version__
from deepanon.anonymizers import Anonymizer, ByLabel, build_anonymizer
from deepanon.detectors import Detector
from deepanon.errors import OptionError
from deepanon.files import named, replacing, sha256_of
from deepanon.films.frames import Source
from deepanon.films.leaving import check_for_films
from deepanon.films.making import making_for
from deepanon.films.opening import open_film
from deepanon.films.options import FilmOptions
from deepanon.films.plan import FilmPlan
from deepanon.films.remarks import check_plan, notes_on
from deepanon.films.rendering import Painter, render
from deepanon.films.sightings import Progress, look, read
from deepanon.pipeline import refuse_same
from deepanon.seeds import Seeds
from deepanon.selection import Selection


@dataclass(frozen=True, eq=False)
class FilmOutcome:
    """What became of a film.

    Attributes:
        plan: what was done with every face, and what nobody knows.
        notes: what a user should know, one sentence each.
        made: with what: methods, detector, versions; plain values for a report.
    """

    plan: FilmPlan
    notes: list[str]
    made: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain values; `FilmAnonymizer` does the same film again from them. They hold no pixel."""
        return self.made | {"notes": self.notes} | self.plan.to_json()


class FilmAnonymizer:
    """Anonymizes films: every face is followed through time and replaced in every frame, one new face a track.

    Args:
        detector: finds the faces; a low threshold costs nothing but boxes redacted in vain.
        anonymizer: draws the new pixels; or a method for each label.
        seeds: where randomness comes from; by default the operating system.
        redactor: covers what is uncertain; it must not see faces.
        selection: whose faces are left, by size and by zone; see `leaving.left_tracks`. By default nobody's.

    Raises:
        OptionError: `redactor` sees faces, or `selection` goes by pictures.
    """

    checked_by = ""  # what `settle` depends on, in one line

    def __init__(
        self,
        detector: Detector,
        anonymizer: Anonymizer | ByLabel,
        seeds: Seeds | None = None,
        redactor: Anonymizer | None = None,
        selection: Selection | None = None,
    ) -> None:
        self.detector, self.anonymizer = detector, anonymizer
        self.seeds, self.redactor = seeds or Seeds(), redactor or build_anonymizer("blackout")
        self.selection = selection or Selection()
        check_for_films(self.selection)
        if self.redactor.sees_face:
            raise OptionError(f"{self.redactor.name!r} sees the face; what is uncertain is redacted without looking")

    def __call__(
        self,
        source: str | Path,
        target: str | Path,
        options: FilmOptions | None = None,
        progress: Progress = lambda what, done, total: None,
        given: str | Path | None = None,
    ) -> FilmOutcome:
        """Write the film at `source` with every face replaced to `target`, whole or not at all.

        What is done is kept in a hidden folder beside `target` until the film is whole, so that the same call goes on
        after a crash. It holds boxes and new pictures, none of the old ones.

        Args:
            source: the film.
            target: file to write.
            options: see `FilmOptions`.
            progress: told what is done, frames done, and frames in all.
            given: JSON of `FilmOutcome.to_json`, edited or not: it says what becomes of each face, and nothing is
                detected.

        Raises:
            NoFaceError: there is no face in it, and `options.on_no_face` is "raise".
            FilmError: the film cannot be done, or `options.strict` and there are doubts; nothing is written.
        """
        target, options = Path(target), options or FilmOptions()
        refuse_same(source, target)
        making = making_for(target, options.encoding)
        with open_film(source) as film:
            making.check(film, target, options.sound)
            folder = work_folder(target)
            seeds = self._take_up(folder, film, options, given)
            plan = self._find(film, folder, options, progress) if given is None else FilmPlan.read(given, film)
            plan = plan.leaving(self.selection)
            check_plan(plan, film, options)
            if isinstance(self.anonymizer, ByLabel):
                self.anonymizer.check(plan.covers.labels)  # now, and not in the middle of the film
            first = seeds(film.path.name, plan.tracks)
            plan, chosen, notes = self.settle(film, plan, first, options, folder, progress)
            painter = Painter(plan.covers, self.anonymizer, self.redactor, chosen, plan.left, options.steady)
            span = options.start, options.end
            pieces = render(film, painter, making, folder, plan.pts, span, progress)
            whole = folder / f"whole{target.suffix}"
            making.join(pieces, film, whole, plan.durations, options.sound, span)
            with whole.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(whole, target)
            shutil.rmtree(folder)
            return FilmOutcome(plan, notes_on(film, plan, options) + notes, self._made(film, seeds, given))

    def settle(
        self,
        film: Source,
        plan: FilmPlan,
        seeds: Sequence[int],
        options: FilmOptions,
        folder: Path,
        progress: Progress,
    ) -> tuple[FilmPlan, Sequence[int], list[str]]:
        """Have a last word before anything is drawn: the plan, one seed a track, and what is to be said of it.

        Whoever overrides this must come to the same end after a death, and say in `checked_by` what that depends on;
        `folder` is there to keep things in.
        """
        return plan, seeds, []

    def _find(self, film: Source, folder: Path, options: FilmOptions, progress: Progress) -> FilmPlan:
        journal = folder / "sightings.jsonl"
        look(film, self.detector, journal, (options.start, options.end), progress)
        return FilmPlan.make(read(journal, film, options.rules.memory), options.rules)

    def _take_up(self, folder: Path, film: Source, options: FilmOptions, given: str | Path | None) -> Seeds:
        """Keep what `folder` holds of this very job, or begin anew; return the job's seeds."""
        job = folder / "job.json"
        key = self._key(film, options, given)
        stored = json.loads(job.read_text()) if job.exists() else {}
        if stored.get("key") != key:
            shutil.rmtree(folder, ignore_errors=True)
            stored = {"key": key, "secret": secrets.token_hex(32)}
            with replacing(job) as temporary:
                temporary.touch(mode=0o600)
                temporary.write_text(json.dumps(stored))
        return Seeds(bytes.fromhex(stored["secret"])) if self.seeds.secret is None else self.seeds

    def _key(self, film: Source, options: FilmOptions, given: str | Path | None) -> str:
        """A digest of everything that the pieces depend on."""
        parts: Sequence[Any] = (
            sha256_of(film.path),
            self.detector.description if given is None else sha256_of(given),
            self.anonymizer.name,
            self.anonymizer.description,
            self.redactor.name,
            self.redactor.description,
            None if self.seeds.secret is None else hashlib.sha256(self.seeds.secret).hexdigest(),
            self.checked_by,
            self.selection.description,
            replace(options, strict=False, sound=True, on_no_face="raise"),
            __version__,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _made(self, film: Source, seeds: Seeds, given: str | Path | None) -> dict[str, Any]:
        """With what the film was made."""
        assert seeds.secret is not None
        return {
            "film": film.path.name,
            "width": film.width,
            "height": film.height,
            "time_base": str(film.time_base),
            "method": self.anonymizer.name,
            "drawn_by": self.anonymizer.description,
            "redacted_by": self.redactor.description,
            "selection": self.selection.description,
            "detector": self.detector.description if given is None else f"given in {named(given)}",
            "seeds": hashlib.sha256(b"seeds of " + seeds.secret).hexdigest(),
            "version": __version__,
        } | ({"verified": self.checked_by} if self.checked_by else {})


def work_folder(target: str | Path) -> Path:
    """Where a run keeps what it has done until `target` is whole."""
    target = Path(target)
    return target.with_name(f".{target.name}.unfinished")
