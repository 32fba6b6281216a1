"""Image quality and diversity of replaced faces."""

from deepanon.evaluation.quality.cache import ArrayCache, Memory
from deepanon.evaluation.quality.draws import Method
from deepanon.evaluation.quality.kernel import kernel_interval
from deepanon.evaluation.quality.manifold import precision_recall
from deepanon.evaluation.quality.metrics import METRICS
from deepanon.evaluation.quality.perceptual import Lpips
from deepanon.evaluation.quality.study import QualityStudy

__all__ = ["METRICS", "ArrayCache", "Lpips", "Memory", "Method", "QualityStudy", "kernel_interval", "precision_recall"]
