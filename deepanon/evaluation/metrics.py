"""What every number of a report means, in one place."""

from deepanon.evaluation.detection import metrics as detection
from deepanon.evaluation.identity import metrics as identity
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.newfaces import metrics as newfaces
from deepanon.evaluation.quality import metrics as quality
from deepanon.evaluation.utility import metrics as utility

METRICS: dict[str, Metric] = {
    **detection.METRICS,
    **utility.METRICS,
    **identity.METRICS,
    **quality.METRICS,
    **newfaces.METRICS,
}
