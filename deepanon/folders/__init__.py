"""Many files: which they are, what becomes of each, and going on after a crash."""

from deepanon.folders.jobs import Files, Job, Listed, Plan, Shard
from deepanon.folders.journal import Journal
from deepanon.folders.outcome import Outcome
from deepanon.folders.run import anonymize_files, check_targets, detect_files, target_of

__all__ = [
    "Files",
    "Job",
    "Journal",
    "Listed",
    "Outcome",
    "Plan",
    "Shard",
    "anonymize_files",
    "check_targets",
    "detect_files",
    "target_of",
]
