"""The commands on training data: build, check, stats, fdf-download."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli.shared import FAILED, Bars, add_detector, check_detector, progress, write_json
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.data.building.recipe import Recipe

MIN_SCORES = {
    "mtcnn": 0.95,
    "mtcnn_packaged": 0.95,
    "yunet": 0.8,
    "given": 0.0,
}  # detectors do not mean the same by a score


def add_commands(commands: Any) -> None:
    """Add `data` and its commands to the sub-parsers `commands`."""
    data = commands.add_parser("data", help="make, check and describe training data")
    group = data.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_build(group)
    _add_check(group)
    _add_stats(group)
    _add_download(group)


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
        "--workers",
        type=int,
        metavar="N",
        help="processes (default: one a core; 0: none but this one); does not change the result",
    )
    command.set_defaults(run=_build)


def _add_check(group: Any) -> None:
    command = group.add_parser(
        "check",
        help="look at every array and picture of a set, and draw a contact sheet",
        description="Judge packed crops from end to end. Exit code 1 if training on them would stop, or if train and "
        "val share people or pictures or one is missing; what is only odd is noted.",
    )
    command.add_argument("root", metavar="ROOT", help="folder of packed crops")
    command.add_argument("--sheet", metavar="FILE", help="draw crops with boxes and keypoints to this picture file")
    command.add_argument("--split", default="train", choices=("train", "val"), help="for the sheet (default: train)")
    command.set_defaults(run=_check)


def _add_stats(group: Any) -> None:
    command = group.add_parser(
        "stats",
        help="numbers, sizes, poses and near-duplicates of a set; parts and licences of FDF",
        description="Describe packed crops; of a folder of FDF, say which parts are there and under which licences.",
    )
    command.add_argument("root", metavar="ROOT", help="folder of packed crops or of FDF")
    command.add_argument("--json", metavar="FILE", help="write everything as JSON too")
    command.set_defaults(run=_stats)


def _build(options: argparse.Namespace) -> int:
    from deepanon.data.building.build import Build, summarize
    from deepanon.folders import Files
    from deepanon.images import WRITERS

    workers = _workers(options.workers)
    _refuse_nested(Path(options.photos), Path(options.out))
    plan = Files([options.photos], suffixes=tuple(WRITERS))
    recipe = _recipe(options)
    build = Build({job.name: job.source for job in plan.jobs()}, options.out, recipe)
    for path in plan.left_out():
        print(f"deepanon: left out (not a supported picture): {path}", file=sys.stderr)
    if build.done:
        counts = build.pack()
        print(f"{options.out} is whole already: {counts['crops']} crops of {counts['photos']} photos")
        return _verdict(counts, recipe, options.out)
    if len(build.todo) < plan.total:
        print(f"going on: {plan.total - len(build.todo)} of {plan.total} photos were done before")
    progress(build.examine(workers), len(build.todo))
    for error in build.failed.values():
        print(f"deepanon: FAILED {error}", file=sys.stderr)
    counts = build.pack()
    print(summarize(counts))
    print(f"{options.out}: {counts['train']} crops for training, {counts['val']} held out")
    return _verdict(counts, recipe, options.out)


def _verdict(counts: dict[str, Any], recipe: Recipe, out: str) -> int:
    """Exit code of a build that went through; says what training would lack."""
    lacking = not counts["train"] or (recipe.val > 0 and not counts["val"])  # --val 0 asks for it
    if lacking:
        what, change = ("was held out", "larger") if counts["train"] else ("is left to train with", "smaller")
        print(
            f"deepanon: nobody {what}, and train.py needs both; the crops stay in {out}. "
            f"Build into a new folder with a {change} --val (it was {recipe.val:g})",
            file=sys.stderr,
        )
    return FAILED if lacking or counts["failed"] else 0


def _add_download(group: Any) -> None:
    command = group.add_parser(
        "fdf-download",
        help="fetch the official archives of FDF or FDF256",
        description="Fetch metainfo, boxes and keypoints of FDF, and on request its images, from where its authors put "
        "them, and unpack them. Started again, it goes on where it stopped.",
    )
    command.add_argument("out", metavar="OUT", help="folder of the data set; one for FDF, another for FDF256")
    command.add_argument("--images", action="store_true", help="fetch the faces too (FDF: 55 GB)")
    command.add_argument(
        "--licences",
        nargs="+",
        metavar="NAME",
        help="only images under these: cc-by-2 cc-by-sa-2 cc-by-nc-2 cc-by-nc-sa-2",
    )
    command.add_argument("--fdf256", action="store_true", help="FDF256 (256 px) in place of FDF (128 px)")
    command.add_argument("--keep-archives", action="store_true", help="keep the zip files after unpacking")
    command.add_argument("--base-url", metavar="URL", help="where the archives are, if they have moved")
    command.set_defaults(run=_download)


def _check(options: argparse.Namespace) -> int:
    import numpy as np

    from deepanon.data.review.check import check_set
    from deepanon.data.review.sheet import draw_contact_sheet
    from deepanon.images import check_writable, write_image

    if options.sheet:
        check_writable(options.sheet)
    findings = check_set(options.root)
    for line in findings.lines():
        print(line, file=sys.stderr if line.startswith("PROBLEM") else sys.stdout)
    crops = " and ".join(f"{n:,} {split}" for split, n in findings.crops.items()) or "no"
    problems = f"{findings.problems.total():,} problems" if findings.problems else "no problem"
    print(f"{options.root}: {crops} crops, {problems}")
    if options.sheet:
        write_image(options.sheet, np.asarray(draw_contact_sheet(options.root, options.split)))
        print(f"contact sheet: {options.sheet}")
    return FAILED if findings.problems else 0


def _stats(options: argparse.Namespace) -> int:
    from deepanon.data.fdf.stats import describe_fdf, fdf_table, is_fdf
    from deepanon.data.review.stats import describe_set, is_packed, table

    if is_fdf(options.root) and not is_packed(options.root):
        facts = describe_fdf(options.root)
        print(fdf_table(facts))
    else:
        facts = describe_set(options.root)
        print(table(facts))
    if options.json:
        write_json(options.json, facts)
    return 0


def _download(options: argparse.Namespace) -> int:
    from deepanon.data.fdf.archives import BASE_URL, CATALOGUES, LICENCES, TERMS, chosen_archives, download_fdf

    data_set, base_url = "FDF256" if options.fdf256 else "FDF", options.base_url or BASE_URL
    archives = chosen_archives(options.licences, options.images, CATALOGUES[data_set])
    print(TERMS)
    print(*(f"  {LICENCES[name]}" for name in archives if name in LICENCES), sep="\n")
    with Bars() as watch:
        fetched = download_fdf(data_set, archives, options.out, base_url, options.keep_archives, watch)
    print(f"{options.out}: {', '.join(fetched)} fetched" if fetched else f"{options.out}: everything was there")
    return 0


def _recipe(options: argparse.Namespace) -> Recipe:
    from deepanon.data.building.recipe import Recipe
    from deepanon.data.building.selection import Rules

    if "plates" in options.detector.split("+") or "+" in options.detector:
        raise OptionError(f"crops are of faces, found by one detector, not by {options.detector!r}")
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

    if given is not None and given < 0:
        raise OptionError(f"--workers must be 0 or more, got {given}")
    return os.cpu_count() or 1 if given is None else given


def _refuse_nested(photos: Path, out: Path) -> None:
    inner, outer = out.resolve(), photos.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise OptionError(f"{out} and {photos} lie in each other; choose another folder for the set")
