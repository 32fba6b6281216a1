"""Training the generator with Lightning; nothing here is loaded by `import deepanon`."""

from deepanon.training.bar import GrowthBar
from deepanon.training.batches import Augmentation
from deepanon.training.callbacks import Checkpoints, SampleGrid, TimeLimit
from deepanon.training.diffaugment import DiffAugment
from deepanon.training.distillation import Distillation
from deepanon.training.diversity import Diversity
from deepanon.training.eyes import retinaface_features, torchvision_features
from deepanon.training.loader import FaceData, GrowthBatchSampler
from deepanon.training.metrics import Metrics
from deepanon.training.module import GANTrainer
from deepanon.training.selection import HeldOutDistance

__all__ = [
    "Augmentation",
    "Checkpoints",
    "DiffAugment",
    "Distillation",
    "Diversity",
    "FaceData",
    "GANTrainer",
    "GrowthBar",
    "GrowthBatchSampler",
    "HeldOutDistance",
    "Metrics",
    "SampleGrid",
    "TimeLimit",
    "retinaface_features",
    "torchvision_features",
]
