"""The page of a check: one file that needs nothing else, with pictures of the output and none of the original."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from deepanon.errors import SaveError
from deepanon.evaluation.report.page import environment
from deepanon.files import replacing
from deepanon.verifying.findings import MEANING, Checked, Finding, Verdict

ROWS = 500  # findings shown; a page of more opens slowly, and nobody reads it


def page(verdict: Verdict, rows: int = ROWS) -> str:
    """The whole page as HTML, with `rows` findings at most."""
    order = list(MEANING)
    every = [(checked, found) for checked in verdict.files for found in checked.findings]
    every.sort(key=lambda pair: (order.index(pair[1].kind), -pair[1].severity))
    shown = [_row(checked, found) for checked, found in every[:rows]]
    figures = [("files", len(verdict.files)), ("pictures compared", sum(c.pictures for c in verdict.files))]
    context = {
        "verdict": verdict,
        "title": _title(len(every)),
        "detector": str(verdict.about.get("detector", "")).split(",")[0].split(";")[0],
        "recogniser": verdict.about.get("recogniser", "none") != "none",
        "figures": [*figures, ("faces in the originals", verdict.faces), *verdict.kinds.items()],
        "rows": shown,
        "views": any(row["view"] for row in shown),
        "more": len(every) - len(shown),
        "meaning": MEANING,
    }
    return environment().get_template("verify.html.j2").render(context)


def write_page(path: str | Path, verdict: Verdict) -> None:
    """Write the page whole or not at all; `SaveError` if it cannot be written."""
    try:
        with replacing(path) as temporary:
            temporary.write_text(page(verdict), encoding="utf-8")
    except OSError as error:
        raise SaveError(f"{path}: the page cannot be written: {error.strerror or error}") from error


def _title(count: int) -> str:
    if not count:
        return "Nothing was found"
    return "One thing was found" if count == 1 else f"{count} things were found"


def _row(checked: Checked, found: Finding) -> dict[str, Any]:
    view = "" if found.view is None else f"data:image/jpeg;base64,{base64.b64encode(found.view).decode()}"
    return {"name": checked.name, "kind": found.kind, "text": found.text, "where": where(found), "view": view}


def where(found: Finding) -> str:
    """Place and time of a finding in words; empty where it has neither."""
    parts = []
    if found.span is not None:
        parts.append(f"{found.span[0]:.2f}-{found.span[1]:.2f} s, {found.frames} frames")
    if found.box is not None:
        parts.append("box " + " ".join(f"{edge:.0f}" for edge in found.box))
    return "; ".join(parts)
