"""Detectors as films need them: a face that is found too often costs a redacted box, one that is missed a person."""

from __future__ import annotations

from typing import Any

from deepanon.detectors import Detector, build_detector

LOW: dict[str, dict[str, Any]] = {  # thresholds lower than for photos
    "mtcnn": {"thresholds": (0.6, 0.7, 0.6)},
    "mtcnn_packaged": {"thresholds": (0.6, 0.7, 0.6)},
    "yunet": {"threshold": 0.4},
}
SURE = {"mtcnn": 0.9, "mtcnn_packaged": 0.9, "yunet": 0.8}  # scores that only faces reach, as a rule
USUAL = 0.8


def film_detector(name: str, **options: Any) -> Detector:
    """Build a detector by name with thresholds for films; `options` are as for `build_detector` and come first."""
    names = name.split("+")
    if len(names) > 1:
        options = options | {part: LOW.get(part, {}) | options.get(part, {}) for part in names}
    return build_detector(name, **(LOW.get(name, {}) | options))


def sure_score(name: str) -> float:
    """The score at which a detector is taken at its word; of several, the highest."""
    return max(SURE.get(part, USUAL) for part in name.split("+"))
