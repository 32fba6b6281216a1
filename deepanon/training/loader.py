"""Feeding the trainer: batches in an order that depends on nothing but the seed and the images seen."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import cv2
import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from deepanon.checks import check_count
from deepanon.data.batch import BatchRequest, FaceBatch, as_is
from deepanon.data.cropset import CropSet
from deepanon.errors import DataError, OptionError, SchemaError
from deepanon.geometry import Array
from deepanon.models import Growth
from deepanon.training.draws import generator_for

log = logging.getLogger(__name__)


class GrowthBatchSampler(Sampler[BatchRequest]):
    """One batch after the other until the schedule ends: rows, and the resolution of the phase.

    Image number i of training is row `permutation(seed, i // n)[i % n]`, so training that starts again at `start`
    images sees what it would have seen, and runs with other seeds have other orders in every round. The phase's batch
    size is that of all processes together: each gets an equal, contiguous slice of the same batch, and the order does
    not depend on how many there are.

    Args:
        n: rows of the data set.
        growth: the schedule.
        seed: of the permutations.
        start: images already seen, by all processes together.
        rank: which process this is.
        world_size: how many there are; it divides every batch size of the schedule.
    """

    def __init__(
        self, n: int, growth: Growth, seed: int = 0, start: int = 0, rank: int = 0, world_size: int = 1
    ) -> None:
        self.n, self.growth, self.seed, self.start = n, growth, seed, start
        self.rank, self.world_size = rank, world_size

    def __iter__(self) -> Iterator[BatchRequest]:
        seen, orders = self.start, _Orders(self.n, self.seed)
        while seen < self.growth.total_images:
            state = self.growth.at(seen)
            share = state.batch_size // self.world_size
            first = seen + self.rank * share
            yield BatchRequest(orders.rows(first, first + share), state.resolution)
            seen += state.batch_size


class _Orders:
    """Which row is image number i; remembers the current round's permutation."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.seed, self._round, self._order = n, seed, -1, np.empty(0, np.int64)

    def rows(self, start: int, stop: int) -> list[int]:
        """Rows of images `start` to `stop`, which may lie in several rounds."""
        rows: list[int] = []
        while start < stop:
            until = min(stop, (start // self.n + 1) * self.n)
            order = self._permutation(start // self.n)
            rows += order[start % self.n : start % self.n + until - start].tolist()
            start = until
        return rows

    def _permutation(self, number: int) -> Array:
        if number != self._round:
            self._round = number
            self._order = torch.randperm(self.n, generator=generator_for(self.seed, number)).numpy()
        return self._order


class FaceData(L.LightningDataModule):
    """Training and held-out crops; batch sizes and resolution follow the trainer's growth schedule.

    Args:
        train: crops to learn from.
        val: held-out crops.
        seed: of the data order.
        workers: processes that decode beside the training process, for each of these; 0 decodes in between steps and
            may keep what it decoded (`CropSet`).
        prefetch: batches that each worker is ahead.
        root: where both sets come from; only said in the log.

    Raises:
        OptionError: an impossible value.
        SchemaError: the two sets have different keypoint schemas.
    """

    def __init__(
        self,
        train: CropSet,
        val: CropSet,
        seed: int = 0,
        workers: int = 0,
        prefetch: int = 2,
        root: str | None = None,
    ) -> None:
        super().__init__()
        for name, data in (("train", train), ("val", val)):
            if not isinstance(data, CropSet):
                raise OptionError(f"{name} must be a set of crops (`PackedCrops`, `FdfCrops`), got {data!r}")
        if train.schema != val.schema:
            raise SchemaError(f"train has keypoint schema {train.schema.name!r}, val {val.schema.name!r}")
        check_count("seed", seed, 0)
        check_count("workers", workers, 0)
        check_count("prefetch", prefetch)
        self.train, self.val, self.seed, self.workers, self.prefetch = train, val, seed, workers, prefetch
        log.info("%d crops to train with, %d held out, from %s", len(train), len(val), root or "several places")

    @property
    def counts(self) -> dict[str, int]:
        """How many crops there are, for checkpoints and cards."""
        return {"train": len(self.train), "held_out": len(self.val)}

    def train_dataloader(self) -> DataLoader[FaceBatch]:
        """Batches from where the module's clock stands; this process's share of them.

        Raises:
            SchemaError: the data's keypoints are not those that the module trains with.
            DataError: the crops are smaller than what the module grows to.
            OptionError: a batch cannot be shared equally among the processes.
        """
        assert self.trainer is not None
        module: Any = self.trainer.lightning_module
        data, growth = self.train, module.growth
        if data.schema != module.schema:
            raise SchemaError(f"the data has keypoint schema {data.schema.name!r}, the model {module.schema.name!r}")
        if data.resolution % growth.final_resolution:
            raise DataError(f"crops of {data.resolution} px do not fit growth to {growth.final_resolution} px")
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        sampler: Any = GrowthBatchSampler(len(data), growth, self.seed, module.images_seen, rank, world_size)
        return DataLoader(
            data,
            batch_sampler=sampler,
            collate_fn=as_is,
            num_workers=self.workers,
            prefetch_factor=self.prefetch if self.workers else None,
            persistent_workers=self.workers > 0,
            worker_init_fn=_in_worker,
            pin_memory=self.trainer.strategy.root_device.type == "cuda",
        )


def _in_worker(_: int) -> None:
    """OpenCV's threads do not survive a fork, and a worker is meant to use one core."""
    cv2.setNumThreads(0)
