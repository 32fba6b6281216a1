"""`audit.json`: what an audit found, written whole or not at all, and read back with suspicion."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.audit.gate import voided
from deepanon.audit.report.form import KEYS, check_form
from deepanon.audit.result import AuditResult, Control, Verdict
from deepanon.errors import DataError, SaveError
from deepanon.evaluation.report.folder import read_stored
from deepanon.evaluation.report.privacy import without_paths
from deepanon.evaluation.values import Value
from deepanon.files import replacing

SCHEMA = 1  # raised whenever a reader of the version before would misunderstand the file
FILE = "audit.json"


def plain(result: AuditResult) -> dict[str, Any]:
    """For JSON: paths of this machine are reduced to names, numbers that are none become None.

    Raises:
        DataError: two methods, attacks or recognisers differ in nothing but their folders.
    """
    content: dict[str, Any] = {
        "schema": SCHEMA, "void": bool(voided(result)), "profile": result.profile, "provenance": result.provenance,
        "facts": result.facts, "recognisers": result.recognisers, "attacks": result.attacks, "methods": result.methods,
        "controls": [asdict(control) for control in result.controls],
        "verdicts": {name: asdict(verdict) for name, verdict in result.verdicts.items()},
        "notes": list(result.notes), "curves": result.curves, "values": [value.plain() for value in result.values],
    }  # fmt: skip
    cleaned: dict[str, Any] = without_paths(_numbers(content))
    for part in ("methods", "attacks", "recognisers"):
        if len(cleaned[part]) < len(content[part]):
            raise DataError(f"two {part} have the same name without their folders; give them names of their own")
    return cleaned


def published(result: AuditResult) -> AuditResult:
    """The same as it may be shown: what a reader of `audit.json` gets."""
    return _result(plain(result))


def write_result(result: AuditResult, folder: str | Path) -> Path:
    """Write `audit.json` to `folder`, one value and the curves of one method a line; returns its path.

    Raises:
        DataError: as `plain`, or something in `result` is not what its type says.
        SaveError: the file cannot be written; what was there before is whole.
    """
    stored, path = plain(result), Path(folder) / FILE
    check_form(stored)
    values = ",\n  ".join(map(_line, stored.pop("values")))
    curves = ",\n  ".join(f"{_line(method)}: {_line(found)}" for method, found in stored.pop("curves").items())
    head = json.dumps(stored, ensure_ascii=False, allow_nan=False, indent=1).removesuffix("\n}")
    try:
        with replacing(path) as temporary:
            text = f'{head},\n "curves": {{\n  {curves}\n }},\n "values": [\n  {values}\n ]\n}}\n'
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SaveError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def read_result(path: str | Path) -> AuditResult:
    """Read what `write_result` wrote; `path` is the file or its folder.

    Raises:
        DataError: there is no such file, it is damaged, something else, or of another schema version.
    """
    path, stored = read_stored(path, FILE, SCHEMA)
    try:
        check_form(stored)
        result = _result(stored)
    except DataError as error:
        raise DataError(f"{path}: damaged, {error}") from error
    if stored["void"] is not bool(voided(result)):
        raise DataError(f"{path}: damaged, `void` is {stored['void']} and the controls say otherwise")
    return result


def _result(stored: dict[str, Any]) -> AuditResult:
    """Of what `plain` gives."""
    parts = {name: stored[name] for name in KEYS if name not in ("schema", "void")}
    return AuditResult(
        **parts | {
            "controls": tuple(Control(**control) for control in stored["controls"]),
            "verdicts": {name: Verdict(**v | {"why": tuple(v["why"])}) for name, v in stored["verdicts"].items()},
            "values": tuple(Value.read(value) for value in stored["values"]),
            "notes": tuple(stored["notes"]),
        }
    )  # fmt: skip


def _line(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _numbers(tree: Any) -> Any:
    """The same in types that JSON has: arrays become lists, NumPy's numbers Python's, what is not finite None."""
    if isinstance(tree, dict):
        return {str(key): _numbers(value) for key, value in tree.items()}
    if isinstance(tree, np.ndarray | np.generic):
        return _numbers(tree.tolist())
    if isinstance(tree, list | tuple):
        return [_numbers(item) for item in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
