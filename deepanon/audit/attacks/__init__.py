"""The ladder: attackers from the naive one upward."""

from deepanon.audit.attacks.direct import Naive, ParrotGallery, Reverse
from deepanon.audit.attacks.embedding import EmbeddingInversion
from deepanon.audit.attacks.linear import LinearMap, LinearReconstruction, RebuiltHead
from deepanon.audit.attacks.parrot_head import ParrotHead

__all__ = [
    "EmbeddingInversion",
    "LinearMap",
    "LinearReconstruction",
    "Naive",
    "ParrotGallery",
    "ParrotHead",
    "RebuiltHead",
    "Reverse",
]
