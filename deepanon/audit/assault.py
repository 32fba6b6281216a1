"""A whole ladder against one case: what each attack reaches, what could not be made, and what was rebuilt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepanon.audit.attack import Attack, NotApplicable, NotRun
from deepanon.audit.case import Case
from deepanon.audit.ground import Ground
from deepanon.audit.measures import Measured, measure
from deepanon.audit.scores import Scores, Traces, match
from deepanon.geometry import Array

Key = tuple[str, str]  # attack, recogniser
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Assault:
    """What came of it.

    Attributes:
        measured: by (attack, recogniser).
        not_run: attack -> why it was not made; never counted as one that failed.
        notes: (attack, recogniser) -> what was chosen on the attacker's own people.
        rebuilt: attack -> (P, S, S, 3) uint8 what it made of the probes, for the first eye.
        lacking: attacks that were not made though there was something to attack.
    """

    measured: dict[Key, Measured] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    notes: dict[Key, str] = field(default_factory=dict)
    rebuilt: dict[str, Array] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    def curves(self) -> dict[str, Any]:
        """For `AuditResult.curves`: attack -> recogniser -> curves."""
        curves: dict[str, Any] = {}
        for (attack, eye), one in self.measured.items():
            curves.setdefault(attack, {})[eye] = one.curves
        return curves


def attack(ground: Ground, case: Case, ladder: Sequence[Attack], say: Say = lambda text: None) -> Assault:
    """Make every attack of a ladder on one case.

    Args:
        ground: resamples, thresholds, and the eyes that all attacks are given.
        case: what is attacked.
        ladder: the attacks.
        say: told the name of each attack before it begins.
    """
    made = Assault()
    for one in ladder:
        say(one.name)
        try:
            found = one(case, ground.eyes)
        except NotRun as reason:
            made.not_run[one.name] = str(reason)
            if not isinstance(reason, NotApplicable):
                made.lacking.append(one.name)
            continue
        for eye, traces in found.items():
            key = (one.name, eye)
            deployed = ground.deployed.get(eye) if traces.deployable else None
            made.measured[key] = measure(scores_of(traces, case), ground.counts, deployed)
            if traces.note:
                made.notes[key] = traces.note
            if traces.pictures is not None:
                made.rebuilt.setdefault(one.name, traces.pictures)
    return made


def scores_of(traces: Traces, case: Case) -> Scores:
    """Who resembles whom: the only place where the probes' people are read."""
    sides = case.gallery.people, case.probes.people
    return match(traces, *(sides[::-1] if traces.swapped else sides))
