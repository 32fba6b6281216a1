"""Finding numbers among many: which sets, scorers, scopes and methods there are, in a fixed order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from deepanon.errors import OptionError
from deepanon.evaluation.detection.retention import MEAN
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.values import Value

REFERENCES = ("none", "jpeg", "real", "floor")
CONTROLS = ("context",)
BOTH = "both sides"  # in the name of the control that blanks the face in the gallery too
SHARED = ("coverage", "keypoints", "replaced", "pixel_diversity", "lpips_diversity")  # whoever measured them
BINNED = ("size", "pose", "occlusion", "blur", "expression", "illumination", "yaw")
FIRST_SCOPES = ("all", "oracle")
HEADLINES = (MEAN, "AP50", "all", "oracle")


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
        self._of: dict[tuple[str, str, str], list[Value]] = {}
        for value in results.values:
            self._of.setdefault((value.part, value.data, value.by), []).append(value)

    def of(self, part: str, data: str, by: str) -> list[Value]:
        """All that one scorer measured of a set."""
        return self._of.get((part, data, by), [])

    def sets(self, part: str) -> list[str]:
        """Names of the data sets of a part, as described, then as they come."""
        return _ordered(self.results.sets, (v.data for v in self.results.values if v.part == part))

    def scorers(self, part: str, data: str) -> list[str]:
        """Who measures a set; one that gave shared numbers alone is left out if there is another."""
        found = [v for v in self.results.values if (v.part, v.data) == (part, data)]
        main = [v for v in found if v.metric not in SHARED]
        return _ordered((), (v.by for v in main or found))

    def scopes(self, part: str, data: str, by: str) -> list[str]:
        """Groups of rows: scopes that are no bins, less those that others refine."""
        found = self.of(part, data, by)
        main = [v for v in found if v.metric not in SHARED] or found
        bases = dict.fromkeys(v.scope for v in main if not bin_of(v.scope))
        return _ordered(FIRST_SCOPES, (s for s in bases if not any(other.startswith(f"{s}, ") for other in bases)))

    def headline(self, part: str, data: str, by: str) -> str:
        """The scope that stands for all where only one can: the hardest subset, AP at IoU 0.5, the oracle."""
        scopes = self.scopes(part, data, by)
        return next((scope for scope in HEADLINES if scope in scopes), scopes[0] if scopes else "all")

    def methods(self, values: Iterable[Value]) -> list[str]:
        """References first, controls last, in between as described."""
        names = _ordered(self.results.methods, (v.method for v in values))
        return sorted(names, key=lambda name: ("reference", "", "control").index(self.kind(name)))

    def get(self, part: str, data: str, by: str, method: str, metric: str, scope: str = "all") -> Value | None:
        """One value. What holds for "own" holds for "own, skip" too; shared metrics are found whoever measured them."""
        scopes, scorers = [scope, scope.rpartition(", ")[0]], [by]
        if metric in SHARED:
            scopes.append("all")
            scorers += [other for p, d, other in self._of if (p, d) == (part, data) and other != by]
        found = (self.values.get((part, data, who, method, metric, where)) for where in scopes for who in scorers)
        return next((value for value in found if value), None)

    def kind(self, method: str) -> str:
        """ "reference", "control" or "" for a method."""
        about = self.results.methods.get(method, {})
        if "kind" in about:
            return str(about["kind"])
        return "control" if method.startswith(CONTROLS) else "reference" if method in REFERENCES else ""

    def label(self, method: str) -> str:
        """What a method is called in the report."""
        return str(self.results.methods.get(method, {}).get("label", method))

    def controls(self, values: Iterable[Value]) -> list[str]:
        """Methods that are controls, those that blank both sides first."""
        names = [name for name in self.methods(values) if self.kind(name) == "control"]
        return sorted(names, key=lambda name: BOTH not in name)

    @property
    def compared(self) -> list[str]:
        """The methods that are measured, without the references and controls that they are held against."""
        return [name for name in self.methods(self.results.values) if not self.kind(name)]

    @property
    def hero(self) -> str | None:
        """The method that the report is about: "gan", or the first that never sees the face, or the first."""
        names = self.compared
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
