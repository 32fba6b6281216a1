"""Arguments of constructors, checked where they come in: the message names the argument and what it should be."""

from __future__ import annotations

import math
from typing import Any

from deepanon.errors import OptionError


def check_count(name: str, value: int, least: int = 1) -> int:
    """Return `value` if it is a whole number >= `least`.

    Raises:
        TypeError: it is no whole number.
        OptionError: it is too small.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise OptionError(f"{name} must be {'positive' if least == 1 else f'{least} or more'}, got {value}")
    return value


def check_weight(name: str, value: float, *, positive: bool = False) -> float:
    """Return `value` if it is a finite number >= 0, or > 0 if `positive`.

    Raises:
        TypeError: it is no number.
        OptionError: it is too small, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        raise OptionError(f"{name} must be finite and {'positive' if positive else '0 or more'}, got {value}")
    return value


def check_range(name: str, value: float, low: float, high: float, *, whole: bool = False) -> float:
    """Return `value` if it is a number from `low` to `high`, both included; a whole one if `whole`.

    Raises:
        TypeError: it is no number.
        OptionError: it is out of range, or not whole.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not low <= value <= high or (whole and value != int(value)):
        raise OptionError(f"{name} must be a {'whole ' if whole else ''}number from {low} to {high}, got {value}")
    return value


def check_switch(name: str, value: bool) -> bool:
    """Return `value` if it is true or false; `TypeError` for anything that would merely pass for it."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, got {value!r}")
    return value


def check_kind(name: str, value: Any, kind: type) -> None:
    """Raise `TypeError` unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a `{kind.__name__}`, got {value!r}")
