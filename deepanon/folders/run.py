"""Many files: read, replaced and written at the same time, each whole or not at all, none twice."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from deepanon.ahead import ahead
from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.detectors.given import faces_to_json
from deepanon.errors import FilmError, OptionError, SaveError
from deepanon.folders.jobs import Job, Plan
from deepanon.folders.journal import Journal
from deepanon.folders.outcome import Outcome
from deepanon.folders.sidecars import photo_facts, sidecar_of, write_sidecar
from deepanon.geometry import Array
from deepanon.images import Photo, check_writable, read_image, write_image
from deepanon.kinds import is_film
from deepanon.pipeline import FaceAnonymizer, refuse_same
from deepanon.selection import Choice

ROOM = 1  # photos that wait between two steps: with those in work seven are held at once, however many there are
FULL = (errno.ENOSPC, errno.EDQUOT)
FilmWork = Callable[[Job, Path, "Path | None"], Outcome]  # job, target, sidecar or None


@dataclass
class _Item:
    """A file on its way: what is not known yet is None."""

    job: Job
    target: Path
    film: bool = False
    photo: Photo | None = None
    faces: Detections | None = None
    choice: Choice | None = None
    pixels: Array | None = None
    outcome: Outcome | None = None


def anonymize_files(
    plan: Plan,
    output: str | Path,
    anonymizer: FaceAnonymizer,
    *,
    keep_metadata: bool = False,
    journal: Journal | None = None,
    sidecars: str | Path | None = None,
    films: FilmWork | None = None,
) -> Iterator[Outcome]:
    """Do every job and yield its outcome, in order; a file that fails is reported and does not stop the others.

    Photos are read, looked at and drawn in a thread each, a few ahead of those that are written.

    Args:
        plan: what is to be done.
        output: see `target_of`.
        anonymizer: does the photos.
        keep_metadata: see `write_image`.
        journal: what an earlier run has done is not done again, and what is done is noted; None does everything.
        sidecars: folder for a JSON file a photo, see `photo_facts`; None writes none.
        films: does the films; None fails them.

    Raises:
        SaveError: the disk is full; what was yielded is whole.
        OptionError: a result would replace an input, or a folder lies where a file should go.
    """
    run = _Run(plan, Path(output), anonymizer, keep_metadata, journal, sidecars, films)
    with (
        closing(ahead(run.read(), ROOM)) as read,
        closing(ahead(map(run.find, read), ROOM)) as found,
        closing(ahead(map(run.draw, found), ROOM, single=True)) as drawn,
    ):
        yield from map(run.finish, drawn)


def check_targets(plan: Plan, output: str | Path) -> None:
    """Raise what `target_of` raises for any job, before the work."""
    for job in plan.jobs():
        target_of(plan, job, Path(output))


def target_of(plan: Plan, job: Job, output: Path) -> Path:
    """Where the result of `job` goes: `output` itself if it names one picture file for one input, else below it.

    Raises:
        OptionError: the result would replace the input, or `output` is a file and a folder is needed.
    """
    alone = plan.total == 1 and job.name == job.source.name and not output.is_dir() and output.suffix
    if alone:
        check_writable(output)
    elif output.is_file():
        raise OptionError(f"{output} is a file; {plan.total} results need a folder")
    target = output if alone else output / job.name
    refuse_same(job.source, target)
    return target


@dataclass(frozen=True)
class _Run:
    """A run over the files of a plan, step by step."""

    plan: Plan
    output: Path
    anonymizer: FaceAnonymizer
    keep_metadata: bool
    journal: Journal | None
    sidecars: str | Path | None
    films: FilmWork | None

    def read(self) -> Iterator[_Item]:
        """Each file of the plan, its photo read, unless it is done already."""
        for job in self.plan.jobs():
            item = _Item(job, target_of(self.plan, job, self.output))
            item.outcome = self.journal.done(job) if self.journal else None
            if item.outcome is None:
                try:
                    item.film = is_film(job.source)
                    if not item.film:
                        check_writable(item.target)
                        item.photo = read_image(job.source)
                except Exception as error:  # whatever it was, nothing is written and the others go on
                    item.outcome = Outcome.failure(job.name, error)
            yield item

    def find(self, item: _Item) -> _Item:
        """Find the faces of a photo that was read."""
        if item.photo is not None:
            try:
                item.faces = self.anonymizer.detector(item.photo.pixels, item.job.name)
            except Exception as error:  # as above
                item.outcome = Outcome.failure(item.job.name, error)
        return item

    def draw(self, item: _Item) -> _Item:
        """Replace the faces that were found."""
        if item.photo is not None and item.faces is not None:
            try:
                item.choice = self.anonymizer.choose(item.faces, item.photo.pixels, item.job.name)
                item.pixels = self.anonymizer(item.photo.pixels, item.faces, name=item.job.name)
                item.photo = replace(item.photo, pixels=item.pixels)  # the old ones are not needed any more
            except Exception as error:  # as above
                item.outcome = Outcome.failure(item.job.name, error)
        return item

    def finish(self, item: _Item) -> Outcome:
        """Write what was drawn, or do the film, and note it."""
        if item.outcome is None:
            try:
                item.outcome = self._film(item) if item.film else self._write(item)
                if self.journal:
                    self.journal.add(item.job, item.outcome)
            except SaveError:
                raise
            except Exception as error:
                if _is_full(error):
                    raise SaveError(
                        f"{item.target}: the disk is full; what is finished is whole. Make room, then start the same "
                        "command again"
                    ) from error
                item.outcome = Outcome.failure(item.job.name, error)
        return item.outcome

    def _sidecar(self, item: _Item) -> Path | None:
        return None if self.sidecars is None else sidecar_of(self.sidecars, item.job.name)

    def _film(self, item: _Item) -> Outcome:
        if self.films is None:
            raise FilmError("a film; films are done by `deepanon anonymize`")
        item.target.parent.mkdir(parents=True, exist_ok=True)
        return self.films(item.job, item.target, self._sidecar(item))

    def _write(self, item: _Item) -> Outcome:
        assert item.photo is not None
        assert item.faces is not None
        assert item.choice is not None
        assert item.pixels is not None
        name, faces, sidecar = item.job.name, item.faces, self._sidecar(item)
        if self.journal:
            self.journal.begin(item.target, *([sidecar] if sidecar else []))
        if sidecar is not None:
            write_sidecar(sidecar, photo_facts(name, item.pixels, faces, self.anonymizer))
        write_image(item.target, item.pixels, item.photo, keep_metadata=self.keep_metadata)
        facts = {"faces": faces_to_json(faces)} | item.choice.to_json()
        return Outcome(name, "anonymized" if item.choice.replaced else "copied", len(faces), facts)


def _is_full(error: BaseException | None) -> bool:
    """Whether there is no room on the disk, however deep below it lies."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def detect_files(plan: Plan, detector: Detector) -> Iterator[tuple[Outcome, Detections, tuple[int, int]]]:
    """Find the faces of every photo: its outcome ("detected" or "failed"), the faces, width and height."""
    with closing(ahead(_photos(plan), ROOM)) as read:
        for job, photo in read:
            if isinstance(photo, Exception):
                yield Outcome.failure(job.name, photo), Detections.empty(), (0, 0)
                continue
            try:
                faces = detector(photo.pixels, job.name)
                height, width = photo.pixels.shape[:2]
                yield Outcome(job.name, "detected", len(faces)), faces, (width, height)
            except Exception as error:  # reported; the others go on
                yield Outcome.failure(job.name, error), Detections.empty(), (0, 0)


def _photos(plan: Plan) -> Iterator[tuple[Job, Photo | Exception]]:
    for job in plan.jobs():
        try:
            yield job, read_image(job.source)
        except Exception as error:  # reported by whoever asked
            yield job, error
