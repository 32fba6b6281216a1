"""Numbers as text: as many digits as they deserve, their unit said once."""

from __future__ import annotations

import math

from deepanon.errors import OptionError
from deepanon.evaluation.metric import Metric

NOTHING = "–"
MINUS = "\N{MINUS SIGN}"
SPACE = "\N{NARROW NO-BREAK SPACE}"
SIGNS = {"share": "%", "degrees": "°", "pixels": "px", "distance": "", "count": ""}


def is_signed(key: str) -> bool:
    """Whether a metric is a difference of two others: shown with a plus, shares in points of a percentage."""
    return key == "difference" or key.endswith(("_over_context", "_over_stranger")) or "_over_context_" in key


def sign_of(metric: Metric, key: str = "") -> str:
    """What stands behind the number: "%", "°", "px", "points" or nothing."""
    return "points" if is_signed(key) and metric.unit == "share" else SIGNS[metric.unit]


def bare(value: float, unit: str, signed: bool = False) -> str:
    """The number without its unit: 0.9931 of "share" -> "99.3"; NaN -> "–".

    Raises:
        OptionError: unknown unit.
    """
    if unit not in SIGNS:
        raise OptionError(f"unknown unit {unit!r}; choose one of: {', '.join(SIGNS)}")
    if not math.isfinite(value):
        return NOTHING
    if unit == "count":
        return f"{value:,.0f}".replace(",", SPACE)
    times = 100 if unit == "share" else 1
    text = _three_digits(value) if unit == "distance" else f"{value * times:.1f}"
    text = "0.0" if text == "-0.0" else text
    plus = "+" if signed and not text.startswith("-") and float(text) else ""
    return plus + text.replace("-", MINUS)


def _three_digits(value: float) -> str:
    """1234.5 -> "1234", 12.34 -> "12.3", 0.0123 -> "0.012"."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}"


def interval(low: float, high: float, unit: str, signed: bool = False) -> str:
    """ "[98.1, 99.6]", or nothing where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{bare(low, unit, signed)}, {bare(high, unit, signed)}]"


def spoken(value: float, metric: Metric, key: str = "") -> str:
    """With its unit, for sentences: "99.3 %"."""
    sign = sign_of(metric, key)
    gap = "" if sign in ("", "°") else SPACE
    return bare(value, metric.unit, is_signed(key)) + gap + sign
