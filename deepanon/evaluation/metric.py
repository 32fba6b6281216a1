"""What one kind of number means: label, unit, and which way is which."""

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
