"""What came out, in sentences: for whoever reads nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping

from deepanon.audit.report.lookup import Lookup, eye_name
from deepanon.audit.result import COSMETIC, FAIL, INCONCLUSIVE, PASS
from deepanon.evaluation.report import numbers

SAYS = {FAIL: ("fails", "fail"), PASS: ("passes", "pass"), INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
        COSMETIC: ("is cosmetic", "are cosmetic")}  # fmt: skip
GAP = 0.1  # between naive and strongest attack from which on it is worth a sentence
MEANS = {
    PASS: "Even the strongest attack made here, at the upper end of its interval, tells hardly more people than a "
    "blind guess (whole picture), or than hair, clothes and place give away (face alone).",
    FAIL: "An attack made here tells more people than that.",
    INCONCLUSIVE: "The interval reaches over the limit, or there were too few people to say: neither pass nor failure.",
    COSMETIC: "Made to deter automatic search. It is no anonymization and cannot pass, whatever the numbers say.",
}


def sentences(lookup: Lookup) -> list[str]:
    """How many methods have which verdict, and the strongest attack on the worst; of a void audit why it is void."""
    if lookup.void:
        return [f"VOID: {'; '.join(lookup.void)}. No verdict and no number of this audit counts."]
    counts = {verdict: count for verdict, count in lookup.verdicts().items() if count}
    total = len(lookup.methods)
    said = [f"{count} {SAYS[verdict][count > 1]}" for verdict in SAYS if (count := counts.get(verdict))]
    without = total - sum(counts.values())
    said += [f"{without} without a verdict"] if without else []
    head = (
        f"Of {total} {'method' if total == 1 else 'methods'} {', '.join(said)}." if total else "No method was audited."
    )
    return [head, *_worst(lookup)]


def _worst(lookup: Lookup) -> list[str]:
    """The method that protects least, and the one whose protection is most of all mere appearance."""
    reached = {name: lookup.strongest(name).rank_1 for name in lookup.worst_first}
    reached = {name: share for name, share in reached.items() if math.isfinite(share)}
    if not reached:
        return []
    name, gaps = max(reached, key=lambda method: reached[method]), _gaps(lookup, reached)
    top = lookup.strongest(name)
    chance = f", where a blind guess tells {_percent(lookup.chance)}" if math.isfinite(lookup.chance) else ""
    lines = [
        f"Least protection: {name}; {top.attack} with {eye_name(top.eye)} tells {_percent(top.rank_1)} of the "
        f"people{chance}."
    ]
    seeming = max(gaps, key=lambda method: gaps[method], default=name)
    if gaps.get(seeming, 0.0) < GAP:
        return lines
    before = f"only {_percent(reached[seeming] - gaps[seeming])}"
    if seeming == name:
        return [*lines, f"Attackers who know nothing tell {before}, and would have called it safer."]
    after = f"{_percent(reached[seeming])} by {lookup.strongest(seeming).attack}"
    return [*lines, f"Most deceptive: {seeming}; {before} are told by attackers who know nothing, {after}."]


def _gaps(lookup: Lookup, reached: Mapping[str, float]) -> dict[str, float]:
    """Method -> how much more its strongest attack tells than the strongest of those who know nothing."""
    naive = [attack for attack in lookup.attacks if lookup.naive(attack)]
    best = {name: lookup.best(name, naive) for name in reached}
    return {name: reached[name] - value.value for name, value in best.items() if value is not None}


def _percent(share: float) -> str:
    return f"{numbers.bare(share, 'share')}{numbers.SPACE}%"
