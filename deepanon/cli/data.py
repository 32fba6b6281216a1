"""The commands on training data: build, check, stats, fdf-download."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli.shared import FAILED, add_detector, check_detector, progress
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.data.recipe import Recipe

MIN_SCORES = {"mtcnn": 0.95, "yunet": 0.8, "given": 0.0}  # detectors do not mean the same by a score


def add_commands(commands: Any) -> None:
    """Add `data` and its commands to the sub-parsers `commands`."""
    data = commands.add_parser("data", help="make, check and describe training data")
    group = data.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_build(group)


def _add_build(group: Any) -> None:
    command = group.add_parser(
        "build",
        help="cut the faces of a folder of photos into packed crops",
        description="Find every face of a folder of photos, keep those that fit the rules of DeepPrivacy's data set, "
        "and write them as packed crops. Stopped at any point, even by kill -9, the same command goes on.",
    )
    command.add_argument("photos", metavar="PHOTOS", help="folder of photos; sub-folders are searched")
    command.add_argument("out", metavar="OUT", help="folder to write: new, empty or an unfinished build")
    add_detector(command)
    command.add_argument("--detections", metavar="FILE", help="use the faces of this JSON or CSV file, detect none")
    command.add_argument(
        "--resolution", type=int, default=128, metavar="PX", help="side of the crops (default: %(default)s)"
    )
    command.add_argument(
        "--min-side", type=int, metavar="PX", help="smallest side of a crop in the photo (default: the resolution)"
    )
    scores = ", ".join(f"{score} for {name}" for name, score in MIN_SCORES.items())
    command.add_argument("--min-score", type=float, metavar="S", help=f"lowest detector score (default: {scores})")
    command.add_argument(
        "--val", type=float, default=0.04, metavar="SHARE", help="share of people held out (default: %(default)s)"
    )
    command.add_argument(
        "--identities",
        action="store_true",
        help="PHOTOS holds one folder a person; nobody is in both train and val",
    )
    command.add_argument("--source", metavar="NAME", help="what array `source` says (default: the name of PHOTOS)")
    command.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one a core); does not change the result"
    )
    command.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> int:
    from deepanon.data.build import Build, summarize
    from deepanon.folders import make_plan

    workers = _workers(options.workers)
    _refuse_nested(Path(options.photos), Path(options.out))
    plan = make_plan([options.photos])
    recipe = _recipe(options)
    build = Build({job.name: job.source for job in plan.jobs}, options.out, recipe)
    for path in plan.left_out:
        print(f"deepanon: left out (not a supported picture): {path}", file=sys.stderr)
    if build.done:
        counts = build.pack()
        print(f"{options.out} is whole already: {counts['crops']} crops of {counts['photos']} photos")
        return FAILED if counts["failed"] else 0
    if len(build.todo) < len(plan.jobs):
        print(f"going on: {len(plan.jobs) - len(build.todo)} of {len(plan.jobs)} photos were done before")
    progress(build.examine(workers), len(build.todo))
    for error in build.failed.values():
        print(f"deepanon: FAILED {error}", file=sys.stderr)
    counts = build.pack()
    print(summarize(counts))
    print(f"{options.out}: {counts['train']} crops for training, {counts['val']} held out")
    if recipe.val and not counts["val"]:
        print("deepanon: nobody was drawn for the held-out part; raise --val or add photos", file=sys.stderr)
    return FAILED if counts["failed"] else 0


def _recipe(options: argparse.Namespace) -> Recipe:
    from deepanon.data.recipe import Recipe
    from deepanon.data.selection import Rules

    name = "given" if options.detections else options.detector
    arguments = {"faces": options.detections} if options.detections else check_detector(options)
    score = MIN_SCORES.get(name, 0.0) if options.min_score is None else options.min_score
    side = options.resolution if options.min_side is None else options.min_side
    return Recipe(
        detector=name,
        options=tuple(arguments.items()),
        rules=Rules(options.resolution, side, score),
        val=options.val,
        identities=options.identities,
        source=Path(options.photos).resolve().name if options.source is None else options.source,
    )


def _workers(given: int | None) -> int:
    import os

    if given is not None and given < 1:
        raise OptionError(f"--workers must be at least 1, got {given}")
    return given or os.cpu_count() or 1


def _refuse_nested(photos: Path, out: Path) -> None:
    inner, outer = out.resolve(), photos.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise OptionError(f"{out} and {photos} lie in each other; choose another folder for the set")
