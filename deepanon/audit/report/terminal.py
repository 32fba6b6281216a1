"""The verdicts as aligned text, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from deepanon.audit.measures import METRICS
from deepanon.audit.report.lookup import Lookup
from deepanon.audit.report.stored import published
from deepanon.audit.report.summary import sentences
from deepanon.audit.report.tables import verdict_table
from deepanon.audit.result import AuditResult
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.report.terminal import aligned


def terminal_summary(result: AuditResult, metrics: Mapping[str, Metric] = METRICS) -> str:
    """What came out in a few sentences, and a row a method, worst first.

    Raises:
        OptionError: a metric is unknown.
    """
    lookup = Lookup(published(result), metrics)
    table = verdict_table(lookup)
    return "\n".join([*sentences(lookup), "", aligned(table, len(table.columns)), table.caption, ""])
