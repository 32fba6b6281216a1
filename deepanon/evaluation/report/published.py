"""Numbers that others printed, and which of our rows each is to be held against.

Marks: a number is `verified` if it was read in the paper's abstract or in an account of the paper; the others are
written down from memory and must be looked up before anybody quotes them.
"""

from __future__ import annotations

from dataclasses import dataclass

PAPER = "DeepPrivacy (Hukkelås, Mester, Lindseth, ISVC 2019)"


@dataclass(frozen=True)
class Published:
    """One printed number.

    Attributes:
        row: what the paper calls the method.
        metric: key of `METRICS`.
        scope: "all", or a subset of WIDER FACE.
        value: a share in [0, 1].
        verified: read in a text, not remembered.
        source: where.
    """

    row: str
    metric: str
    scope: str
    value: float
    verified: bool
    source: str


def _retained(row: str, percent: float, source: str) -> Published:
    return Published(row, "retention", "all", percent / 100, True, source)


def _remembered(row: str, *percents: float) -> tuple[Published, ...]:
    scopes = zip(("easy", "medium", "hard"), percents, strict=True)
    return tuple(Published(row, "ap", scope, p / 100, False, "from memory; DSFD as detector") for scope, p in scopes)


PUBLISHED = (
    _retained("DeepPrivacy", 99.3, "abstract"),
    _retained("8×8 pixelation", 96.7, "an account of the paper"),
    _retained("heavy blur", 90.5, "an account of the paper"),
    _retained("black-out", 41.4, "an account of the paper"),
    *_remembered("no anonymization", 96.6, 95.7, 90.4),
    *_remembered("black-out", 24.9, 36.3, 54.8),
    *_remembered("16×16 pixelation", 95.3, 94.9, 90.2),
    *_remembered("8×8 pixelation", 91.4, 92.3, 88.9),
    *_remembered("9×9 Gaussian blur", 95.3, 92.8, 84.7),
    *_remembered("heavy blur", 83.4, 86.3, 86.1),
    *_remembered("DeepPrivacy", 95.9, 95.0, 89.8),
)
ROWS = {
    "none": "no anonymization",
    "jpeg": "no anonymization",
    "gan": "DeepPrivacy",
    "pixelate8": "8×8 pixelation",
    "pixelate16": "16×16 pixelation",
    "gaussian9": "9×9 Gaussian blur",
    "heavy_blur": "heavy blur",
    "blackout": "black-out",
    "noise": "black-out",
}  # name of a method -> row of the paper; "pixelate8_crop" and other variants belong to the row of "pixelate8"
WHY = {
    "noise": "the paper's code fills with noise of the face's mean and deviation where its text says black",
    "blackout": "true black, as the paper's text says; its code fills with noise",
    "gan": "the paper changes only faces with keypoints; here every face is changed",
    "jpeg": "the paper's pictures were encoded again",
}
VARIANTS = ("_crop", "_tight", "_box", "_native")


def row_of(method: str) -> str | None:
    """The paper's row that `method`, or the method it is a variant of, is to be held against; None if there is none."""
    for ending in VARIANTS:
        method = method.removesuffix(ending)
    return ROWS.get(method)


def published(method: str, metric: str, scope: str = "all") -> Published | None:
    """The printed number for a row of ours, or None."""
    row = row_of(method)
    return next((p for p in PUBLISHED if (p.row, p.metric, p.scope) == (row, metric, scope)), None)
