"""What anonymization costs and protects: pictures are made once, looked at once, measured, and reported."""

from deepanon.evaluation.bootstrap import ratio_interval, resample
from deepanon.evaluation.detection import WiderTable, coco_tables, wider_tables
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.newfaces import NewFaces
from deepanon.evaluation.observing import Observations, Regions, Store, build_variants
from deepanon.evaluation.quality import Method, QualityStudy
from deepanon.evaluation.report import Results, write_report
from deepanon.evaluation.run import run
from deepanon.evaluation.scorer import Scorer
from deepanon.evaluation.studies import CropStudy, PeopleStudy, PhotoStudy, Study, add_examples
from deepanon.evaluation.values import Value

__all__ = [
    "METRICS",
    "CropStudy",
    "Method",
    "Metric",
    "NewFaces",
    "Observations",
    "PeopleStudy",
    "PhotoStudy",
    "QualityStudy",
    "Regions",
    "Results",
    "Scorer",
    "Store",
    "Study",
    "Value",
    "WiderTable",
    "add_examples",
    "build_variants",
    "coco_tables",
    "ratio_interval",
    "resample",
    "run",
    "wider_tables",
    "write_report",
]
