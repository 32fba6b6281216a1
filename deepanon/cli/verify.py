"""The command verify: is every face of the originals gone from the outputs, and nothing riding along?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli.recognisers import add_recogniser, check_recogniser, chosen_recogniser
from deepanon.cli.shared import FAILED, Bars, add_detector, check_detector, write_json
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.detectors import Detector
    from deepanon.verifying import Verdict

LISTED = 50  # findings that are printed
LOW: dict[str, dict[str, Any]] = {  # thresholds lower than for replacing: what is found too often is looked at once
    "mtcnn": {"thresholds": (0.6, 0.7, 0.6)},
    "mtcnn_packaged": {"thresholds": (0.6, 0.7, 0.6)},
    "yunet": {"threshold": 0.5},
}


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "verify",
        help="check outputs against their originals: is every face gone, does nothing ride along?",
        description="Look at a photo, a film or a folder and at what was made of it. Every face that a detector finds "
        "in the original must show something else in the output, and metadata, thumbnails and further streams must be "
        "gone. With a recogniser, no new face may look like the old one. Exit code 0: nothing was found; 1: something "
        "was, or could not be checked; 2: the command is wrong.",
    )
    command.add_argument("original", metavar="ORIGINAL", help="photo, film or folder")
    command.add_argument("output", metavar="OUTPUT", help="what was made of it")
    add_detector(command)
    command.add_argument(
        "--covered",
        type=float,
        default=0.9,
        metavar="SHARE",
        help="of a face that must show something else (default: %(default)s)",
    )
    command.add_argument("--json", metavar="FILE", help="write everything that was found")
    command.add_argument("--html", metavar="FILE", help="write a page with it, and with views of the outputs")
    command.add_argument("--start", type=float, metavar="SECONDS", help="of the part of a film that was done")
    command.add_argument("--end", type=float, metavar="SECONDS", help="of the part of a film that was done")
    add_recogniser(command)
    command.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    for path in (options.json, options.html):
        _check_report(path, options)
    check_recogniser(options)
    from deepanon.verifying import Limits, Verifier, make_pairs

    limits = Limits(covered=options.covered, similarity=options.threshold)
    make_pairs(options.original, options.output)  # every wrong path is said before a network is loaded
    verifier = Verifier(checking_detector(options), chosen_recogniser(options), limits)
    with Bars() as bars:
        verdict = verifier(options.original, options.output, (options.start, options.end), bars)
    if options.json:
        write_json(options.json, verdict.to_json())
    if options.html:
        from deepanon.verifying.page import write_page

        write_page(options.html, verdict)
    return say(verdict)


def checking_detector(options: argparse.Namespace) -> Detector:
    """The detector that the options name, for looking at what was made."""
    from deepanon.detectors import build_detector

    return build_detector(options.detector, **LOW.get(options.detector, {}) | check_detector(options))


def _check_report(path: str | None, options: argparse.Namespace) -> None:
    """Refuse a report that is a folder or would replace what is checked, or lie in it."""
    if path is None:
        return
    target = Path(path).resolve()
    if target.is_dir():
        raise OptionError(f"{path}: is a folder; a file is to be written there")
    for checked in (Path(options.original).resolve(), Path(options.output).resolve()):
        if target == checked or checked in target.parents:
            raise OptionError(f"{path}: lies in what is checked; write the report elsewhere")


def say(verdict: Verdict) -> int:
    """Print what was found, on stderr, and return the exit code."""
    from deepanon.verifying.page import where

    every = [(checked.name, found) for checked in verdict.files for found in checked.findings]
    for name, found in every[:LISTED]:
        place = where(found)
        print(f"deepanon: {found.kind.upper()} {name}: {found.text}{f' ({place})' if place else ''}", file=sys.stderr)
    if len(every) > LISTED:
        print(f"deepanon: … and {len(every) - LISTED} more; --json FILE and --html FILE have them", file=sys.stderr)
    for note in verdict.notes:
        print(f"deepanon: {note}", file=sys.stderr)
    pictures = sum(checked.pictures for checked in verdict.files)
    kinds = ", ".join(f"{count} {kind}" for kind, count in verdict.kinds.items()) or "nothing found"
    print(f"{len(verdict.files)} files, {pictures} pictures compared, {verdict.faces} faces: {kinds}")
    return 0 if verdict.passed else FAILED
