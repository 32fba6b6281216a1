"""Can anybody get the face back? Attackers that learn, controls that void, and a verdict with an interval."""

from deepanon.audit.people.subjects import Subjects, drawn_subjects, find_subjects
from deepanon.audit.profiles import PROFILES, Means, Profile, build_profile
from deepanon.audit.result import AuditResult, Control, Verdict
from deepanon.audit.run import Audit
from deepanon.audit.verdict import Limits

__all__ = [
    "PROFILES",
    "Audit",
    "AuditResult",
    "Control",
    "Limits",
    "Means",
    "Profile",
    "Subjects",
    "Verdict",
    "build_profile",
    "drawn_subjects",
    "find_subjects",
]
