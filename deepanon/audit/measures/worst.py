"""The worst attack: what the strongest of several reaches, and how sure that is.

Whoever looks for the maximum of 30 numbers finds the one with the luckiest error; an interval around it alone is wrong.
Both limits here are of the *true* maximum:

- upper: the quantile of the maximum over all attacks in every resample. Where attacks are equally strong it is on the
  safe side, since chance lifts a maximum twice.
- lower: for the same reason not that quantile's counterpart, which would lie above the truth, but the found maximum
  less what all attacks together overshoot (the quantile of the largest deviation of any attack from its own value: a
  simultaneous limit, Romano & Wolf 2005).

Neither is closer to certainty than so many people can be who show no hit at all (or nothing but hits).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepanon.audit.measures.limits import zero_hits
from deepanon.audit.measures.measured import Measured
from deepanon.errors import DataError
from deepanon.evaluation.bootstrap import percentile_interval
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

Key = tuple[str, str]  # attack, recogniser


@dataclass(frozen=True, eq=False)
class Worst:
    """The maximum of one metric over attacks and recognisers.

    Attributes:
        metric: its key in `metrics.METRICS`.
        keys: (attack, recogniser) that have a number.
        each: (A, R) their values on the same resamples.
        people: whose faces are on the probes.
        probes: how many.
        unknown: why a number is missing, by (attack, recogniser): then there is no upper limit.
    """

    metric: str
    keys: tuple[Key, ...]
    each: Array
    people: int
    probes: int
    unknown: dict[Key, str]

    @classmethod
    def of(cls, measured: Mapping[Key, Measured], metric: str) -> Worst:
        """Of all attacks and recognisers on one method, measured on the same probes and resamples.

        Raises:
            DataError: there are none, or they are not of the same people.
        """
        if not measured:
            raise DataError("no attack was made: there is no worst one")
        if len({(m.people, m.chance) for m in measured.values()}) > 1:
            raise DataError("the attacks were not made on the same people")
        unknown, known = {}, {}
        for key, one in measured.items():
            statistic = one.statistics.get(metric)
            if statistic is None or math.isnan(statistic.values[0]):
                unknown[key] = statistic.note if statistic else "it was not measured"
            else:
                known[key] = statistic
        rows = min((len(s.values) for s in known.values()), default=1)
        each = np.array([s.values[:rows] for s in known.values()]).reshape(len(known), rows)
        probes = max((s.n for s in known.values()), default=0)
        return cls(metric, tuple(known), each, next(iter(measured.values())).people, probes, unknown)

    @property
    def key(self) -> Key | None:
        """(attack, recogniser) that reaches it; None if nobody has a number."""
        return self.keys[int(self.each[:, 0].argmax())] if self.keys else None

    @property
    def values(self) -> Array:
        """(R,) the maximum in every resample, the first of the set itself."""
        return np.asarray(self.each.max(axis=0)) if self.keys else np.full(1, np.nan)

    @property
    def value(self) -> float:
        """The maximum."""
        return float(self.values[0])

    def upper(self, level: float = 0.95) -> float:
        """One-sided upper limit of the true maximum; NaN if any attack has no number."""
        if self.unknown or not self.keys:
            return math.nan
        return float(np.max([quantile(self.values[1:], level), zero_hits(self.people, level), self.value]))

    def lower(self, level: float = 0.95) -> float:
        """One-sided lower limit of the true maximum, NaN if nobody has a number."""
        if not self.keys:
            return math.nan
        limit = self.value - quantile(self._overshoot(), level)
        return float(np.clip(limit, 0, 1 - zero_hits(self.people, level)))

    def reported(self, data: str, method: str) -> Value:
        """As a `Value` under "audit_worst_…" with one-sided 95 % limits; `by` and `scope` say which attack it is."""
        attack, by = self.key or ("all", "all")
        metric = self.metric.replace("audit_", "audit_worst_", 1)
        missing = "; ".join(f"{one} with {eye} has no number: {why}" for (one, eye), why in self.unknown.items())
        if math.isnan(self.value):
            return Value("audit", data, by, method, metric, attack, n=self.probes, note=missing)
        note = f"one-sided 95 % limits{'; ' if missing else ''}{missing}"
        return Value(
            "audit", data, by, method, metric, attack, self.value, self.lower(), self.upper(), self.probes, (), note
        )

    def _overshoot(self) -> Array:
        """(R - 1,) the largest deviation of any attack from its own value."""
        return np.asarray((self.each[:, 1:] - self.each[:, :1]).max(axis=0))


def quantile(values: Array, level: float) -> float:
    """One end of the interval that has `level` of (R,) values on its one side; NaN as in `percentile_interval`."""
    low, high = percentile_interval(values, abs(2 * level - 1))
    return high if level > 0.5 else low
