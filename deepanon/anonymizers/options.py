"""The options of a method: the arguments of whatever builds it, read from text."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from deepanon.errors import OptionError

KINDS = {int: "a whole number", float: "a number", str: "text"}


def options_of(factory: Callable[..., Any]) -> dict[str, Any]:
    """Option -> its default: the arguments that have a number or a text as default, in order."""
    parameters = inspect.signature(factory).parameters.values()
    return {one.name: one.default for one in parameters if type(one.default) in KINDS}


def read_options(name: str, factory: Callable[..., Any], written: Mapping[str, str]) -> dict[str, Any]:
    """The values of what was written, in the order of the method's arguments.

    Args:
        name: of the method, for messages.
        factory: what builds it.
        written: value as text by option.

    Raises:
        OptionError: the method has no such option (the message lists those it has), or a value is of another kind.
    """
    known = options_of(factory)
    for option in written:
        if option not in known:
            raise OptionError(f"method {name!r} has no option {option!r}; {_listed(known)}")
    return {option: _value(name, option, written[option], type(known[option])) for option in known if option in written}


def _listed(known: Mapping[str, Any]) -> str:
    told = [f"{option} ({KINDS[type(default)]}, default {default!r})" for option, default in known.items()]
    return f"choose from: {', '.join(told)}" if told else "it has none"


def _value(name: str, option: str, text: str, kind: type) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if kind is not str and not math.isfinite(value):
        raise OptionError(f"option {option!r} of method {name!r} must be {KINDS[kind]}, got {text!r}")
    return value
