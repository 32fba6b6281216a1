"""Pictures are made once and looked at once; what was seen is on disk, and all measures are arithmetic on it."""

from deepanon.evaluation.observing.attributes import Attributes
from deepanon.evaluation.observing.looks import Changes, Faces, faces_of
from deepanon.evaluation.observing.observations import Observations
from deepanon.evaluation.observing.observer import Observer
from deepanon.evaluation.observing.store import Store
from deepanon.evaluation.observing.stream import Record, Regions
from deepanon.evaluation.observing.variants import CONTEXT, JPEG, NONE, Variant, build_variants
from deepanon.evaluation.observing.vectors import ALIGNMENTS, ORACLE, OWN, Vectors, subject

__all__ = [
    "ALIGNMENTS",
    "CONTEXT",
    "JPEG",
    "NONE",
    "ORACLE",
    "OWN",
    "Attributes",
    "Changes",
    "Faces",
    "Observations",
    "Observer",
    "Record",
    "Regions",
    "Store",
    "Variant",
    "Vectors",
    "build_variants",
    "faces_of",
    "subject",
]
