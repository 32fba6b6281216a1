"""How much more the worst attack reaches than the worst attack on something else, on the same resamples of people.

The difference of two maxima is bounded through the differences of single attacks, which shared resamples make exact:
where attack i is the true maximum of the one, max - max' = value_i - max' <= value_i - value'_j for every attack j on
the other. The upper limit is the least of these, with limits that hold for all j at once (studentized; intersection
bounds, Chernozhukov, Lee & Rosen 2013), and the highest over all i that may be the maximum. The lower limit is that of
the reversed difference. A plain quantile of the differences would be too low where several attacks on the other side
are equally strong: chance lifts their maximum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deepanon.audit.measures.limits import zero_hits
from deepanon.audit.measures.worst import Key, Worst, quantile
from deepanon.errors import DataError
from deepanon.evaluation.identity.retrieval import ratio
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

PLAUSIBLE = 0.99  # confidence with which the true maximum is among the attacks that are looked at


@dataclass(frozen=True, eq=False)
class Excess:
    """Maximum less maximum of a control, or of another method.

    Neither limit is closer than so many people allow who show no difference at all.

    Attributes:
        worst: the one.
        control: the other, measured with the same counts.

    Raises:
        DataError: they are of other people or metrics.
    """

    worst: Worst
    control: Worst

    def __post_init__(self) -> None:
        if (self.worst.metric, self.worst.people) != (self.control.metric, self.control.people):
            raise DataError("a difference needs the same metric of the same people")

    @property
    def key(self) -> Key | None:
        """(attack, recogniser) of the one."""
        return self.worst.key

    @property
    def values(self) -> Array:
        """(R,) differences, the first of the set itself."""
        one, other = _same(self.worst.values, self.control.values)
        return np.asarray(one - other)

    @property
    def value(self) -> float:
        """The difference."""
        return float(self.values[0])

    @property
    def unknown(self) -> dict[Key, str]:
        """Why there are no limits: what has no number, on either side."""
        return self.control.unknown | self.worst.unknown

    def upper(self, level: float = 0.95) -> float:
        """One-sided upper limit; NaN unless all attacks on both sides have a number."""
        if self.unknown:
            return math.nan
        one, other = _same(self.worst.each, self.control.each)
        least = self.value + zero_hits(self.worst.people, level)
        return float(np.max([_limit(one, other, level), quantile(self.values[1:], level), least]))

    def lower(self, level: float = 0.95) -> float:
        """One-sided lower limit; NaN unless any attack, and all on the control, have a number."""
        if self.control.unknown or not self.worst.keys:
            return math.nan
        one, other = _same(self.worst.each, self.control.each)
        least = self.value - zero_hits(self.worst.people, level)
        return float(np.min([-_limit(other, one, level), quantile(self.values[1:], 1 - level), least]))

    def reported(self, data: str, method: str) -> Value:
        """As a `Value` under "audit_over_context_…" with one-sided 95 % limits."""
        attack, by = self.key or ("all", "all")
        metric = self.worst.metric.replace("audit_", "audit_over_context_", 1)
        note = "; ".join(dict.fromkeys(["one-sided 95 % limits", *self.unknown.values()]))
        n = self.worst.probes
        return Value("audit", data, by, method, metric, attack, self.value, self.lower(), self.upper(), n, (), note)


def _same(one: Array, other: Array) -> tuple[Array, Array]:
    """Both on the resamples that they share, the first ones."""
    rows = min(one.shape[-1], other.shape[-1])
    return one[..., :rows], other[..., :rows]


def _limit(one: Array, other: Array, level: float) -> float:
    """Upper limit of max(one) - max(other) for (A, R) and (B, R) values on the same resamples."""
    rivals = other[_plausible(other)]
    return max(_below(candidate, rivals, level) for candidate in one[_plausible(one)])


def _below(candidate: Array, rivals: Array, level: float) -> float:
    """Upper limit of `candidate` - max(`rivals`): the least of limits that hold for all rivals at once."""
    apart = candidate - rivals  # B, R
    spread = np.nanstd(apart[:, 1:], axis=1)
    errors = ratio(apart[:, :1] - apart[:, 1:], spread[:, None])
    worst = np.where(spread[:, None] > 0, errors, -np.inf).max(axis=0)
    times = quantile(worst, level) if (spread > 0).any() else 0.0
    return float((apart[:, 0] + times * spread).min())


def _plausible(each: Array) -> Array:
    """(A,) bool, attacks of (A, R) values that may be the true maximum."""
    errors = each[:, 1:] - each[:, :1]
    slack = quantile(errors.max(axis=0), PLAUSIBLE) - quantile(errors.min(axis=0), 1 - PLAUSIBLE)
    return np.asarray(each[:, 0] >= each[:, 0].max() - slack) if np.isfinite(slack) else np.ones(len(each), dtype=bool)
