"""From scores to numbers: identification, verification, linkability, and the worst of all attacks. No network runs."""

from deepanon.audit.measures.deployed import Deployed
from deepanon.audit.measures.draws import draws
from deepanon.audit.measures.excess import Excess
from deepanon.audit.measures.limits import people_needed, percent, zero_hits
from deepanon.audit.measures.measured import Measured, measure
from deepanon.audit.measures.metrics import FARS, METRICS, RANK_1
from deepanon.audit.measures.worst import Worst

__all__ = [
    "FARS",
    "METRICS",
    "RANK_1",
    "Deployed",
    "Excess",
    "Measured",
    "Worst",
    "draws",
    "measure",
    "people_needed",
    "percent",
    "zero_hits",
]
