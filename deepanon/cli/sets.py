"""The command on whole data sets: anonymize-set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from deepanon.cli import selecting
from deepanon.cli.replacing import add_anonymizer, face_anonymizer
from deepanon.cli.reporting import FileReport
from deepanon.cli.shared import check_report


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "anonymize-set",
        help="anonymize a data set in the form of LFW, COCO or YOLO, annotations kept",
        description="Replace every detected face of a data set. File names, picture sizes and annotations stay as they "
        "are, so that other tools read the result as they read the original. What is neither picture nor known "
        "annotation is not copied, and listed. Data sets have pictures without faces: look at --on-no-face.",
    )
    command.add_argument("source", metavar="SOURCE", help="folder of the data set")
    command.add_argument("-o", "--output", required=True, metavar="TARGET", help="folder to write: new or empty")
    command.add_argument("--form", required=True, help="one of: folder lfw coco yolo")
    add_anonymizer(command)
    command.add_argument("--json", metavar="FILE", help="write what happened to every file")
    command.set_defaults(run=_anonymize_set)


def _anonymize_set(options: argparse.Namespace) -> int:
    from deepanon.folders import anonymize_files
    from deepanon.sets import copy_kept, plan_set

    plan, files = plan_set(options.source, options.output, options.form)
    check_report(options.json, (job.source for job in plan.jobs()))
    anonymizer = face_anonymizer(options)
    selecting.say_unused(anonymizer.selection, plan)
    Path(options.output).mkdir(parents=True, exist_ok=True)  # a folder, whatever its name ends in
    for note in files.notes:
        print(f"deepanon: note: {note}", file=sys.stderr)
    about = {"form": options.form, "method": options.method, "kept": files.kept, "left_out": files.left_out}
    why = "neither picture nor known annotation"
    with FileReport(options.json, about | {"notes": files.notes}, why) as report:
        code = report.watch(anonymize_files(plan, options.output, anonymizer), plan)
    copy_kept(options.source, options.output, files.kept)
    print(f"{len(files.kept)} annotation files kept")
    if failed := report.counts["failed"]:
        print(f"deepanon: {options.output} lacks {failed} pictures that its annotations may speak of", file=sys.stderr)
    return code
