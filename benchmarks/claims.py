"""Popular claims on hiding faces, held against an audit: writes docs/claims.md.

    python benchmarks/claims.py people.tar --recogniser NAME --recogniser NAME [whatever `deepanon audit` takes]

Audits every method that the claims are about (`METHODS`), and writes the page. With `--audit FOLDER` alone the page is
made of an audit that is there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepanon.audit import AuditResult
from deepanon.audit.report import read_result
from deepanon.cli import main as deepanon
from deepanon.evaluation.report.privacy import argument
from deepanon.evaluation.values import Value

BLURS = ("gaussian9", "gaussian:sigma=0.06", "gaussian:sigma=0.12", "heavy_blur")
CELLS = ("pixelate8", "pixelate:cells=4", "mosaic")
LAYERS = ("layered_lite", "layered_strong")
BARS = ("eye_bar", "blackout_ellipse")
BLIND = ("blackout", "gan")
CHAINS = ("gan+gaussian", "gan+layered_strong")
BASELINES = ("dp_pix:epsilon=0.3", "dp_pix:epsilon=1", "k_same")
METHODS = (*BLIND, *CHAINS, *BLURS, *CELLS, *LAYERS, *BARS, *BASELINES)
HOLDS, FALLS, OPEN = "It holds.", "It does not hold.", "It is open."
CLOAKS = "Imperceptible cloaks fail: other recognisers and attackers who adapt see through them"
GAP = 0.5  # between attackers who adapt and those who do not: Hao et al. 2019 at a strong blur


@dataclass(frozen=True)
class Row:
    """What an audit found of one method; rank-1, with limits."""

    name: str
    naive: Value  # the best of attackers who know nothing, with a 95 % interval
    worst: Value  # the best of all, with one-sided limits
    over: Value  # that less the best on the context control
    said: tuple[str, str]  # verdicts on picture and face


class Found:
    """An audit, by method."""

    def __init__(self, result: AuditResult) -> None:
        self.result = result
        self.rows = {name: self._row(name) for name in result.methods if self._of(name, "audit_worst_rank_1")}
        self.context = self._one("context", "audit_worst_rank_1")
        self.delta = float(result.facts["limits"]["delta"])

    def some(self, names: Sequence[str]) -> list[Row]:
        """Rows of those that were audited."""
        return [self.rows[name] for name in names if name in self.rows]

    def _row(self, name: str) -> Row:
        verdict = self.result.verdicts[name]
        idle = {attack for attack, about in self.result.attacks.items() if about["knows"] == "nothing"}
        every = [v for v in self._of(name, "audit_rank_1") if v.scope in idle]
        naive = max(every, key=lambda value: value.value)
        worst, over = (self._one(name, metric) for metric in ("audit_worst_rank_1", "audit_over_context_rank_1"))
        return Row(name, naive, worst, over, (verdict.picture, verdict.face))

    def _of(self, method: str, metric: str) -> list[Value]:
        return [value for value in self.result.values if (value.method, value.metric) == (method, metric)]

    def _one(self, method: str, metric: str) -> Value:
        return self._of(method, metric)[0]


def percent(share: float) -> str:
    """In percent, without the sign."""
    return "–" if math.isnan(share) else f"{100 * share:.1f}"


def limits(value: Value) -> str:
    """Value and limits in percent."""
    return f"{percent(value.value)} [{percent(value.low)}, {percent(value.high)}]"


def told(row: Row) -> str:
    """One method in words."""
    return (
        f"`{row.name}`: {limits(row.naive)} % for attackers who know nothing ({row.naive.scope}), "
        f"{limits(row.worst)} % for {row.worst.scope}"
    )


def hides(found: Found, row: Row) -> str:
    """Whether what is left is no more than hair, clothes and place: an equivalence test."""
    if row.over.high <= found.delta:
        return HOLDS
    return FALLS if row.over.low > found.delta else OPEN


def falling(found: Found, names: Sequence[str]) -> tuple[str, list[str]]:
    """Do these fall to attackers who learn, and how far does a naive evaluation miss that?"""
    rows = found.some(names)
    gaps = {row.name: row.worst.low - row.naive.high for row in rows}  # what adapting brings at least
    best = max(gaps, key=lambda name: gaps[name])
    fallen = [row for row in rows if row.over.low > found.delta]
    said = HOLDS if len(fallen) == len(rows) else FALLS if any(hides(found, row) == HOLDS for row in rows) else OPEN
    more = "more" if gaps[best] >= GAP else "less"
    wide = f"Largest gap: `{best}`, {percent(gaps[best])} points at least, {more} than Hao et al.'s {percent(GAP)}."
    wide = wide if gaps[best] > 0 else "Attackers who know nothing do as well as all others."
    return said, [*map(told, rows), f"{len(fallen)} of {len(rows)} are above the context control for sure. {wide}"]


def staying(found: Found, names: Sequence[str]) -> tuple[str, list[str]]:
    """Do these stay at the level of their context control?"""
    rows = found.some(names)
    outcomes = {hides(found, row) for row in rows}
    said = FALLS if FALLS in outcomes else HOLDS if outcomes == {HOLDS} else OPEN
    lines = [
        f"`{row.name}`: {limits(row.worst)} %, above the context control by {limits(row.over)} points" for row in rows
    ]
    return said, [*lines, f"The context control is at {limits(found.context)} %."]


def adding(found: Found, names: Sequence[str]) -> tuple[str, list[str]]:
    """Does what is done to a new face add nothing, because nothing was left to protect?"""
    if "gan" not in found.rows:
        return OPEN, ["`gan` was not audited."]
    bare = found.rows["gan"]
    better = any(row.worst.high < bare.worst.low for row in found.some(names))
    said = HOLDS if hides(found, bare) == HOLDS else FALLS if better else OPEN
    return said, staying(found, ("gan", *names))[1]


Test = Callable[[Found, Sequence[str]], tuple[str, list[str]]]
CLAIMS: tuple[tuple[str, Test, Sequence[str]], ...] = (
    ("Blurred faces are recognised by attackers who learn, though naive ones fail", falling, BLURS),
    ("So are pixelated ones and mosaics", falling, CELLS),
    ("Black-out and the generator leave no more than hair, clothes and place do", staying, BLIND),
    ("Blurring or degrading a new face adds nothing: there is nothing left to protect", adding, CHAINS),
    ("Several weak layers on the real face (small, noise, few colours, JPEG) protect it", staying, LAYERS),
    ("Bars over the eyes and black ellipses are weak", falling, BARS),
    ("Differentially private pixels and means of k faces protect", staying, BASELINES),
)


def cloaks(study: dict[str, Any]) -> tuple[str, list[str]]:
    """Do cloaks fail against recognisers they were not made for, and against attackers who learnt from cloaks?"""
    rows = {(row["target"], row["role"], row["attack"]): row for row in study["recognised"]}
    kinds, lines, beaten = (("nothing", "nearest"), ("probe", "nearest"), ("both", "adaptive")), [], []
    for target in dict.fromkeys(row["target"] for row in study["recognised"]):
        shares = [rows[target, *kind]["share"] for kind in kinds]
        clear, cloaked, learnt = (f"{percent(s['value'])} [{percent(s['low'])}, {percent(s['high'])}]" for s in shares)
        own = ", which it was made against" if rows[target, "probe", "nearest"]["white_box"] else ""
        beaten.append(max(share["low"] for share in shares[1:]) > GAP)
        lines.append(
            f"{target}{own}: {clear} % of clear photos are named, {cloaked} % of cloaked ones, {learnt} % if the "
            "gallery is cloaked too and the attacker has learnt from cloaks of others"
        )
    said = HOLDS if all(beaten) else OPEN if not any(beaten) else "It holds for some recognisers."
    return said, [
        *lines,
        f"({study['people']} people; [cloak.md](cloak.md) has every number. A cloak never passes a gate.)",
    ]


def page(result: AuditResult, command: str, study: dict[str, Any] | None = None) -> str:
    """The whole page as Markdown; `study` is what `benchmarks/cloak.py --json` wrote."""
    found, facts, made = Found(result), result.facts, str(result.provenance["command"])
    made = made.replace("__main__.py", "deepanon").replace("claims.py", "python benchmarks/claims.py")
    commands = "\n".join(dict.fromkeys([made, command]))  # once, if this run made the audit
    parts = [
        "# Popular claims, tested",
        f"Made by a command, from an audit of {len(found.rows)} methods; the numbers are what came out, whatever the "
        f"claim was. Nothing here is written by hand.\n\n```sh\n{commands}\n```",
        f"Data: {facts['data']['name']}, {facts['data']['photos']} photos of {facts['data']['people']} people. The "
        f"attacker knows {facts['split']['attacker_people']} of them, with what the method makes of them; "
        f"{facts['split']['probes']} anonymized photos of the {facts['split']['sought_people']} others are sought, a "
        f"blind guess finds {percent(facts['chance'])} %. Recognisers: {', '.join(result.recognisers)}. Attacks: "
        f"{', '.join(result.attacks)}. Controls passed: {sum(c.passed for c in result.controls)} of "
        f"{len(result.controls)}. [docs/audit.md](audit.md) says what each is.",
        "Numbers are rank-1 in percent: the share of photos whose person the attacker names first. *Knowing nothing*: "
        "the best of those who do not adapt, with a 95 % interval. *Strongest*: the best of all, with one-sided 95 % "
        "limits that allow for its being the best of many. *Above context*: less what the same attackers reach where "
        "every face is grey, with such limits; a method hides the face if the upper one is "
        f"{percent(found.delta)} points or less.",
        _table(found),
    ]
    for claim, test, names in CLAIMS:
        if found.some(names):
            outcome, lines = test(found, names)
            few = f"{len(found.some(names))} of {len(names)} methods audited"
            parts.append(f"## {claim}\n\n**{outcome}** ({few})\n\n" + "\n".join(f"- {line}" for line in lines))
    if study:
        outcome, lines = cloaks(study)
        parts.append(f"## {CLOAKS}\n\n**{outcome}**\n\n" + "\n".join(f"- {line}" for line in lines))
    parts.append(_notes(found))
    return "\n\n".join(parts) + "\n"


def _table(found: Found) -> str:
    head = "| method | knowing nothing | strongest | which | above context | picture | face |\n|" + "---|" * 7
    rows = sorted(found.rows.values(), key=lambda row: -row.worst.value)
    return "\n".join([head, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    which = f"{row.worst.scope}, {row.worst.by}"
    cells = (f"`{row.name}`", limits(row.naive), limits(row.worst), which, limits(row.over), *row.said)
    return f"| {' | '.join(cells)} |"


def _notes(found: Found) -> str:
    abouts = [found.result.methods[name] for name in found.rows]
    missing = {attack: why for about in abouts for attack, why in about["not_run"].items()}
    lines = [f"- {attack}: {why}" for attack, why in missing.items()]
    left = [f"`{method}`" for method in METHODS if method not in found.rows]
    lines += [f"- Methods that were not audited this time: {', '.join(left)}."] if left else []
    return "\n".join(["## Not run\n", *(lines or ["Nothing."])])


def main() -> None:
    """Audit, then write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audit", default="out/claims", metavar="FOLDER", help="of the audit (default: %(default)s)")
    parser.add_argument("--cloaks", metavar="FILE", help="what benchmarks/cloak.py --json wrote")
    parser.add_argument("-o", "--output", default="docs/claims.md", metavar="FILE")
    options, rest = parser.parse_known_args()
    if rest:
        named = [word for method in METHODS for word in ("--method", method)]
        try:
            deepanon(["audit", *rest, *named, "-o", options.audit])
        except SystemExit as ended:
            if ended.code not in (0, None):
                raise
    result = read_result(options.audit)
    if result.void:
        sys.exit("the audit is void: no claim can be held against it")
    words = [argument(word) for word in sys.argv[1:]]
    study = json.loads(Path(options.cloaks).read_text()) if options.cloaks else None
    command = " ".join(["python benchmarks/claims.py", *words])
    Path(options.output).write_text(page(result, command, study), encoding="utf-8")


if __name__ == "__main__":
    main()
