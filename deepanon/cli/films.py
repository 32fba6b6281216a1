"""The command anonymize on films."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deepanon.cli import selecting
from deepanon.cli.shared import FAILED, Bars, check_detector, write_json
from deepanon.errors import FilmError, NoFaceError, OptionError

if TYPE_CHECKING:
    from deepanon.detectors import Detector
    from deepanon.films import FilmOptions, FilmOutcome

SUFFIXES = (
    ".mp4",
    ".m4v",
    ".mov",
    ".mkv",
    ".webm",
    ".avi",
    ".mpg",
    ".mpeg",
    ".mts",
    ".m2ts",
    ".ts",
    ".wmv",
    ".flv",
    ".3gp",
)
ANIMATED = (".gif", ".webp", ".tif", ".tiff")
ONLY_PHOTOS = {"keep_metadata": "--keep-metadata"}


def is_film(path: str | Path) -> bool:
    """Whether the name says a film, or the file is a picture with several frames."""
    path = Path(path)
    if path.is_dir():
        return False
    if path.suffix.lower() in ANIMATED and path.is_file():
        return frame_count(path) > 1
    return path.suffix.lower() in SUFFIXES


def frame_count(path: Path) -> int:
    """How many frames a picture file holds; 1 if it cannot be read, which reading it as a photo will say."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            return 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
    except Exception:  # Pillow's decoders raise whatever they like on damaged files
        return 1


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that only films have."""
    group = command.add_argument_group("films")
    group.add_argument(
        "--audio", choices=("keep", "drop"), default="keep", help="sound as it is, or none (default: keep)"
    )
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
    if len(options.inputs) != 1:
        raise OptionError("one film at a time: give one input and one output file")
    try:
        from deepanon.films import FilmAnonymizer
    except ImportError as error:
        raise FilmError(f"films need the package {error.name}: pip install 'deepanon[video]'") from error
    from deepanon.cli.photos import chosen_method, chosen_seeds

    source, target = Path(options.inputs[0]), Path(options.output)
    target = target / source.name if target.is_dir() else target
    chosen = _film_options(options, target)
    anonymizer = FilmAnonymizer(_detector(options), chosen_method(options), chosen_seeds(options))
    try:
        with Bars() as bars:
            outcome = anonymizer(source, target, chosen, bars, options.detections)
    except (FilmError, NoFaceError) as error:
        print(f"deepanon: FAILED {error}", file=sys.stderr)
        return FAILED
    if options.json:
        write_json(options.json, outcome.to_json())
    _report(source, outcome)
    return 0


def _film_options(options: argparse.Namespace, target: Path) -> FilmOptions:
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
        sound=options.audio == "keep",
        start=options.start,
        end=end,
        strict=options.strict,
        on_no_face=options.on_no_face,
    )


def _detector(options: argparse.Namespace) -> Detector:
    from deepanon.films.looking import film_detector

    return film_detector(options.detector, **check_detector(options))


def _report(source: Path, outcome: FilmOutcome) -> None:
    from deepanon.films.covers import DRAWN

    for note in outcome.notes:
        print(f"deepanon: {note}", file=sys.stderr)
    for doubt in outcome.plan.doubts:
        print(f"deepanon: redacted {doubt.start:.2f}-{doubt.end:.2f} s: {doubt.reason}", file=sys.stderr)
    plan = outcome.plan
    drawn = int((plan.covers.why == DRAWN).sum())
    redacted = len(plan.covers.why) - drawn
    print(f"{source.name}: {len(plan)} frames, {plan.tracks} faces; drawn {drawn} times, redacted {redacted} times")
