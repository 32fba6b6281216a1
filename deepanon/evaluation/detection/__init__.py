"""What a face detector still finds."""

from deepanon.evaluation.detection.coco_ap import CocoTable, coco_tables
from deepanon.evaluation.detection.retention import coverage_values, detection_values
from deepanon.evaluation.detection.scoring import PROTOCOLS, scoring
from deepanon.evaluation.detection.wider_ap import WiderTable, wider_tables

__all__ = [
    "PROTOCOLS",
    "CocoTable",
    "WiderTable",
    "coco_tables",
    "coverage_values",
    "detection_values",
    "scoring",
    "wider_tables",
]
