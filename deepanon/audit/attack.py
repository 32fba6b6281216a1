"""One rung of the ladder of attackers: given a `Case` and eyes, it gives `Traces` for each eye."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from deepanon.audit.case import Case
from deepanon.audit.eye import Eye
from deepanon.audit.scores import Traces
from deepanon.errors import DeepanonError

OWN = "own"  # name under which an attack gives the traces of a recogniser that it trained itself


class NotRun(DeepanonError):
    """An attack that cannot be made here: weights or a library are missing, or a self-test failed."""


class NotApplicable(NotRun):
    """An attack that has nothing to work on: this method has no operator to undo, or no randomness to average away.

    Its absence says nothing against an audit, as that of other attacks does.
    """


class Attack(Protocol):
    """One rung of the ladder.

    It may learn from `case.known` alone; hyper-parameters are chosen on the people of `known.tuning` alone. It is given
    the randomness it needs as a seed at construction, so that a run can be repeated.

    Attributes:
        name: of the rung, in reports.
        knows: what the attacker must know or have, in a few words: "nothing", "the method", "the method, its strength".
        gallery: "clear" or "anonymized", what the people sought are compared with.
        description: all that results depend on.
    """

    name: str
    knows: str
    gallery: str

    @property
    def description(self) -> str:
        """See above."""
        ...

    def __call__(self, case: Case, eyes: Mapping[str, Eye]) -> dict[str, Traces]:
        """Traces by name of the eye; `OWN` for a network of the attack's own.

        Raises:
            NotRun: the attack cannot be made here; the message says why. It is reported as not run, never as failed.
        """
        ...
