"""What anonymization costs: measures over one stream of original and anonymized pictures."""

from deepanon.evaluation.retention import NONE, Retention, RetentionStudy, rows, table
from deepanon.evaluation.stream import Record, Regions, Stream

__all__ = ["NONE", "Record", "Regions", "Retention", "RetentionStudy", "Stream", "rows", "table"]
