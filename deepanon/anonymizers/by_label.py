"""A method for each kind of thing: faces drawn anew, plates blacked out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from deepanon.anonymizers.grammar import RULE, VALUE, is_rules, split
from deepanon.errors import DetectionError, OptionError

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer

REST = "*"  # every label that has no rule of its own


class ByLabel:
    """Says which method replaces what carries which label; `pipeline.replace_faces` takes it in place of a method.

    Args:
        methods: label -> method; "*" is for every label that is not named.

    Attributes:
        name: the rules as they are written on a command line.
        sees_face: whether any of the methods is given what it replaces.
        random: whether any of them depends on the seeds.
        cosmetic: whether any of them is: then something is left that can be recognised.
        description: one line with everything that results depend on but the seeds.

    Raises:
        OptionError: there is no rule.
    """

    def __init__(self, methods: Mapping[str, Anonymizer]) -> None:
        if not methods:
            raise OptionError("no rule: give a method for at least one label, or for '*'")
        self.methods = {label: methods[label] for label in sorted(methods, key=lambda label: (label == REST, label))}
        self.name = ",".join(f"{label}={method.name}" for label, method in self.methods.items())
        self.sees_face = any(method.sees_face for method in self.methods.values())
        self.random = any(method.random for method in self.methods.values())
        self.cosmetic = any(getattr(method, "cosmetic", False) for method in self.methods.values())
        self.description = "; ".join(f"{label}: {method.description}" for label, method in self.methods.items())

    def of(self, label: str) -> Anonymizer:
        """The method for `label`.

        Raises:
            DetectionError: there is no rule for it.
        """
        self.check([label])
        return self.methods.get(label) or self.methods[REST]

    def check(self, labels: Iterable[str]) -> None:
        """Raise `DetectionError` if a label has no rule: what nobody decided on is not left as it is."""
        missing = sorted({str(label) for label in labels} - set(self.methods))
        if missing and REST not in self.methods:
            raise DetectionError(
                f"no rule for label {', '.join(map(repr, missing))}; the rules are {self.name} "
                f"(add {missing[0]}=METHOD, or *=blackout for whatever there is)"
            )


def read_rules(text: str) -> dict[str, str]:
    """Label -> method as text, from "face=gan,plate=blackout"; a method or a chain alone is for every label.

    Raises:
        OptionError: it is written in another way, or a label is named twice.
    """
    if not is_rules(text):
        return {REST: text}
    rules: dict[str, str] = {}
    for part in split(text, RULE):
        label, _, method = (word.strip() for word in part.partition(VALUE))
        if not (label and method):
            raise OptionError(f"rule {part!r} of {text!r} is not LABEL=METHOD, as in face=gan,plate=blackout")
        if label in rules:
            raise OptionError(f"label {label!r} has two rules in {text!r}")
        rules[label] = method
    return rules
