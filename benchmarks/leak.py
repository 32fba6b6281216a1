"""How little of the original face in what the generator draws an audit still catches: a page of Markdown.

    python benchmarks/leak.py people.tar --recogniser NAME --recogniser NAME [--mix 0.01 --mix 0.1 …] -o docs/leak.md

A share of the original is mixed into each drawn face, as a generator would that overheard it. Two tests must find it:
other pixels under the boxes must not change a picture (no attacker needed: `--least` powers of ten are tried), and the
attackers of the profile must tell nobody by it. What is finished is kept in `--work`, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.audit import Audit, AuditResult, Limits, Means, Subjects, build_profile, drawn_subjects, find_subjects
from deepanon.audit.dependence import dependence
from deepanon.audit.smoke import smoke_people, smoke_sights
from deepanon.cli.recognisers import named_recogniser
from deepanon.crops import Crops
from deepanon.data.people import read_people
from deepanon.detectors import Given, build_detector
from deepanon.evaluation.report.privacy import argument
from deepanon.evaluation.values import Value

MIXES = (0.01, 0.1, 0.3)
DRAWN = "drawn"  # people, instead of a folder of photos


class Leaking:
    """A method that adds a share of the original to what another one makes.

    Args:
        inner: makes the faces.
        mix: share of the original in each pixel.
    """

    cosmetic = False
    sees_face = True  # else the pipeline would hide the face, and there were no leak

    def __init__(self, inner: Anonymizer, mix: float) -> None:
        self.inner, self.mix, self.size, self.random = inner, mix, inner.size, inner.random
        self.name = f"{inner.name}, {100 * mix:g} % leak"
        self.description = f"{inner.description}; {mix:g} of the original"

    def __call__(self, crops: Crops, seeds: Sequence[int]) -> Tensor:
        """Draw, and mix."""
        return (1 - self.mix) * self.inner(crops, seeds) + self.mix * crops.context


def main() -> None:
    """Audit, then write."""
    options = arguments().parse_args()
    subjects, sights = people(options)
    inner = build_anonymizer(options.method)
    audit = Audit(
        "drawn people" if options.people == DRAWN else Path(options.people).stem,
        subjects, sights, build_profile(options.profile, Means(options.seed)),
        Limits(far=0.01 if options.profile == "smoke" else 0.001), options.seed, folder=Path(options.work), say=say,
    )  # fmt: skip
    result = audit({leak.name: leak for leak in (Leaking(inner, mix) for mix in options.mix or MIXES)})
    if result.void:
        sys.exit("the audit is void: nothing can be said")
    traces = [(10.0**-power, dependence(subjects.usable, Leaking(inner, 10.0**-power))) for power in options.least]
    Path(options.output).write_text(page(result, traces), encoding="utf-8")


def arguments() -> argparse.ArgumentParser:
    """What can be said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", help=f"folder or tar of folders, one a person; {DRAWN!r} draws them")
    parser.add_argument("--detections", metavar="FILE", help="file of deepanon detect (default: MTCNN looks)")
    parser.add_argument("--recogniser", action="append", default=[], metavar="NAME", help="as for deepanon audit")
    parser.add_argument("--method", default="gan", help="that leaks (default: %(default)s)")
    parser.add_argument("--mix", type=float, action="append", help=f"may be given again (default: {MIXES})")
    parser.add_argument("--least", type=int, nargs="*", default=range(2, 9), help="powers of ten (default: 2 to 8)")
    parser.add_argument("--profile", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", default="out/leak", metavar="FOLDER")
    parser.add_argument("-o", "--output", default="docs/leak.md", metavar="FILE")
    return parser


def people(options: argparse.Namespace) -> tuple[Subjects, Sequence[Any]]:
    """Who is sought, and who looks."""
    if options.people == DRAWN and options.profile == "smoke":
        return smoke_people(options.seed), smoke_sights(options.seed)
    if options.people == DRAWN:
        return drawn_subjects(150, 6, options.seed), smoke_sights(options.seed)
    detector = Given(options.detections) if options.detections else build_detector("mtcnn")
    found = find_subjects(read_people(options.people, least=2), detector)
    return found, [named_recogniser(text) for text in options.recogniser]


def page(result: AuditResult, traces: Sequence[tuple[float, dict[str, int]]]) -> str:
    """The whole page as Markdown."""
    facts, split = result.facts, result.facts["split"]
    words = " ".join(["benchmarks/leak.py", *(argument(word) for word in sys.argv[1:])])
    caught = min((mix for mix, found in traces if found["changed"]), default=None)
    failed = [name for name, verdict in result.verdicts.items() if verdict.face == "FAIL"]
    said = (
        f"Other pixels under the boxes change a picture down to a share of {caught:.0e} of the original: the audit "
        "calls such a method one that uses the face, and fails it if it said that it does not."
    )
    parts = [
        "# How small a leak is caught",
        "Made by a command; a share of the original face is mixed into every face that is drawn.",
        f"```sh\npython {words}\n```",
        said if caught else "Other pixels under the boxes changed no picture.",
        f"Attackers prove that people are told by the face (FAIL): {', '.join(failed) or 'with none of these shares'}.",
        f"{split['probes']} photos of {split['sought_people']} people are sought, chance "
        f"{100 * facts['chance']:.1f} %; rank-1 in percent, limits as in [claims.md](claims.md).",
        _attacked(result),
        _least(traces),
    ]
    return "\n\n".join(parts) + "\n"


def _attacked(result: AuditResult) -> str:
    of = {(value.method, value.metric): value for value in result.values}
    context = limits(of["context", "audit_worst_rank_1"])
    rows = ["| method | pictures that change | strongest | which | above context | face alone |", "|---" * 6 + "|"]
    for name, about in result.methods.items():
        worst, over = (of[name, f"audit_{metric}_rank_1"] for metric in ("worst", "over_context"))
        depends = f"{about['depends']['changed']} of {about['depends']['photos']}"
        cells = [name, depends, limits(worst), f"{worst.scope}, {worst.by}", limits(over), result.verdicts[name].face]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*rows, f"| no face at all | – | {context} | | | |"])


def _least(traces: Sequence[tuple[float, dict[str, int]]]) -> str:
    head = ["| share of the original | levels of 255 at most | pictures that change |", "|---|---|---|"]
    rows = [f"| {mix:.0e} | {mix * 255:.2g} | {found['changed']} of {found['photos']} |" for mix, found in traces]
    return "\n".join([*head, *rows])


def limits(value: Value) -> str:
    """Value and limits in percent."""
    return f"{100 * value.value:.1f} [{100 * value.low:.1f}, {100 * value.high:.1f}]"


def say(text: str) -> None:
    """To the terminal."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
