"""The command audit: attack methods on photos of known people, and stop a job that relies on one that falls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepanon.cli.recognisers import named_recogniser
from deepanon.cli.shared import add_detector, chosen_detector
from deepanon.errors import OptionError, lookup

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer
    from deepanon.audit.eye import Sight
    from deepanon.audit.subjects import Subjects
    from deepanon.data.wider import AnnotatedPhoto
    from deepanon.embedders import Recogniser

SMOKE, NAMES = "smoke", ("smoke", "cpu", "gpu")
USUAL = ("facenet", "facenet:pretrained=casia-webface")  # recognisers that can be downloaded
DRAWN = "drawn people"


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "audit",
        help="attack methods: can anybody get the face back?",
        description="Attack methods with a ladder of attackers, from one that knows nothing to those that learn from "
        "anonymized photos of people of their own, on photos of known people: one folder a person. Says for each "
        "method what the strongest reaches, with limits and a verdict. Exit code with --gate: 0 all methods pass; 1 "
        "one fails; 3 none fails, but not all pass; 4 the controls failed, and nothing counts. Without --gate: 0, or 4.",
    )
    command.add_argument("people", nargs="?", metavar="DIR", help="photos, a folder or tar of folders, one a person")
    command.add_argument(
        "--method", action="append", metavar="METHOD", help="may be given again (default: gan); chains and options too"
    )
    command.add_argument("--model", metavar="NAME|FILE", help="generator for gan (default: the bundled one)")
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
        "--restorer", action="append", default=[], metavar="NAME=FILE", help="weights of a blind restorer"
    )
    group.add_argument("--device", default="cpu", help="where attackers train (default: %(default)s)")


def _add_limits(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("verdict")
    group.add_argument("--delta", type=float, default=0.05, help="rank-1 allowed above chance (default: %(default)s)")
    group.add_argument("--tau", type=float, default=0.05, help="TAR allowed (default: %(default)s)")
    group.add_argument("--seed", type=int, default=0, help="of split, methods and resamples (default: %(default)s)")
    group.add_argument("--resamples", type=int, default=1000, help="of people (default: %(default)s)")


def _audit(options: argparse.Namespace) -> int:
    lookup(dict.fromkeys(NAMES), options.profile, "profile")
    if options.gate is not None:
        lookup(dict.fromkeys(("picture", "face")), options.gate, "verdict")
    if (options.people is None) != (options.profile == SMOKE):
        raise OptionError("name a folder of people, or use --profile smoke, which draws its own")
    methods = _methods(options)
    from deepanon.audit import Audit, Limits, Means, build_profile, gate, report
    from deepanon.evaluation.report import Pictures

    means = Means(options.seed, _backbones(options), _restorers(options), options.device)
    name, subjects, sights, photos = _data(options)
    output = Path(options.output)
    audit = Audit(
        name, subjects, sights, build_profile(options.profile, means), Limits(options.delta, options.tau),
        options.seed, options.resamples, output / "work", _say,
    )  # fmt: skip
    pictures = Pictures(output / "work" / "pictures")
    result = audit(methods, report.side_of(photos, options), report.shown(pictures, name, subjects.real))
    report.write_result(result, output)
    report.write_report(
        result, output, pictures=pictures.folder, originals=not options.no_originals,
        photos_allowed=options.photos_allowed,
    )  # fmt: skip
    print(report.terminal_summary(result))
    verdict = gate.judge(result, options.gate or "picture")
    print(f"{verdict.text}; the report is {output / 'index.html'}", file=sys.stderr)
    return verdict.code if options.gate or verdict.code == gate.VOID else 0
