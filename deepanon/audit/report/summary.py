"""What came out, in sentences: for whoever reads nothing else."""

from __future__ import annotations

import math

from deepanon.audit.report.lookup import Lookup, eye_name
from deepanon.audit.result import COSMETIC, FAIL, INCONCLUSIVE, PASS
from deepanon.evaluation.report import numbers

SAYS = {FAIL: ("fails", "fail"), PASS: ("passes", "pass"), INCONCLUSIVE: ("stays open", "stay open"),
        COSMETIC: ("is cosmetic", "are cosmetic")}  # fmt: skip
MEANS = {
    PASS: "Even the strongest attack made here, at the upper end of its interval, tells hardly more people than a "
    "blind guess (whole picture), or than hair, clothes and place give away (face alone).",
    FAIL: "An attack made here tells more people than that.",
    INCONCLUSIVE: "There were too few people to say: it neither passes nor fails.",
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
    head = f"Of {total} {'method' if total == 1 else 'methods'} {', '.join(said)}." if total else "No method was audited."
    return [head, *_worst(lookup)]


def _worst(lookup: Lookup) -> list[str]:
    """The method that protects least, and one whose protection only seems to be there."""
    ranked = [name for name in lookup.worst_first if math.isfinite(lookup.strongest(name).rank_1)]
    if not ranked:
        return []
    name = max(ranked, key=lambda method: lookup.strongest(method).rank_1)
    top = lookup.strongest(name)
    chance = f", a blind guess {_percent(lookup.chance)}" if math.isfinite(lookup.chance) else ""
    lines = [
        f"Least protection: {name}. The attack {top.attack} with {eye_name(top.eye)} tells {_percent(top.rank_1)} "
        f"of the people{chance}."
    ]
    return lines + _seeming(lookup, ranked)


def _seeming(lookup: Lookup, names: list[str]) -> list[str]:
    """The method with the widest gap between who knows nothing and who knows the method."""
    naive = [attack for attack in lookup.attacks if lookup.naive(attack)]
    gaps = {}
    for name in names:
        best = lookup.best(name, naive)
        if best is not None:
            gaps[name] = (lookup.strongest(name).rank_1 - best.value, best.value)
    if not gaps:
        return []
    name = max(gaps, key=lambda method: gaps[method])
    gap, before = gaps[name]
    if gap < 0.1:
        return []
    top = lookup.strongest(name)
    return [f"Most deceptive: {name}. Nobody but {_percent(before)} is told by attackers who know nothing, "
            f"{_percent(top.rank_1)} by {top.attack}."]  # fmt: skip


def _percent(share: float) -> str:
    return f"{numbers.bare(share, 'share')}{numbers.SPACE}%"
