"""Finding numbers of an audit: who attacked what with which success, and which attack is the one to worry about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from deepanon.audit.attack import OWN
from deepanon.audit.gate import voided
from deepanon.audit.measures import RANK_1
from deepanon.audit.result import FAIL, VERDICTS, AuditResult, Verdict
from deepanon.errors import OptionError
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.report.lookup import known
from deepanon.evaluation.values import Value

WORST, WORST_TAR, OVER_CONTEXT = "audit_worst_rank_1", "audit_worst_tar_1e-3", "audit_over_context_rank_1"
OF_ALL = ("audit_worst_", "audit_over_context_")  # metrics of the strongest attack, whichever it is
CONTEXT = "context"  # method that blanks the face and leaves all else, if it was among the methods
NOTHING = "nothing"  # what a naive attacker knows
ORDER = (FAIL, "INCONCLUSIVE", "COSMETIC", "", "PASS")  # of verdicts, worst first


@dataclass(frozen=True)
class Strongest:
    """The attack that does best against a method.

    Attributes:
        attack: its name, empty if there is no number at all.
        eye: the recogniser with which it does.
        rank_1: share of people told.
        upper: one-sided upper 95 % limit of the maximum over all attacks and recognisers, NaN if it was not computed:
            a maximum of several intervals is none of a maximum.
    """

    attack: str = ""
    eye: str = ""
    rank_1: float = math.nan
    upper: float = math.nan


class Lookup:
    """The numbers of an audit, to be asked for by what they are.

    Raises:
        OptionError: a value's metric is not described in `metrics`; its meaning would be a guess.
    """

    def __init__(self, result: AuditResult, metrics: Mapping[str, Metric]) -> None:
        self.result, self.metrics, self.void = result, metrics, voided(result)
        for value in result.values:
            if value.metric not in metrics:
                raise OptionError(f"unknown metric {value.metric!r} ({value.method}); known: {', '.join(metrics)}")
        self._of: dict[str, dict[tuple[str, str, str], Value]] = {}
        for value in result.values:
            self._of.setdefault(value.method, {})[value.metric, value.scope, value.by] = value
        self.chance = _number(result.facts.get("chance"))

    @property
    def methods(self) -> list[str]:
        """In the order given."""
        return list(self.result.methods)

    @property
    def worst_first(self) -> list[str]:
        """Those that fail first, and of these the one of whom most is known; a void audit gives no verdict to go by."""
        return sorted(self.methods, key=lambda name: (self._badness(name), -_low(self.strongest(name).rank_1)))

    def _badness(self, name: str) -> tuple[int, ...]:
        verdict = self.verdict(name)
        return (ORDER.index(verdict.picture), ORDER.index(verdict.face)) if verdict else (ORDER.index(""),) * 2

    def verdict(self, method: str) -> Verdict | None:
        """None of a void audit, whatever is stored."""
        return None if self.void else self.result.verdicts.get(method)

    def uses_face(self, method: str) -> bool | None:
        """By construction; None if nobody said."""
        verdict, said = self.result.verdicts.get(method), self.result.methods[method].get("sees_face")
        return verdict.uses_face if verdict else said if isinstance(said, bool) else None

    @property
    def attacks(self) -> list[str]:
        """Of the ladder, in its order, and others that have numbers."""
        scopes = (v.scope for v in self.result.values if v.metric == RANK_1 and v.scope != "all")
        return list(dict.fromkeys([*self.result.attacks, *scopes]))

    def naive(self, attack: str) -> bool:
        """Whether the attacker knows nothing of the method; "nothing, 8 releases" is no knowledge either."""
        return str(self.result.attacks.get(attack, {}).get("knows", "")).partition(",")[0].strip() == NOTHING

    def eyes(self, method: str) -> list[str]:
        """Recognisers with numbers on a method."""
        found = dict.fromkeys(v.by for v in self.of(method) if of_attack(v) and v.scope in self.attacks)
        return sorted(found, key=lambda by: _place(list(self.result.recognisers), by))

    def of(self, method: str) -> list[Value]:
        """All numbers of a method."""
        return list(self._of.get(method, {}).values())

    def get(self, method: str, metric: str, attack: str = "all", eye: str = "all") -> Value | None:
        """One value."""
        return self._of.get(method, {}).get((metric, attack, eye))

    def best(self, method: str, attacks: Iterable[str]) -> Value | None:
        """Rank 1 of the recogniser and attack that do best, None if there is no number."""
        names = set(attacks)
        there = [v for v in self.of(method) if v.metric == RANK_1 and v.scope in names and known(v)]
        return max(there, key=lambda value: value.value, default=None)

    def strongest(self, method: str) -> Strongest:
        """Which attack does best; its limit if the audit computed one for the maximum."""
        best = self.best(method, self.attacks)
        worst = next((v for v in self.of(method) if v.metric == WORST and known(v)), None)
        if worst is None:
            return Strongest(best.scope, best.by, best.value) if best else Strongest()
        attack = worst.scope if worst.scope in self.attacks else best.scope if best else ""
        eye = worst.by if worst.by != "all" else best.by if best else ""
        return Strongest(attack, eye, worst.value, worst.high)

    def accepted(self, method: str) -> Value | None:
        """The worst TAR if it is higher than the worst rank 1: then it is what a method fails by."""
        found = next((v for v in self.of(method) if v.metric == WORST_TAR and known(v)), None)
        return found if found and not found.value <= self.strongest(method).rank_1 else None

    def context(self, method: str) -> float:
        """Rank 1 of what hair, clothes and place give away, NaN if it was not measured."""
        for over in (v for v in self.of(method) if v.metric == OVER_CONTEXT and known(v)):
            at = [self.get(method, metric, over.scope, over.by) for metric in (RANK_1, WORST)]
            whole = next((value.value for value in at if value and known(value)), self.strongest(method).rank_1)
            return whole - over.value
        return self.strongest(CONTEXT).rank_1

    def not_run(self, method: str) -> dict[str, str]:
        """Attack -> why it was not made."""
        return dict(self.result.methods[method].get("not_run", {}))

    def verdicts(self) -> dict[str, int]:
        """How many methods have each verdict on the whole picture."""
        said = [verdict.picture for name in self.methods if (verdict := self.verdict(name))]
        return {verdict: said.count(verdict) for verdict in VERDICTS}


def of_attack(value: Value) -> bool:
    """Whether a number is of one attack with one recogniser, and not of the worst of all."""
    return "all" not in (value.by, value.scope) and not value.metric.startswith(OF_ALL)


def eye_name(eye: str) -> str:
    """A recogniser in words."""
    return "a network of its own" if eye == OWN else eye


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _low(value: float) -> float:
    return value if math.isfinite(value) else -1.0


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)
