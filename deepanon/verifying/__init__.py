"""A check of the result: is every face of the original gone from the output, and nothing riding along?"""

from __future__ import annotations

from deepanon.verifying.again import Drawn, draw_verified
from deepanon.verifying.anonymizer import VerifiedAnonymizer
from deepanon.verifying.changes import Change, Comparison
from deepanon.verifying.eyes import Eyes, Face, Limits, Look
from deepanon.verifying.findings import MEANING, Checked, Finding, Verdict
from deepanon.verifying.likeness import measured_threshold, similarities, threshold_here
from deepanon.verifying.pairing import make_pairs
from deepanon.verifying.riders import riders
from deepanon.verifying.run import Verifier

__all__ = [
    "MEANING",
    "Change",
    "Checked",
    "Comparison",
    "Drawn",
    "Eyes",
    "Face",
    "Finding",
    "Limits",
    "Look",
    "Verdict",
    "VerifiedAnonymizer",
    "Verifier",
    "draw_verified",
    "make_pairs",
    "measured_threshold",
    "riders",
    "similarities",
    "threshold_here",
]
