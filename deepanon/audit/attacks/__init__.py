"""The ladder: attackers from the naive one upward."""

from deepanon.audit.attacks.analytic import Analytic
from deepanon.audit.attacks.blind import Blind
from deepanon.audit.attacks.direct import Naive, ParrotGallery, Reverse
from deepanon.audit.attacks.embedding import EmbeddingInversion
from deepanon.audit.attacks.linear import LinearMap, LinearReconstruction, RebuiltHead
from deepanon.audit.attacks.parrot_full import ParrotFull
from deepanon.audit.attacks.parrot_head import ParrotHead
from deepanon.audit.attacks.releases import Releases
from deepanon.audit.attacks.unet import UNetReconstruction

__all__ = [
    "Analytic",
    "Blind",
    "EmbeddingInversion",
    "LinearMap",
    "LinearReconstruction",
    "Naive",
    "ParrotFull",
    "ParrotGallery",
    "ParrotHead",
    "RebuiltHead",
    "Releases",
    "Reverse",
    "UNetReconstruction",
]
