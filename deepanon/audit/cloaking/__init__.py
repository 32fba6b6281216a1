"""What imperceptible cloaks are worth: to whom they transfer, what they survive, and who can see them."""

from deepanon.audit.cloaking.estimate import Estimate
from deepanon.audit.cloaking.findings import VERDICT, CloakFindings, Recognised, Visibility
from deepanon.audit.cloaking.photos import by_people, enrolled, replaced
from deepanon.audit.cloaking.purification import PURIFICATIONS
from deepanon.audit.cloaking.study import CloakStudy, leave_one_out

__all__ = [
    "PURIFICATIONS",
    "VERDICT",
    "CloakFindings",
    "CloakStudy",
    "Estimate",
    "Recognised",
    "Visibility",
    "by_people",
    "enrolled",
    "leave_one_out",
    "replaced",
]
