"""The command that draws a report again, or one of several runs."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "report",
        help="draw the report of an evaluation, or of several as one",
        description="Write index.html, table.md, table.tex and results.json from what evaluate.py wrote. Several files "
        "become one report; where they say different things of one number, set or method, nothing is written.",
    )
    command.add_argument("results", nargs="+", metavar="RESULTS", help="results.json, or its folder")
    command.add_argument("-o", "--output", required=True, metavar="FOLDER", help="folder to write; made if missing")
    command.add_argument("--pictures", metavar="FOLDER", help="sample pictures with their index.json")
    command.add_argument(
        "--no-photos",
        action="store_true",
        help="leave out every picture that is not marked as drawn or generated",
    )
    command.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    from deepanon.evaluation.report import Results, write_report

    results = Results.merge([Results.read(path) for path in options.results])
    index = write_report(results, options.output, options.pictures, options.no_photos)
    print(f"{index}: {len(results.values)} numbers of {len(results.sets)} sets")
    return 0
