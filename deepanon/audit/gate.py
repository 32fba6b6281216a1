"""What a job that watches over an anonymizer stops at: one exit code, and a sentence that says which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from deepanon.audit.result import COSMETIC, FAIL, INCONCLUSIVE, PASS, AuditResult
from deepanon.errors import OptionError, lookup

PASSED, FAILED, OPEN, VOID = 0, 1, 3, 4  # 2 is that of a command that cannot be run
WHAT = {"picture": "the whole picture", "face": "the face alone"}
SAID = {PASS: "passed", FAIL: "failed", INCONCLUSIVE: "inconclusive", COSMETIC: "cosmetic", "": "without a verdict"}


@dataclass(frozen=True)
class Gate:
    """The exit code, and why in one line."""

    code: int
    text: str


def gate(result: AuditResult, of: str = "picture", methods: Collection[str] | None = None) -> int:
    """0 all methods pass, 1 one fails, 3 none fails but not all pass, 4 the audit is void; as `gated`."""
    return gated(result, of, methods).code


def gated(result: AuditResult, of: str = "picture", methods: Collection[str] | None = None) -> Gate:
    """Exit code and why.

    Args:
        result: of the audit.
        of: which verdict counts, "picture" or "face".
        methods: names of those that count; None = all.

    Returns:
        Code 4 if a control failed or none was made: no verdict means anything then. 1 if a method fails. 3 if none
        fails, but one is inconclusive, cosmetic or without a verdict, or there is no method. 0 if all pass.

    Raises:
        OptionError: `of` or a method is unknown.
    """
    what, names = lookup(WHAT, of, "verdict"), list(result.methods) if methods is None else list(methods)
    for name in names:
        lookup(result.methods, name, "method")
    if not names and methods is not None:
        raise OptionError("no method to judge; name one, or leave the names out to judge all")
    reasons = voided(result)
    if reasons:
        return Gate(VOID, f"VOID, exit code {VOID}: no verdict counts, because {'; '.join(reasons)}")
    found = {name: _verdict(result, name, of) for name in names}
    code = FAILED if FAIL in found.values() else PASSED if names and set(found.values()) == {PASS} else OPEN
    word = {FAILED: FAIL, PASSED: PASS, OPEN: "NOT PASSED"}[code]
    groups = [
        f"{said}: {', '.join(name for name in names if found[name] == verdict)}"
        for verdict, said in SAID.items()
        if verdict in found.values()
    ]
    return Gate(code, f"{word}, exit code {code}, by {what}: {'; '.join(groups) or 'there is no method'}")


def voided(result: AuditResult) -> tuple[str, ...]:
    """Why nothing of this audit counts, a reason for each control that failed; empty if it does count.

    An audit without any control is void too: nothing says that its attackers can recognise anybody.
    """
    if not result.controls:
        return ("no control was made",)
    return tuple(f"control {c.name!r} failed ({c.found})" for c in result.controls if not c.passed)


def _verdict(result: AuditResult, name: str, of: str) -> str:
    verdict = result.verdicts.get(name)
    return getattr(verdict, of) if verdict else ""
