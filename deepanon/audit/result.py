"""What an audit found, in one file that a gate and a report are read from: `audit.json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from deepanon.evaluation.values import Value

PASS, FAIL, INCONCLUSIVE, COSMETIC = VERDICTS = ("PASS", "FAIL", "INCONCLUSIVE", "COSMETIC")


@dataclass(frozen=True)
class Verdict:
    """What an audit says of one method.

    Attributes:
        picture: one of `VERDICTS`, of the whole picture: against a blind guess.
        face: one of `VERDICTS`, of the face alone: against what hair, clothes and place give away.
        uses_face: whether the method is given the face: by its construction, or because its pictures changed with it.
        why: sentences that give the numbers and limits.
    """

    picture: str
    face: str
    uses_face: bool
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """One control: what must come out if the audit can be trusted, and what did.

    Attributes:
        name: "no-op", "constant image", …
        must: a sentence.
        found: a sentence with the numbers.
        passed: if not, the whole audit is void.
    """

    name: str
    must: str
    found: str
    passed: bool


@dataclass(frozen=True)
class AuditResult:
    """Numbers, controls and verdicts of one run.

    Attributes:
        provenance: what made them (`evaluation.report.provenance.collect`).
        profile: "smoke", "cpu" or "gpu".
        facts: plain values: data (name, photos, people, drawn or real), split, limits, seed, resamples.
        recognisers: name -> description.
        attacks: name -> {"knows": …, "gallery": "clear" or "anonymized", "description": …}, in order of the ladder.
        methods: name -> {"description", "sees_face", "random", "cosmetic", "not_run": {attack: why}, "side": {…},
            "depends": {"photos", "changed"}: in how many of how many photos other pixels under the boxes changed any}.
        controls: all that were made.
        values: every number: part "audit", `by` = recogniser, `scope` = attack.
        curves: method -> attack -> recogniser -> {"cmc": [share within rank 1, 2, …], "det": [[far, frr], …]}.
        verdicts: by method.
        notes: sentences on the whole run.
    """

    provenance: dict[str, Any]
    profile: str
    facts: dict[str, Any]
    recognisers: dict[str, str]
    attacks: dict[str, dict[str, Any]]
    methods: dict[str, dict[str, Any]]
    controls: tuple[Control, ...]
    values: tuple[Value, ...]
    verdicts: dict[str, Verdict]
    curves: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def void(self) -> bool:
        """Whether a control failed, or none was made: then no number of this audit means anything."""
        return not self.controls or not all(control.passed for control in self.controls)
