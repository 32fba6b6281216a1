"""Many files: which go where, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepanon.detections import Detections
from deepanon.detectors import Detector
from deepanon.detectors.given import faces_to_json
from deepanon.errors import DeepanonError, OptionError
from deepanon.files import walk
from deepanon.images import WRITERS, check_writable, read_image, write_image
from deepanon.pipeline import FaceAnonymizer, refuse_same
from deepanon.selection import Choice


@dataclass(frozen=True)
class Job:
    """One file to do: `name` is its path below the output folder, with slashes; it also keys detections and seeds."""

    source: Path
    name: str


@dataclass(frozen=True)
class Plan:
    """All files to do, and the files found in folders that are no pictures and will not be in the output."""

    jobs: list[Job]
    left_out: list[Path]


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        name: as in `Job`.
        status: "anonymized", "copied" (no face, and a copy was asked for; or all were to be left) or "failed" (nothing
            was written).
        faces: what was found.
        error: why it failed.
        choice: which of the faces were left as they are, and why.
    """

    name: str
    status: str
    faces: Detections = field(default_factory=Detections.empty)
    error: str = ""
    choice: Choice | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report."""
        facts: dict[str, Any] = {"name": self.name, "status": self.status, "faces": faces_to_json(self.faces)}
        chosen = self.choice.to_json() if self.choice else {}
        return (
            facts
            | {name: what for name, what in chosen.items() if what}
            | ({"error": self.error} if self.error else {})
        )


def make_plan(inputs: Sequence[str | Path], output: str | Path | None = None) -> Plan:
    """List every picture of `inputs`, files and folders; sub-folders are kept as part of the name.

    With several inputs each folder's own name comes first, so that equal file names do not collide.

    Raises:
        OptionError: an input does not exist or cannot be listed, two inputs would get one name, there is no picture at
            all, or `output` lies inside an input folder and already holds pictures.
    """
    paths = [Path(given) for given in inputs]
    jobs: list[Job] = []
    left_out: list[Path] = []
    for path in paths:
        if not path.exists():
            raise OptionError(f"{path}: no such file or folder")
        if not path.is_dir():
            jobs.append(Job(path, path.name))
            continue
        prefix = Path(path.resolve().name) if len(paths) > 1 else Path()
        if output is not None:
            _refuse_mixture(path, output)
        for found in walk(path):
            if found.suffix.lower() in WRITERS:
                jobs.append(Job(found, (prefix / found.relative_to(path)).as_posix()))
            else:
                left_out.append(found)
    _refuse_collisions(jobs)
    if not jobs:
        raise OptionError(f"no pictures in {', '.join(map(str, paths))} (looked for {', '.join(WRITERS)})")
    return Plan(jobs, left_out)


def _refuse_mixture(folder: Path, output: str | Path) -> None:
    """Refuse an output inside the input that holds pictures: nobody can tell results from originals there."""
    inner = Path(output).resolve()
    if folder.resolve() in inner.parents and inner.is_dir():
        pictures = [path for path in walk(inner) if path.suffix.lower() in WRITERS]
        if pictures:
            raise OptionError(
                f"{output} lies inside {folder} and already holds {pictures[0].name}: choose another output"
            )


def _refuse_collisions(jobs: list[Job]) -> None:
    first: dict[str, Path] = {}
    for job in jobs:
        if job.name in first:
            raise OptionError(f"{first[job.name]} and {job.source} would both become {job.name}; do them separately")
        first[job.name] = job.source


def targets(plan: Plan, output: str | Path) -> list[Path]:
    """Where each job's result goes: `output` itself if it names one picture file for one input, else below it.

    Raises:
        OptionError: a result would replace an input, or a folder lies where a file should go.
    """
    output = Path(output)
    one_file = len(plan.jobs) == 1 and plan.jobs[0].name == plan.jobs[0].source.name and not output.is_dir()
    if one_file and output.suffix:
        check_writable(output)
        found = [output]
    else:
        if output.is_file():
            raise OptionError(f"{output} is a file; {len(plan.jobs)} results need a folder")
        found = [output / job.name for job in plan.jobs]
    for job, target in zip(plan.jobs, found, strict=True):
        refuse_same(job.source, target)
    return found


def anonymize_files(
    plan: Plan, output: str | Path, anonymizer: FaceAnonymizer, *, keep_metadata: bool = False
) -> Iterator[Outcome]:
    """Do every job and yield its outcome; a file that fails is reported and does not stop the others."""
    for job, target in zip(plan.jobs, targets(plan, output), strict=True):
        try:
            check_writable(target)
            photo = read_image(job.source)
            faces = anonymizer.detector(photo.pixels, job.name)
            choice = anonymizer.choose(faces, photo.pixels, job.name)
            pixels = anonymizer(photo.pixels, faces, name=job.name)
            write_image(target, pixels, photo, keep_metadata=keep_metadata)
            yield Outcome(job.name, "anonymized" if choice.replaced else "copied", faces, choice=choice)
        except Exception as error:  # whatever it was, the file was not written and the others go on
            yield Outcome(job.name, "failed", error=_message(error))


def detect_files(plan: Plan, detector: Detector) -> Iterator[tuple[Outcome, int, int]]:
    """Find the faces of every picture: its outcome ("detected" or "failed"), width and height."""
    for job in plan.jobs:
        try:
            photo = read_image(job.source)
            faces = detector(photo.pixels, job.name)
            yield Outcome(job.name, "detected", faces), photo.pixels.shape[1], photo.pixels.shape[0]
        except Exception as error:  # reported; the others go on
            yield Outcome(job.name, "failed", error=_message(error)), 0, 0


def _message(error: Exception) -> str:
    return str(error) if isinstance(error, DeepanonError) else f"unexpected {type(error).__name__}: {error}"
