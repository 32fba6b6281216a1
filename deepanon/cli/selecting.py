"""Options that say which faces are replaced; whatever is left open on purpose is said aloud."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.folders import Outcome, Plan
    from deepanon.selection import Selection, Zone

BY_PICTURE = {"keep": "--keep", "only": "--only"}
OPTIONS = BY_PICTURE | {"min_size": "--min-size", "zone": "--zone"}


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options that `chosen_selection` reads."""
    group = command.add_argument_group("who is replaced", "By default everybody. Every face that is left is listed.")
    group.add_argument("--keep", metavar="FILE", help="leave the faces of this file, edited down from deepanon detect")
    group.add_argument("--only", metavar="FILE", help="replace only the faces of this file, in the same form")
    group.add_argument("--min-size", type=float, default=0, metavar="PX", help="leave faces whose shorter side is less")
    group.add_argument(
        "--zone",
        action="append",
        default=[],
        metavar="X0,Y0,X1,Y1",
        help="leave what lies in this part of every picture, such as a poster; may be given again",
    )


def chosen_selection(options: argparse.Namespace) -> Selection:
    """Build what the options of `add_options` ask for."""
    from deepanon.detectors import Given
    from deepanon.selection import Selection

    keep, only = (Given(path) if path else None for path in (options.keep, options.only))
    return Selection(keep, only, options.min_size, tuple(_zone(text) for text in options.zone))


def _zone(text: str) -> Zone:
    try:
        x0, y0, x1, y1 = (float(edge) for edge in text.split(","))
    except ValueError:
        raise OptionError(f"--zone {text}: give four numbers x0,y0,x1,y1 in pixels") from None
    return x0, y0, x1, y1


def refuse_for_films(options: argparse.Namespace) -> None:
    """Films have their own way to leave one face among others: say so of its track in the file about the film."""
    for name, option in BY_PICTURE.items():
        if getattr(options, name):
            raise OptionError(
                f'{option} goes with photos; for a film write --json FILE, give the tracks of faces to leave a "left": '
                '"WHY", and give it back with --detections FILE (in folders: --sidecars and --detections DIR)'
            )


def say_unused(selection: Selection, plan: Plan) -> None:
    """Say which pictures of the files are not among those to do: perhaps it is the wrong file."""
    from deepanon.selection import EVERY

    for option, given in (("--keep", selection.keep), ("--only", selection.only)):
        unused = set(given.faces) - {EVERY} if given else set()
        for job in plan.jobs() if unused else ():
            unused.discard(job.name)
        for name in sorted(unused):
            print(f"deepanon: {option} speaks of {name!r}, which is not among the files", file=sys.stderr)


def left_open(outcome: Outcome) -> Iterator[str]:
    """What is to be said of a file: which faces were left as they are, and which regions to keep held none."""
    yield from said_of(outcome.name, outcome.facts.get("left", []))
    for box in outcome.facts.get("unmatched", []):
        yield f"{outcome.name}: no face in the region to keep {box}"


def said_of(name: str, left: list[dict[str, Any]]) -> Iterator[str]:
    """One line about what was left open in the file called `name`, if anything was."""
    counts = Counter(face["reason"] for face in left)
    if counts:
        yield f"LEFT OPEN in {name}: {', '.join(f'{count} {reason}' for reason, count in counts.items())}"
