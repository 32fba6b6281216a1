"""The commands on photos: anonymize, detect, demo."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli import films, selecting
from deepanon.cli.shared import FAILED, add_detector, chosen_detector, progress, write_json
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer, ByLabel
    from deepanon.folders import Outcome, Plan
    from deepanon.pipeline import FaceAnonymizer
    from deepanon.seeds import Seeds

METHODS = (
    "gan pixelate8 pixelate16 mosaic gaussian9 gaussian heavy_blur blackout solid plate noise "
    "pixelate8_crop pixelate16_crop gaussian9_crop heavy_blur_crop"
)


def add_commands(commands: Any) -> None:
    """Add the commands to the sub-parsers `commands`."""
    _add_anonymize(commands)
    _add_detect(commands)
    demo = commands.add_parser("demo", help="anonymize a NASA portrait with eight methods and make one sheet of it")
    demo.add_argument(
        "-o", "--output", default="out/demo", metavar="DIR", help="folder to write (default: %(default)s)"
    )
    demo.set_defaults(run=_demo)


def _add_anonymize(commands: Any) -> None:
    command = commands.add_parser(
        "anonymize",
        help="replace every face in photos, folders of photos, or a film",
        description="Replace every face. A photo in which no face is found fails unless --on-no-face copy is given. "
        "A film is done frame by frame, its faces followed through time; the same command goes on after a crash.",
    )
    command.add_argument(
        "inputs", nargs="+", metavar="IN", help="photos, folders (sub-folders are mirrored), or a film"
    )
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file for one photo or film, else a folder"
    )
    add_anonymizer(command)
    command.add_argument(
        "--keep-metadata", action="store_true", help="keep date and exposure (never place or thumbnail)"
    )
    command.add_argument("--json", metavar="FILE", help="write what happened to every file")
    films.add_options(command)
    command.set_defaults(run=_anonymize)


def add_anonymizer(command: argparse.ArgumentParser) -> None:
    """Add the options that `face_anonymizer` reads."""
    command.add_argument(
        "--method",
        default="gan",
        help=f"one of: {METHODS}; or one for each label, as in face=gan,plate=blackout (default: %(default)s)",
    )
    command.add_argument("--model", metavar="NAME|FILE", help="generator for --method gan (default: the bundled one)")
    add_detector(command)
    command.add_argument("--detections", metavar="FILE", help="use the faces of this JSON or CSV file, detect none")
    secret = command.add_mutually_exclusive_group()
    secret.add_argument("--seed", type=int, metavar="N", help="repeatable faces, for experiments only")
    secret.add_argument(
        "--key", metavar="FILE", help="repeatable faces for holders of this secret file (16 bytes or more)"
    )
    command.add_argument(
        "--on-no-face",
        default="raise",
        metavar="raise|copy",
        help="fail a photo without a detected face, or copy its pixels (default: %(default)s)",
    )
    selecting.add_options(command)


def _add_detect(commands: Any) -> None:
    command = commands.add_parser(
        "detect", help="find faces and write them to a JSON file that can be edited and given to anonymize --detections"
    )
    command.add_argument("inputs", nargs="+", metavar="IN", help="photos or folders")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="JSON file to write")
    add_detector(command)
    command.set_defaults(run=_detect)


def _anonymize(options: argparse.Namespace) -> int:
    if any(films.is_film(path) for path in options.inputs):
        return films.anonymize_film(options)
    from deepanon.folders import anonymize_files, make_plan, targets

    plan = make_plan(options.inputs, options.output)
    targets(plan, options.output)  # every wrong path is said before a network is loaded
    check_report(options.json, plan)
    anonymizer = face_anonymizer(options)
    selecting.say_unused(anonymizer.selection, [job.name for job in plan.jobs])
    work = anonymize_files(plan, options.output, anonymizer, keep_metadata=options.keep_metadata)
    outcomes = progress(work, len(plan.jobs))
    if options.json:
        write_json(options.json, {"method": options.method, "files": [outcome.to_json() for outcome in outcomes]})
    return summary(outcomes, plan.left_out)


def face_anonymizer(options: argparse.Namespace) -> FaceAnonymizer:
    """Build what the options of `add_anonymizer` ask for."""
    from deepanon.detectors import Given
    from deepanon.pipeline import FaceAnonymizer

    seeds = chosen_seeds(options)
    selection, method = selecting.chosen_selection(options), chosen_method(options)
    detector = Given(options.detections) if options.detections else chosen_detector(options)
    return FaceAnonymizer(detector, method, seeds, options.on_no_face, selection)


def chosen_method(options: argparse.Namespace) -> Anonymizer | ByLabel:
    """Build the method or the rules that the options name; `OptionError` where method and model do not go together."""
    from deepanon.anonymizers import build_rules
    from deepanon.anonymizers.by_label import read_rules

    rules = read_rules(options.method)
    if "plates" in options.detector.split("+") and rules.get("plate", rules.get("*")) == "gan":
        raise OptionError("method 'gan' would draw a face on every plate: use --method face=gan,plate=plate")
    if options.model and "gan" not in rules.values():
        raise OptionError(f"method {options.method!r} has no model; --model goes with --method gan")
    return build_rules(options.method, {"gan": {"model": options.model}} if options.model else {})


def chosen_seeds(options: argparse.Namespace) -> Seeds:
    """Where the options say that randomness comes from."""
    from deepanon.seeds import Seeds

    if options.seed is not None:
        return Seeds.from_seed(options.seed)
    return Seeds.from_key_file(options.key) if options.key else Seeds()


def _detect(options: argparse.Namespace) -> int:
    from deepanon.detections import FIVE
    from deepanon.detectors.given import write_detections
    from deepanon.folders import detect_files, make_plan

    plan = make_plan(options.inputs)
    check_report(options.output, plan)
    results = progress(detect_files(plan, chosen_detector(options)), len(plan.jobs))
    found = {outcome.name: (outcome.faces, w, h) for outcome, w, h in results if outcome.status != "failed"}
    schema = next((faces.schema for faces, _, _ in found.values()), FIVE)
    write_detections(options.output, found, schema)
    return summary([outcome for outcome, _, _ in results], plan.left_out)


def _demo(options: argparse.Namespace) -> int:
    from deepanon.demo import run_demo

    print(run_demo(options.output))
    return 0


def check_report(path: str | None, plan: Plan) -> None:
    """Refuse a JSON file that is a folder or one of the photos, before the work."""
    from deepanon.pipeline import refuse_same

    if path is None:
        return
    if Path(path).is_dir():
        raise OptionError(f"{path}: is a folder; a JSON file is to be written there")
    for job in plan.jobs:
        refuse_same(job.source, path)


def summary(outcomes: list[Outcome], left_out: list[Path], why: str = "not a supported picture") -> int:
    """Say what happened, failures on stderr, and return the exit code."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed:
        print(f"deepanon: FAILED {outcome.name}: {outcome.error}", file=sys.stderr)
    for path in left_out:
        print(f"deepanon: left out ({why}): {path}", file=sys.stderr)
    selecting.say_left(outcomes)
    done = [status for status in ("anonymized", "copied", "detected") if any(o.status == status for o in outcomes)]
    parts = [f"{sum(o.status == status for o in outcomes)} {status}" for status in done]
    faces = sum(len(outcome.faces) for outcome in outcomes)
    print(f"{len(outcomes)} photos: {', '.join([*parts, f'{len(failed)} failed'])}; {faces} faces")
    return FAILED if failed else 0
