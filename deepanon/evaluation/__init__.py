"""What anonymization costs: measures over one stream of original and anonymized pictures."""

from deepanon.evaluation.retention import NONE, Retention, RetentionStudy, rows, table
from deepanon.evaluation.stream import Record, Regions, Stream
from deepanon.evaluation.wider_ap import WiderTable, wider_tables

__all__ = [
    "NONE",
    "Record",
    "Regions",
    "Retention",
    "RetentionStudy",
    "Stream",
    "WiderTable",
    "rows",
    "table",
    "wider_tables",
]
