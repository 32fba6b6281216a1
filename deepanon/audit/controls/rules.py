"""What must come out of each control; one that fails voids the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deepanon.audit.assault import Key
from deepanon.audit.controls.changes import CONSTANT, LEAK, NO_OP, OTHER, PERMUTED, SHUFFLED
from deepanon.audit.measures import RANK_1, Excess, Measured, Worst, percent
from deepanon.audit.result import Control
from deepanon.audit.verdict import Limits

SEES = 0.8  # rank-1 on clear photos that every recogniser must reach: who sees less certifies nothing
SAME = 0.95  # of that, which must be left after a method that changes nothing
BROKEN = 0.5  # of that, which an attack must reach through a fixed permutation

Found = Mapping[Key, Measured]


@dataclass(frozen=True)
class Rules:
    """The controls of one audit.

    Attributes:
        clear: rank-1 on clear photos, by recogniser.
        context: what the ladder reaches where every face is grey.
        limits: of the verdict; controls are held to the same.
    """

    clear: Mapping[str, float]
    context: Found
    limits: Limits

    def seeing(self) -> Control:
        """Every recogniser tells clear people apart."""
        found = "; ".join(f"{name} {percent(share)}" for name, share in self.clear.items())
        good = all(share >= SEES for share in self.clear.values())
        return Control("clear photos", f"rank-1 of every recogniser is {percent(SEES)} or more", found, good)

    def no_op(self, found: Found) -> Control:
        """Through the pipeline and changed by nobody, photos are recognised as before."""
        reached = {name: _value(found["naive", name]) for name in self.clear}
        said = "; ".join(f"{name} {percent(reached[name])} of {percent(self.clear[name])}" for name in self.clear)
        good = all(reached[name] >= SAME * share for name, share in self.clear.items())
        return Control("no-op", f"the naive attack keeps {percent(SAME)} of its rank-1 on clear photos", said, good)

    def at_chance(self, name: str, found: Found) -> Control:
        """Nobody finds more than a blind guess."""
        worst, chance = Worst.of(found, RANK_1), next(iter(found.values())).chance
        bound = chance + self.limits.delta
        must = f"no attack reaches {percent(self.limits.delta)} more than a blind guess ({percent(chance)})"
        return Control(name, must, _said(worst, self.limits), worst.value <= bound)

    def at_context(self, name: str, found: Found) -> Control:
        """Nobody finds more than hair, clothes and place give away."""
        excess = self._excess(found)
        must = f"no attack is above the context control by {percent(self.limits.delta)} for sure"
        said = f"{_said(excess.worst, self.limits)}; {percent(excess.control.value)} without any face"
        return Control(name, must, said, excess.lower(self.limits.level) <= self.limits.delta)

    def broken(self, name: str, found: Found) -> Control:
        """The ladder is strong enough to undo this."""
        worst, ceiling = Worst.of(found, RANK_1), max(self.clear.values())
        must = f"an attack reaches {percent(BROKEN)} of the rank-1 on clear photos ({percent(ceiling)}) for sure"
        return Control(name, must, _said(worst, self.limits), worst.lower(self.limits.level) >= BROKEN * ceiling)

    def found(self, name: str, found: Found) -> Control:
        """What was hidden in an otherwise grey picture is found."""
        worst, chance = Worst.of(found, RANK_1), next(iter(found.values())).chance
        must = f"an attack is above a blind guess ({percent(chance)}) by {percent(self.limits.delta)} for sure"
        good = worst.lower(self.limits.level) > chance + self.limits.delta
        return Control(name, must, _said(worst, self.limits), good)

    def every(self, found: Mapping[str, Found]) -> list[Control]:
        """All controls in order, from what was reached on each."""
        return [
            self.seeing(),
            self.no_op(found[NO_OP]),
            self.at_chance(CONSTANT, found[CONSTANT]),
            self.at_chance(SHUFFLED, found[SHUFFLED]),
            self.at_context(OTHER, found[OTHER]),
            self.broken(PERMUTED, found[PERMUTED]),
            self.found(LEAK, found[LEAK]),
        ]

    def _excess(self, found: Found) -> Excess:
        context = {key: one for key, one in self.context.items() if key in found}
        return Excess(Worst.of(found, RANK_1), Worst.of(context, RANK_1))


def _value(measured: Measured) -> float:
    return float(measured.statistics[RANK_1].values[0])


def _said(worst: Worst, limits: Limits) -> str:
    attack, eye = worst.key or ("no attack", "nobody")
    low, high = worst.lower(limits.level), worst.upper(limits.level)
    return f"{attack} with {eye} {percent(worst.value)}, limits {percent(low)} and {percent(high)}"
