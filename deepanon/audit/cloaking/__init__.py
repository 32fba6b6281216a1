"""What imperceptible cloaks are worth: to whom they transfer, what they survive, and who can see them."""

from deepanon.audit.cloaking.estimate import Estimate
from deepanon.audit.cloaking.findings import VERDICT, CloakFindings, Recognised, Visibility
from deepanon.audit.cloaking.purification import PURIFICATIONS
from deepanon.audit.cloaking.sample import Sample, by_people
from deepanon.audit.cloaking.study import CloakStudy, leave_one_out

__all__ = [
    "PURIFICATIONS",
    "VERDICT",
    "CloakFindings",
    "CloakStudy",
    "Estimate",
    "Recognised",
    "Sample",
    "Visibility",
    "by_people",
    "leave_one_out",
]
