"""Finding numbers among many: which sets, scorers, scopes and methods there are, in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from deepanon.errors import OptionError
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.values import Value

REFERENCES = ("none", "jpeg", "real", "floor")
CONTROLS = ("context",)
SHARED = ("coverage", "keypoints", "replaced")  # of the pictures, not of who measures: they belong to every scorer
BINNED = ("size", "pose", "occlusion", "blur", "expression", "illumination", "yaw")
FIRST_SCOPES = ("all", "easy", "medium", "hard", "crop", "face", "oracle")


class Lookup:
    """The values of a report, to be asked for by what they are.

    Raises:
        OptionError: a value's metric is not described in `metrics`; its meaning would be a guess.
    """

    def __init__(self, results: Results, metrics: Mapping[str, Metric] = METRICS) -> None:
        self.results, self.metrics = results, metrics
        for value in results.values:
            if value.metric not in metrics:
                raise OptionError(
                    f"unknown metric {value.metric!r} ({value.part}, {value.data}, {value.method}); "
                    f"known: {', '.join(metrics)}"
                )
        self.values = {(v.part, v.data, v.by, v.method, v.metric, v.scope): v for v in results.values}

    def sets(self, part: str) -> list[str]:
        """Names of the data sets of a part, as described, then as they come."""
        return _ordered(self.results.sets, (v.data for v in self.results.values if v.part == part))

    def scorers(self, part: str, data: str) -> list[str]:
        """Who measures a set; one that gave shared numbers alone is left out if there is another."""
        found = [v for v in self.results.values if (v.part, v.data) == (part, data)]
        main = [v for v in found if v.metric not in SHARED]
        return _ordered((), (v.by for v in main or found))

    def scopes(self, part: str, data: str, by: str) -> list[str]:
        """Scopes that are no bins."""
        found = [v for v in self.results.values if (v.part, v.data, v.by) == (part, data, by)]
        main = [v.scope for v in found if v.metric not in SHARED and not bin_of(v.scope)]
        return _ordered(FIRST_SCOPES, main or (v.scope for v in found if not bin_of(v.scope)))

    def methods(self, values: Iterable[Value]) -> list[str]:
        """References first, controls last, in between as described."""
        names = _ordered(self.results.methods, (v.method for v in values))
        return sorted(names, key=lambda name: ("reference", "", "control").index(self.kind(name)))

    def get(self, part: str, data: str, by: str, method: str, metric: str, scope: str = "all") -> Value | None:
        """One value. Shared metrics are found whoever is said to have measured them."""
        exact = self.values.get((part, data, by, method, metric, scope))
        if exact or metric not in SHARED:
            return exact
        whole = [
            v for v in self.results.values
            if (v.part, v.data, v.method, v.metric) == (part, data, method, metric) and v.scope in ("all", scope)
        ]  # fmt: skip
        return next((v for v in whole if v.by == by), whole[0] if whole else None)

    def kind(self, method: str) -> str:
        """ "reference", "control" or "" for a method."""
        about = self.results.methods.get(method, {})
        if "kind" in about:
            return str(about["kind"])
        return "control" if method.startswith(CONTROLS) else "reference" if method in REFERENCES else ""

    def label(self, method: str) -> str:
        """What a method is called in the report."""
        return str(self.results.methods.get(method, {}).get("label", method))

    @property
    def hero(self) -> str | None:
        """The method that the report is about: "gan", or the first that never sees the face, or the first."""
        names = [name for name in self.methods(self.results.values) if not self.kind(name)]
        blind = [name for name in names if self.results.methods.get(name, {}).get("sees_face") is False]
        return "gan" if "gan" in names else next(iter(blind or names), None)


def bin_of(scope: str) -> tuple[str, str] | None:
    """("size", "0-32 px") of the scope of a bin, None of any other."""
    kind, _, which = scope.replace(":", " ").replace("=", " ").partition(" ")
    return (kind, which.strip()) if kind in BINNED and which.strip() else None


def known(value: Value | None) -> bool:
    """Whether there is a number."""
    return value is not None and math.isfinite(value.value)


def _ordered(first: Iterable[str], found: Iterable[str]) -> list[str]:
    """What was found, each once: in the order of `first`, then as it came."""
    each = dict.fromkeys(found)
    return [name for name in first if name in each] + [name for name in each if name not in set(first)]
