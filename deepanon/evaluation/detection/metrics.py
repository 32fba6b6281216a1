"""What the numbers on detection mean."""

from __future__ import annotations

from deepanon.evaluation.metric import Metric

METRICS = {
    "ap": Metric("AP", "share", "high", "Average precision of the detector."),
    "retention": Metric(
        "AP retained", "share", "high", "AP on the anonymized pictures as a share of AP on the originals, same faces."
    ),
    "difference": Metric(
        "difference", "share", "", "Retention of this method less that of the reference method, on the same resamples."
    ),
    "coverage": Metric("changed", "share", "high", "Faces of which more than half of the pixels changed."),
    "keypoints": Metric("keypoints", "share", "", "Replaced boxes for which every keypoint was known."),
    "replaced": Metric("replaced", "count", "", "Boxes handed to the method."),
}
