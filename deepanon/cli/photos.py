"""The commands on photos: anonymize, detect, demo."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli import films, live, selecting
from deepanon.cli.recognisers import add_recogniser, check_recogniser
from deepanon.cli.replacing import add_anonymizer, face_anonymizer
from deepanon.cli.reporting import FileReport
from deepanon.cli.shared import AUTO, add_detector, check_report, chosen_detector
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.folders import Files
    from deepanon.pipeline import FaceAnonymizer
    from deepanon.verifying import VerifiedAnonymizer


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


def _add_detect(commands: Any) -> None:
    command = commands.add_parser(
        "detect", help="find faces and write them to a JSON file that can be edited and given to anonymize --detections"
    )
    command.add_argument("inputs", nargs="+", metavar="IN", help="photos or folders")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="JSON file to write")
    add_detector(command, AUTO)
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
    check_report(options.json, (job.source for job in plan.jobs()))
    return _anonymize_files(options, plan)


def _anonymize_files(options: argparse.Namespace, plan: Files) -> int:
    """Do photos and films; in a folder, go on where an earlier run ended."""
    from deepanon.folders import Journal, anonymize_files
    from deepanon.folders.sidecars import made_with

    anonymizer = face_anonymizer(options)
    made = made_with(anonymizer) | films.film_facts(options) | {"keep_metadata": options.keep_metadata}
    checked = _verified(anonymizer) if options.verify else None
    if checked:
        made["verified"] = checked.description
    given = options.detections if options.detections and Path(options.detections).is_dir() else None
    if plan.shard.of == 1:
        selecting.say_unused(anonymizer.selection, plan)
    with ExitStack() as stack:
        report = stack.enter_context(FileReport(options.json, {"method": options.method, "detector": made["detector"]}))
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


def _verified(anonymizer: FaceAnonymizer) -> VerifiedAnonymizer | None:
    from deepanon.verifying import VerifiedAnonymizer  # with all that measures: not for runs that do not check

    return anonymizer if isinstance(anonymizer, VerifiedAnonymizer) else None


def _detect(options: argparse.Namespace) -> int:
    from deepanon.detections import FIVE
    from deepanon.detectors.given import write_detections
    from deepanon.folders import Files, detect_files
    from deepanon.images import WRITERS

    plan = Files(options.inputs, suffixes=tuple(WRITERS))
    check_report(options.output, (job.source for job in plan.jobs()))
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
