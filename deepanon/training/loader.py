"""Feeding the trainer: batches in an order that depends on nothing but the seed and the images seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch.utils.data import DataLoader, Sampler

from deepanon.data.crops import FaceBatch, PackedCrops, as_is
from deepanon.detections import schema_for
from deepanon.errors import DataError, SchemaError
from deepanon.models import Growth


class GrowthBatchSampler(Sampler[list[int]]):
    """Row numbers of one batch after the other until the schedule ends, each of its phase's batch size.

    Image number i of training is row `permutation(seed, i // n)[i % n]`, so training that starts again at `start`
    images sees what it would have seen.

    Args:
        n: rows of the data set.
        growth: the schedule.
        seed: of the permutations.
        start: images already seen, by all processes together.
        rank: which process this is; it gets its contiguous part of every batch.
        world_size: how many there are.
    """

    def __init__(
        self, n: int, growth: Growth, seed: int = 0, start: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        self.n, self.growth, self.seed, self.start = n, growth, seed, start
        self.rank, self.world_size = rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        seen, epoch, order = self.start, -1, torch.empty(0, dtype=torch.long)
        while seen < self.growth.total_images:
            batch: list[int] = []
            for image in range(seen, seen + self.growth.at(seen).batch_size):
                if image // self.n != epoch:
                    epoch = image // self.n
                    order = torch.randperm(self.n, generator=torch.Generator().manual_seed(self.seed + epoch))
                batch.append(int(order[image % self.n]))
            mine = len(batch) // self.world_size
            yield batch[self.rank * mine : (self.rank + 1) * mine]
            seen += len(batch)


class CropsData(L.LightningDataModule):
    """Training and held-out crops; batch sizes follow the trainer's growth schedule.

    Args:
        root: folder of packed crops (see `PackedCrops`).
        resolution: side in pixels that crops are decoded to; that of the fully grown generator.
        sources: keep only crops of these sources; None keeps all.
        limit: keep only the first so many training crops.
        seed: of the data order.
        schema: name of the keypoint schema of the data.
    """

    def __init__(
        self,
        root: str | Path,
        resolution: int,
        sources: Sequence[str] | None = None,
        limit: int | None = None,
        seed: int = 0,
        schema: str = "five",
    ) -> None:
        super().__init__()
        points = schema_for(schema)
        self.train = PackedCrops(root, "train", resolution, sources, limit, points)
        self.val = PackedCrops(root, "val", resolution, sources, schema=points)
        self.seed = seed

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches from where the module's clock stands.

        Raises:
            SchemaError: the data's keypoints are not those that the module trains with.
            DataError: the crops are smaller than what the module grows to.
        """
        assert self.trainer is not None
        module: Any = self.trainer.lightning_module
        data = self.train
        if data.schema != module.schema:
            raise SchemaError(f"the data has keypoint schema {data.schema.name!r}, the model {module.schema.name!r}")
        if data.resolution % module.growth.final_resolution:
            raise DataError(f"crops of {data.resolution} px do not fit growth to {module.growth.final_resolution} px")
        place = self.trainer.global_rank, self.trainer.world_size
        sampler = GrowthBatchSampler(len(self.train), module.growth, self.seed, module.images_seen, *place)
        return DataLoader(self.train, batch_sampler=sampler, collate_fn=as_is)
