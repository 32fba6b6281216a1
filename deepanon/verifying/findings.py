"""What a check finds, file by file, and the whole of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from deepanon.geometry import Array

EXPOSED, RESEMBLES, SIMILAR = "exposed", "resembles", "similar"
METADATA, MISSING, EXTRA, UNREADABLE, FOREIGN = "metadata", "missing", "extra", "unreadable", "not comparable"
MEANING = {
    EXPOSED: "The face of the original is still seen, in whole or in part.",
    RESEMBLES: "Other pixels, the same shapes: the face is blurred, darkened or tinted rather than replaced.",
    SIMILAR: "A recogniser takes the new face for the old one.",
    METADATA: "Something beside the picture rides along in the file.",
    MISSING: "In the original and not in the output.",
    EXTRA: "In the output and not in the original, so that nothing can be said of it.",
    UNREADABLE: "Cannot be decoded, so that nothing can be said of it.",
    FOREIGN: "Original and output are not the same picture, so that they cannot be compared.",
}


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: a key of `MEANING`.
        text: what it is, in words with numbers.
        box: (4,) of the face in pixels of the upright picture.
        span: when in a film it is seen, first and last frame in seconds.
        frames: in how many frames of a film.
        severity: how bad among others of its kind, for the choice of a film's worst frame.
        view: JPEG of the OUTPUT around the face; never of the original.
    """

    kind: str
    text: str
    box: Array | None = None
    span: tuple[float, float] | None = None
    frames: int = 0
    severity: float = 0.0
    view: bytes | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the view."""
        facts: dict[str, Any] = {"kind": self.kind, "text": self.text}
        if self.box is not None:
            facts["box"] = [round(float(edge), 1) for edge in self.box]
        if self.span is not None:
            facts |= {"seconds": [round(second, 3) for second in self.span], "frames": self.frames}
        return facts


@dataclass(frozen=True, eq=False)
class Checked:
    """What became of one file.

    Attributes:
        name: its path below the folder.
        findings: what is wrong with it.
        faces: found in the original; in a film, in all its frames together.
        pictures: compared; 1 for a photo, frames of a film.
        compared: faces that were held against a recogniser.
    """

    name: str
    findings: Sequence[Finding] = ()
    faces: int = 0
    pictures: int = 0
    compared: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        facts = {"name": self.name, "pictures": self.pictures, "faces": self.faces, "compared": self.compared}
        return facts | {"findings": [finding.to_json() for finding in self.findings]}


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a check of many files found.

    Attributes:
        files: all of them, in order.
        notes: what a reader must know to judge it, one sentence each.
        about: with what it was checked, as plain values.
    """

    files: Sequence[Checked]
    notes: Sequence[str]
    about: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether nothing was found. That is no proof that nothing is there."""
        return not any(checked.findings for checked in self.files)

    @property
    def faces(self) -> int:
        """Found in the originals."""
        return sum(checked.faces for checked in self.files)

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings there are of each kind, worst kinds first, none of which there are none."""
        every = [finding.kind for checked in self.files for finding in checked.findings]
        return {kind: every.count(kind) for kind in MEANING if kind in every}

    def to_json(self) -> dict[str, Any]:
        """Plain values for a report; no pixel."""
        return {
            "passed": self.passed,
            "found": self.kinds,
            "notes": list(self.notes),
            "about": self.about,
            "files": [checked.to_json() for checked in self.files],
        }
