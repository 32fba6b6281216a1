"""The command audit: attack methods on photos of known people, and stop a job that relies on one that falls."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli.recognisers import named_recogniser
from deepanon.cli.replacing import add_runtime, drawing_options
from deepanon.cli.shared import add_detector, chosen_detector
from deepanon.errors import OptionError, lookup

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer
    from deepanon.audit.eye import Sight
    from deepanon.audit.people.subjects import Subjects
    from deepanon.audit.run import Side
    from deepanon.embedders import Recogniser

SMOKE, NAMES = "smoke", ("smoke", "cpu", "gpu")
USUAL = ("facenet", "facenet:pretrained=casia-webface")  # recognisers that can be downloaded
DRAWN = "drawn people"
LEAST_RESAMPLES = 100


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "audit",
        help="attack methods: can anybody get the face back?",
        description="Attack methods with a ladder of attackers, from one that knows nothing to those that learn from "
        "anonymized photos of people of their own, on photos of known people: one folder a person. Says for each "
        "method what the strongest reaches, with limits and a verdict. Exit code with --gate: 0 all methods pass; 1 "
        "one fails; 3 none fails, but not all pass; 4 the controls failed, and nothing counts. Without: 0, or 4.",
    )
    command.add_argument("people", nargs="?", metavar="DIR", help="photos, a folder or tar of folders, one a person")
    command.add_argument(
        "--method", action="append", metavar="METHOD", help="may be given again (default: gan); chains and options too"
    )
    command.add_argument("--model", metavar="NAME|FILE", help="generator for gan (default: the bundled one)")
    add_runtime(command)
    command.add_argument(
        "--profile", default="cpu", metavar="|".join(NAMES), help="how hard it tries; smoke needs no photos"
    )
    command.add_argument("-o", "--output", default="out/audit", metavar="DIR", help="report (default: %(default)s)")
    command.add_argument(
        "--gate", nargs="?", const="picture", metavar="picture|face", help="exit by the verdict on either"
    )
    _add_data(command)
    _add_attackers(command)
    _add_limits(command)
    command.set_defaults(run=_audit)


def _add_data(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("photos")
    add_detector(command)
    group.add_argument("--detections", metavar="FILE", help="take the faces from a JSON or CSV file")
    group.add_argument("--people-limit", type=int, metavar="N", help="only the first N people")
    group.add_argument("--photos-allowed", action="store_true", help="the licence of the photos allows to show them")
    group.add_argument("--no-originals", action="store_true", help="show no original, nor what was rebuilt from one")


def _add_attackers(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("attackers")
    group.add_argument(
        "--recogniser",
        action="append",
        metavar="NAME",
        help="who scores; twice at least, as in openvino:weights=FILE:template=reid0095 (default: facenet, trained on "
        "either of two sets)",
    )
    group.add_argument(
        "--backbone", action="append", default=[], metavar="NAME",
        help="a recogniser that attackers train further: facenet mobilefacenet torchscript; none of those who score",
    )  # fmt: skip
    group.add_argument(
        "--restorer",
        action="append",
        default=[],
        metavar="FILE",
        help="weights of a blind restorer: GFPGAN, RestoreFormer, CodeFormer (extra audit)",
    )
    group.add_argument("--device", default="cpu", help="where attackers train (default: %(default)s)")


def _add_limits(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("verdict")
    group.add_argument("--delta", type=float, default=0.05, help="rank-1 allowed above chance (default: %(default)s)")
    group.add_argument("--tau", type=float, default=0.05, help="TAR allowed (default: %(default)s)")
    group.add_argument(
        "--far", type=float, help="at which that TAR counts; lower ones need more people (default: 0.001; smoke: 0.01)"
    )
    group.add_argument("--seed", type=int, default=0, help="of split, methods and resamples (default: %(default)s)")
    group.add_argument("--resamples", type=int, default=1000, help="of people (default: %(default)s)")


def _audit(options: argparse.Namespace) -> int:
    _check(options)
    methods = _methods(options)
    from deepanon.audit import Audit, Limits, Means, build_profile
    from deepanon.audit.gate import VOID, gated
    from deepanon.audit.report import terminal_summary, write_report
    from deepanon.audit.showing import keeper
    from deepanon.evaluation.report import Pictures
    from deepanon.evaluation.report.folder import refuse_photos_inside

    backbones = {one.name: one for one in map(named_recogniser, options.backbone)}
    means = Means(options.seed, backbones, [Path(path) for path in options.restorer], options.device)
    output, usual = Path(options.output), 0.01 if options.profile == SMOKE else 0.001
    limits = Limits(options.delta, options.tau, usual if options.far is None else options.far)
    name, subjects, sights, side = _data(options)
    profile = build_profile(options.profile, means)
    audit = Audit(name, subjects, sights, profile, limits, options.seed, options.resamples, output / "finished", _say)
    pictures, shown = Pictures(output / "pictures"), options.photos_allowed and not options.no_originals
    if not shown:
        refuse_photos_inside(output, pictures.folder, pictures.pictures)
    kept = {"show": keeper(pictures, name, subjects.real)} if shown or not subjects.real else {}
    result = audit(methods, side, **kept)
    folder = pictures.folder if kept else None
    page = write_report(result, output, folder, not options.no_originals, options.photos_allowed)
    print(terminal_summary(result))
    found = gated(result, options.gate or "picture")
    print(f"{found.text}; the report is {page}", file=sys.stderr)
    return found.code if options.gate or found.code == VOID else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot be before anything heavy is loaded."""
    lookup(dict.fromkeys(NAMES), options.profile, "profile")
    if options.gate is not None:
        lookup(dict.fromkeys(("picture", "face")), options.gate, "verdict")
    drawn = options.profile == SMOKE
    for path in options.restorer:
        if not Path(path).is_file():
            raise OptionError(f"--restorer {path}: there is no such file")
    if len(set(options.restorer)) < len(options.restorer) or len(set(options.backbone)) < len(options.backbone):
        raise OptionError("a restorer or backbone is given twice")
    if options.resamples < LEAST_RESAMPLES:
        raise OptionError(f"--resamples must be {LEAST_RESAMPLES} or more: limits come from them")
    if options.people and Path(options.people).resolve() in (out := Path(options.output).resolve(), *out.parents):
        raise OptionError(f"{options.output}: lies in {options.people}, whose folders are people; write it elsewhere")
    if (options.people is None) != drawn:
        raise OptionError("name a folder of people, or use --profile smoke, which draws its own people")
    further = (options.recogniser, options.detections, options.people_limit, options.backbone, options.restorer)
    if drawn and any(further):
        raise OptionError("--profile smoke draws its own people, trains its own recognisers, and needs nothing else")
    if options.recogniser and len(options.recogniser) < 2:
        raise OptionError("an audit needs two recognisers at least: give --recogniser again")
    if options.output and Path(options.output).is_file():
        raise OptionError(f"{options.output}: is a file; a folder is to be written there")


def _methods(options: argparse.Namespace) -> dict[str, Anonymizer]:
    """By the name that they are given by."""
    from deepanon.anonymizers import ByLabel, build_rules
    from deepanon.anonymizers.grammar import read_chain

    made: dict[str, Anonymizer] = {}
    for text in options.method or ["gan"]:
        drawn = "=" in text or any(stage.name == "gan" for stage in read_chain(text))
        given = {"gan": drawing_options(options)} if drawn and drawing_options(options) else {}
        method = build_rules(text, given)
        if isinstance(method, ByLabel):
            raise OptionError(f"{text!r}: an audit is of one method for faces, not of rules by label")
        made[method.name] = method
    return made


def _data(options: argparse.Namespace) -> tuple[str, Subjects, Sequence[Sight | Recogniser], Side]:
    """Name of the data, its people, who scores, and what looks at written files."""
    from deepanon.audit.people.subjects import find_subjects

    if options.profile == SMOKE:
        from deepanon.audit.smoke import smoke_people, smoke_sights

        _say("drawing people")
        return DRAWN, smoke_people(options.seed), smoke_sights(options.seed), lambda method: {}
    from deepanon.audit.side import side_channels
    from deepanon.data.people import read_people
    from deepanon.detectors import Detector, Given

    photos = read_people(options.people, options.people_limit, least=2)
    sights = [named_recogniser(text) for text in options.recogniser or USUAL]
    detector: Detector = Given(options.detections) if options.detections else chosen_detector(options)
    _say(f"finding the faces in {len(photos)} photos")
    found = find_subjects(photos, detector)
    return Path(options.people).stem, found, sights, lambda method: side_channels(photos, detector, method)


def _say(text: str) -> None:
    print(f"deepanon: {text}", file=sys.stderr, flush=True)
