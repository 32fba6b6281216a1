"""Training the generator with Lightning; nothing here is loaded by `import deepanon`."""

from deepanon.training.bar import GrowthBar
from deepanon.training.batches import Augmentation
from deepanon.training.callbacks import Checkpoints, SampleGrid
from deepanon.training.diffaugment import DiffAugment
from deepanon.training.loader import CropsData, GrowthBatchSampler
from deepanon.training.metrics import Metrics
from deepanon.training.module import GANTrainer

__all__ = [
    "Augmentation",
    "Checkpoints",
    "CropsData",
    "DiffAugment",
    "GANTrainer",
    "GrowthBar",
    "GrowthBatchSampler",
    "Metrics",
    "SampleGrid",
]
