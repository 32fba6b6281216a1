"""What every number of a report means, in one place: label, unit, and which way is which."""

from __future__ import annotations

from dataclasses import dataclass

UNITS = ("share", "distance", "degrees", "pixels", "count")


@dataclass(frozen=True)
class Metric:
    """What one kind of number means.

    Attributes:
        label: heading of its column.
        unit: one of `UNITS`; a share lies in [0, 1] and is printed in percent, retention may exceed 1.
        better: "high" or "low" where one is plainly better, else "".
        text: one sentence for readers.
    """

    label: str
    unit: str
    better: str
    text: str


DETECTION = {
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
METRICS = {**DETECTION}
