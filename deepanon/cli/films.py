"""The command anonymize on films."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deepanon.cli import selecting
from deepanon.cli.shared import FAILED, Bars, check_detector, check_report, perhaps_reduced, write_json
from deepanon.errors import FilmError, NoFaceError, OptionError

if TYPE_CHECKING:
    from deepanon.detectors import Detector
    from deepanon.films import FilmAnonymizer, FilmOptions, FilmOutcome
    from deepanon.films.sightings import Progress
    from deepanon.folders import Job, Outcome
    from deepanon.folders.run import FilmWork

ONLY_PHOTOS = {"keep_metadata": "--keep-metadata"}


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that only films have."""
    group = command.add_argument_group("films")
    group.add_argument("--audio", choices=("keep", "drop"), help="sound as it is, or none (default: keep)")
    group.add_argument("--start", type=float, metavar="SECONDS", help="leave out what comes before")
    group.add_argument("--end", type=float, metavar="SECONDS", help="leave out what comes after")
    group.add_argument("--preview", type=float, metavar="SECONDS", help="do only so much, to see how it looks")
    group.add_argument("--codec", help="h264 hevc av1 vp9 ffv1 (default: the usual one of the container)")
    group.add_argument(
        "--crf", type=int, metavar="N", help="the codec's quality, lower is better (default: visually lossless)"
    )
    group.add_argument("--preset", help="the codec's speed")
    group.add_argument("--sure", type=float, metavar="SCORE", help="redact faces that never score as high")
    group.add_argument(
        "--padding",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="redact for so long before a face is first and after it is last found (default: %(default)s)",
    )
    group.add_argument(
        "--strict", action="store_true", help="refuse a film in which something is redacted and nobody knows what it is"
    )


def anonymize_film(options: argparse.Namespace) -> int:
    """Do the one film that the options name."""
    for name, option in ONLY_PHOTOS.items():
        if getattr(options, name):
            raise OptionError(f"{option} goes with photos, not with films")
    selecting.refuse_for_films(options)
    from deepanon.kinds import written_as

    source, target = Path(options.inputs[0]), Path(options.output)
    target = target / written_as(source.name) if target.is_dir() else target
    check_report(options.json, (source, target))
    anonymizer = _anonymizer(options)
    try:
        with Bars() as bars:
            outcome = _made(options, anonymizer, source, target, bars, options.detections)
            for line in selecting.said_of(source.name, outcome.plan.left_open):
                print(f"deepanon: {line}", file=sys.stderr)
            if options.json:  # before the check: who is told of findings edits it
                write_json(options.json, outcome.to_json())
            if options.verify:
                _verify(options, source, target, outcome, bars)
    except (FilmError, NoFaceError) as error:
        print(f"deepanon: FAILED {error}", file=sys.stderr)
        return FAILED
    print(_report(source.name, outcome))
    return 0


def _made(
    options: argparse.Namespace,
    anonymizer: FilmAnonymizer,
    source: Path,
    target: Path,
    progress: Progress = lambda what, done, total: None,
    given: str | Path | None = None,
) -> FilmOutcome:
    """Make the film; if it is to be checked, it does not bear its name before it is."""
    from deepanon.pipeline import refuse_same

    refuse_same(source, target)
    written = _unchecked(target) if options.verify else target
    return anonymizer(source, written, film_options(options, target), progress, given)


def _unchecked(target: Path) -> Path:
    return target.with_name(f"{target.stem}.unchecked{target.suffix}")


def film_work(options: argparse.Namespace) -> FilmWork:
    """What does the films of a folder; the networks are built when the first film comes."""
    built: list[FilmAnonymizer] = []

    def work(job: Job, target: Path, sidecar: Path | None) -> Outcome:
        from deepanon.folders import Outcome
        from deepanon.folders.sidecars import sidecar_of, write_sidecar

        selecting.refuse_for_films(options)
        if not built:
            built.append(_anonymizer(options))
        given = sidecar_of(options.detections, job.name) if options.detections else None
        outcome = _made(options, built[0], job.source, target, given=given)
        if sidecar is not None:
            write_sidecar(sidecar, outcome.to_json())
        if options.verify:
            _verify(options, job.source, target, outcome)
        _report(job.name, outcome)
        plan = outcome.plan
        facts = {
            "frames": len(plan),
            "drawn": int(plan.drawn.sum()),
            "redacted": int(plan.redacted.sum()),
            "notes": outcome.notes,
            "doubts": [doubt.__dict__ for doubt in plan.doubts],
        } | ({"left": plan.left_open} if plan.left else {})
        replaced = plan.drawn.any() or plan.redacted.any()
        return Outcome(job.name, "anonymized" if replaced else "copied", plan.tracks, facts)

    return work


def _verify(
    options: argparse.Namespace,
    source: Path,
    target: Path,
    outcome: FilmOutcome,
    progress: Progress = lambda what, done, total: None,
) -> None:
    """Check a film that was made, and give it its name; one in which something is found gets another, and fails."""
    from deepanon.cli.recognisers import chosen_recogniser
    from deepanon.cli.verify import checking_detector, say
    from deepanon.verifying import Limits, Verifier

    chosen = film_options(options, target)
    verifier = Verifier(checking_detector(options), chosen_recogniser(options), Limits(similarity=options.threshold))
    made = _unchecked(target)
    verdict = verifier(source, made, (chosen.start, chosen.end), progress, outcome.plan.left_boxes)
    found = say(verdict)
    marked = target.with_name(f"{target.stem}.exposed{target.suffix}")
    os.replace(made, marked if found else target)
    if found:
        raise FilmError(f"{source}: the check found {len(verdict.files[0].findings)} places; look at {marked}")


def film_facts(options: argparse.Namespace) -> dict[str, object]:
    """The options that results of films depend on."""
    names = ("audio", "start", "end", "preview", "codec", "crf", "preset", "sure", "padding", "strict")
    return {name: getattr(options, name) for name in names} | {"audio": options.audio or "keep"}


def _anonymizer(options: argparse.Namespace) -> FilmAnonymizer:
    try:
        from deepanon.films import FilmAnonymizer
    except ImportError as error:
        raise FilmError(f"films need the package {error.name}: pip install 'deepanon[video]'") from error
    from deepanon.cli.replacing import chosen_method, chosen_seeds

    whole = (_detector(options), chosen_method(options), chosen_seeds(options))
    selection = selecting.chosen_selection(options)
    if not options.verify:
        return FilmAnonymizer(*whole, selection=selection)
    from deepanon.cli.recognisers import chosen_recogniser
    from deepanon.verifying.film_anonymizer import VerifiedFilmAnonymizer

    return VerifiedFilmAnonymizer(
        *whole, selection=selection, recogniser=chosen_recogniser(options), threshold=options.threshold
    )


def film_options(options: argparse.Namespace, target: Path) -> FilmOptions:
    """What the options ask of the film to be written at `target`."""
    from deepanon.films import Encoding, FilmOptions, Rules
    from deepanon.films.looking import sure_score

    end, wishes = options.end, (options.codec, options.crf, options.preset)
    if options.preview is not None:
        last = (options.start or 0) + options.preview
        end = last if end is None else min(end, last)
    return FilmOptions(
        encoding=Encoding.for_file(target, *wishes) if any(wish is not None for wish in wishes) else None,
        rules=Rules(
            sure=sure_score(options.detector) if options.sure is None else options.sure, padding=options.padding
        ),
        sound=options.audio != "drop",
        start=options.start,
        end=end,
        strict=options.strict,
        on_no_face=options.on_no_face,
    )


def _detector(options: argparse.Namespace) -> Detector:
    from deepanon.films.looking import film_detector

    return perhaps_reduced(film_detector(options.detector, **check_detector(options)), options)


def _report(name: str, outcome: FilmOutcome) -> str:
    """Say on stderr what a user must know; return the rest in a line."""
    for note in outcome.notes:
        print(f"deepanon: {name}: {note}", file=sys.stderr)
    for doubt in outcome.plan.doubts:
        what = "LEFT OPEN" if doubt.track in outcome.plan.left else "redacted"
        print(f"deepanon: {name}: {what} {doubt.start:.2f}-{doubt.end:.2f} s: {doubt.reason}", file=sys.stderr)
    plan = outcome.plan
    drawn, redacted = int(plan.drawn.sum()), int(plan.redacted.sum())
    return f"{name}: {len(plan)} frames, {plan.tracks} faces; drawn {drawn} times, redacted {redacted} times"
