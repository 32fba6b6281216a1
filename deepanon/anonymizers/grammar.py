"""How methods are written: `gaussian:sigma=0.12`, chains `gan+gaussian`, and rules `face=gan+gaussian,plate=solid`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deepanon.errors import OptionError

RULE, STAGE, OPTION, VALUE, QUOTE = ",", "+", ":", "=", '"'
FORM = (
    "METHOD, METHOD:OPTION=VALUE or METHOD+METHOD, as in gan+layered:cells=8:noise=25 "
    '(a value that holds , + or : stands in double quotes, as in faces="a+b")'
)


@dataclass(frozen=True)
class Written:
    """One method as it was written.

    Attributes:
        name: of the method.
        options: value by option, both as text.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)


def read_chain(text: str) -> tuple[Written, ...]:
    """The stages of "a:x=1+b", in order; a method alone is a chain of one.

    Raises:
        OptionError: it is written in another way. Whether such methods and options exist is not looked at.
    """
    return tuple(_stage(part, text) for part in split(text, STAGE))


def is_rules(text: str) -> bool:
    """Whether the text says rules by label: those have their first "=" behind a label, so before any ":" or "+"."""
    label, *rest = split(text, VALUE)
    return bool(rest) and not (OPTION in label or STAGE in label)


def split(text: str, mark: str) -> list[str]:
    """Parts between marks that do not stand in double quotes.

    Raises:
        OptionError: a quote is not closed.
    """
    parts, quoted = [""], False
    for letter in text:
        quoted ^= letter == QUOTE
        if letter == mark and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    if quoted:
        raise OptionError(f"a double quote in {text!r} is not closed")
    return parts


def canonical(name: str, options: dict[str, Any]) -> str:
    """A method and the values of its options as they are written; what `read_chain` reads back."""
    return OPTION.join([name, *(f"{option}{VALUE}{_quoted(value)}" for option, value in options.items())])


def _stage(part: str, text: str) -> Written:
    name, *rest = (word.strip() for word in split(part, OPTION))
    if not name:
        raise OptionError(f"a method is missing in {text!r}; write {FORM}")
    options: dict[str, str] = {}
    for word in rest:
        option, sign, value = (piece.strip() for piece in word.partition(VALUE))
        if not (option and sign and value):
            raise OptionError(f"{word!r} in {text!r} is not OPTION=VALUE; write {FORM}")
        if option in options:
            raise OptionError(f"option {option!r} of method {name!r} is given twice in {text!r}")
        options[option] = _unquoted(value, text)
    return Written(name, options)


def _unquoted(value: str, text: str) -> str:
    if QUOTE not in value:
        if RULE in value:
            raise OptionError(f"the comma in {value!r} belongs to nothing in {text!r}; write {FORM}")
        return value
    inner = value[1:-1].replace(2 * QUOTE, "")
    if not (len(value) > 1 and value[0] == value[-1] == QUOTE) or QUOTE in inner:
        raise OptionError(f"double quotes go around the whole value, not as in {value!r}; one in it is written twice")
    return value[1:-1].replace(2 * QUOTE, QUOTE)


def _quoted(value: Any) -> str:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if text and text == text.strip() and not any(mark in text for mark in (RULE, STAGE, OPTION, QUOTE)):
        return text
    return QUOTE + text.replace(QUOTE, 2 * QUOTE) + QUOTE
