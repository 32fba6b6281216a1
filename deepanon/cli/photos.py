"""The commands on photos: anonymize, detect, demo."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli import films, live, selecting
from deepanon.cli.recognisers import add_recogniser, check_recogniser, chosen_recogniser
from deepanon.cli.reporting import FileReport
from deepanon.cli.shared import add_detector, chosen_detector
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer, ByLabel
    from deepanon.folders import Files, Plan
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
        help="replace every face in photos, films, folders of them, and what a camera sees",
        description="Replace every face. A photo in which no face is found fails unless --on-no-face copy is given. "
        "A film is done frame by frame, its faces followed through time. The same command goes on after a crash.",
    )
    command.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help="photos, films, folders (sub-folders are mirrored); a camera by number; -",
    )
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="file for one photo or film, else a folder; -"
    )
    add_anonymizer(command)
    command.add_argument(
        "--keep-metadata", action="store_true", help="keep date and exposure (never place or thumbnail)"
    )
    command.add_argument("--json", metavar="FILE", help="write what happened to every file")
    group = command.add_argument_group("folders")
    group.add_argument("--sidecars", metavar="DIR", help="write a JSON file a photo or film, for --detections DIR")
    group.add_argument("--shard", metavar="N/OF", default="1/1", help="do one of so many equal shares of the files")
    group.add_argument("--anew", action="store_true", help="do again what an earlier run has done")
    films.add_options(command)
    live.add_options(command)
    command.add_argument(
        "--verify",
        action="store_true",
        help="check each new face against the old one, draw it again if it is too like it, and black it out at last; "
        "in a film on a few frames of each face first, and when it is whole",
    )
    add_recogniser(command)
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
    command.add_argument(
        "--detections",
        metavar="FILE|DIR",
        help="take the faces from a JSON or CSV file, or a folder of sidecars",
    )
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
    from deepanon.folders import Files, Shard, check_targets
    from deepanon.kinds import is_film

    if live.is_live(options):
        return live.anonymize_live(options)
    check_recogniser(options)
    if options.recogniser and not options.verify:
        raise OptionError("--recogniser goes with --verify")
    if len(options.inputs) == 1 and is_film(options.inputs[0]):
        return films.anonymize_film(options)
    plan = Files(options.inputs, options.output, Shard.parse(options.shard))
    check_targets(plan, options.output)  # every wrong path is said before a network is loaded
    check_report(options.json, plan)
    return _anonymize_files(options, plan)


def _anonymize_files(options: argparse.Namespace, plan: Files) -> int:
    """Do photos and films; in a folder, go on where an earlier run ended."""
    from deepanon.folders import Journal, anonymize_files
    from deepanon.folders.sidecars import made_with
    from deepanon.verifying import VerifiedAnonymizer

    anonymizer = face_anonymizer(options)
    made = made_with(anonymizer) | films.film_facts(options) | {"keep_metadata": options.keep_metadata}
    checked = anonymizer if isinstance(anonymizer, VerifiedAnonymizer) else None
    if checked:
        made["verified"] = checked.description
    given = options.detections if options.detections and Path(options.detections).is_dir() else None
    if plan.shard.of == 1:
        selecting.say_unused(anonymizer.selection, plan)
    with ExitStack() as stack:
        report = stack.enter_context(FileReport(options.json, {"method": options.method}))
        journal = Journal(options.output, plan.shard, made, given=given, anew=options.anew) if plan.folders else None
        if journal:
            stack.enter_context(journal)
        work = anonymize_files(
            plan,
            options.output,
            anonymizer,
            keep_metadata=options.keep_metadata,
            journal=journal,
            sidecars=options.sidecars,
            films=films.film_work(options),
        )
        code = report.watch(work, plan)
    if checked:
        print(checked.summary)
    return code


def face_anonymizer(options: argparse.Namespace) -> FaceAnonymizer:
    """Build what the options of `add_anonymizer` ask for."""
    from deepanon.detectors import Detector, Given, Sidecars
    from deepanon.pipeline import FaceAnonymizer

    seeds = chosen_seeds(options)
    selection, method = selecting.chosen_selection(options), chosen_method(options)
    detector: Detector = (
        chosen_detector(options)
        if not options.detections
        else (Sidecars(options.detections) if Path(options.detections).is_dir() else Given(options.detections))
    )
    if not getattr(options, "verify", False):
        return FaceAnonymizer(detector, method, seeds, options.on_no_face, selection)
    from deepanon.verifying import VerifiedAnonymizer

    whole = (detector, method, seeds, options.on_no_face, selection)
    return VerifiedAnonymizer(*whole, recogniser=chosen_recogniser(options), threshold=options.threshold)


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
    from deepanon.folders import Files, detect_files
    from deepanon.images import WRITERS

    plan = Files(options.inputs, suffixes=tuple(WRITERS))
    check_report(options.output, plan)
    report, found = FileReport(), {}
    for outcome, faces, size in report.counted(detect_files(plan, chosen_detector(options)), plan, lambda one: one[0]):
        if outcome.status != "failed":
            found[outcome.name] = (faces, *size)
    schema = next((faces.schema for faces, _, _ in found.values()), FIVE)
    write_detections(options.output, found, schema)
    return report.summary(plan)


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
    if Path(path).exists():
        for job in plan.jobs():
            refuse_same(job.source, path)
