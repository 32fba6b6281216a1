"""What every set of training crops does: decode on demand, at the size that is wanted, and get over damaged files."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

from deepanon.checks import check_count, check_weight
from deepanon.data.batch import BatchRequest, FaceBatch
from deepanon.data.decoded import Decoded, open_decoded, write_decoded
from deepanon.detections import KeypointSchema
from deepanon.errors import DataError, ImageError, OptionError
from deepanon.geometry import Array

log = logging.getLogger(__name__)


class CropSet(Dataset[FaceBatch], ABC):
    """Face crops on disk with their boxes and keypoints in memory; pictures are decoded when a batch is read.

    A crop that cannot be read is named in a warning and replaced by the next row that can, always the same one, so
    that training can be repeated. Rows are counted once however often they fail, over all workers of a `DataLoader`
    (the marks lie in shared memory); processes of a distributed run count on their own.

    In the main process, decoded crops are kept while all of them at the current resolution take less than `cache_gib`;
    they are freed when another resolution is asked for. Workers keep nothing, so that memory stays flat. A set that
    says where (`stored_at`) keeps them in a file instead, which all processes share and the next run finds.

    Attributes:
        people: who is in each crop; None where nobody said.

    Args:
        boxes: (n, 4) float32 fractions of the crop.
        keypoints: (n, K, 2) float32 fractions of the crop.
        schema: what the keypoints mean.
        resolution: largest side in pixels that can be read.
        max_corrupt: unreadable crops that are put up with; None = 10 or 0.1 % of the set, whichever is more.
        cache_gib: bound of the cache in GiB; 0 turns it off.

    Raises:
        TypeError: an argument of another kind.
        OptionError: an impossible value.
    """

    people: list[str] | None = None

    def __init__(
        self,
        boxes: Array,
        keypoints: Array,
        schema: KeypointSchema,
        resolution: int,
        max_corrupt: int | None = None,
        cache_gib: float = 2.0,
    ) -> None:
        check_count("resolution", resolution)
        check_count("max_corrupt", 0 if max_corrupt is None else max_corrupt, 0)
        check_weight("cache_gib", cache_gib)
        self.schema, self.resolution, self.cache_gib = schema, resolution, cache_gib
        self.boxes = torch.from_numpy(np.ascontiguousarray(boxes, dtype=np.float32))
        self.keypoints = torch.from_numpy(np.ascontiguousarray(keypoints, dtype=np.float32))
        self.max_corrupt = max(10, len(boxes) // 1000) if max_corrupt is None else max_corrupt
        self._n = len(boxes)  # the length of a tensor takes a microsecond to ask for
        self._corrupt = torch.zeros(self._n, dtype=torch.uint8).share_memory_()
        self._cache: Decoded | None = None
        self._stored: Decoded | None = None
        self._cannot_store = False

    @abstractmethod
    def name(self, row: int) -> str:
        """Where a crop is stored, for messages."""

    @abstractmethod
    def decode(self, row: int, out: Array) -> None:
        """Fill `out` (S, S, 3) uint8 with a crop at that size; `ImageError` or `OSError` if it cannot be read."""

    def stored_at(self, resolution: int) -> Path | None:
        """File for all crops decoded at a resolution, named after everything that they depend on; None = nowhere."""
        return None

    def __len__(self) -> int:
        return self._n

    def read(self, rows: Sequence[int], resolution: int) -> FaceBatch:
        """Decode crops at a resolution of at most `self.resolution`.

        Raises:
            DataError: more than `max_corrupt` crops cannot be read; the message names the first.
            OptionError: the resolution is larger than the set's, or a row does not exist.
        """
        self._check(rows, resolution)
        cache = self._cache_for(resolution)
        if cache is not None:
            index = np.asarray(rows, dtype=np.int64)
            for row in index[cache.used[index] < 0].tolist():
                cache.used[row] = self._decode_or_next(row, cache.images[row])
            images, used = torch.from_numpy(cache.images[index]), torch.from_numpy(cache.used[index])
        else:
            pixels = _room(len(rows), resolution)
            used = torch.tensor([self._decode_or_next(row, pixels[i]) for i, row in enumerate(rows)], dtype=torch.long)
            images = torch.from_numpy(pixels)
        return FaceBatch(images.permute(0, 3, 1, 2), self.boxes[used], self.keypoints[used])

    def __getitems__(self, request: BatchRequest | Sequence[int]) -> FaceBatch:
        """A batch in one piece; use with `collate_fn=as_is`. Bare row numbers are read at the full resolution."""
        if isinstance(request, BatchRequest):
            return self.read(request.rows, request.resolution)
        return self.read(request, self.resolution)

    def __getitem__(self, row: int) -> FaceBatch:
        """One crop as a batch of one."""
        return self.read([row], self.resolution)

    @property
    def corrupt(self) -> list[str]:
        """Names of the crops that could not be read so far, by this process or any worker that it started."""
        return [self.name(row) for row in self._corrupt.nonzero()[:, 0].tolist()]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {
            "_cache": None,
            "_stored": None,
        }  # workers that are not forked get the set without what it decoded

    def _check(self, rows: Sequence[int], resolution: int) -> None:
        if not 0 < resolution <= self.resolution:
            raise OptionError(f"crops of {self.resolution} px cannot be read at {resolution} px")
        if len(rows) and not (min(rows) >= 0 and max(rows) < self._n):
            raise OptionError(f"rows must lie in 0..{self._n - 1}, got {min(rows)}..{max(rows)}")

    def _cache_for(self, resolution: int) -> Decoded | None:
        stored = self._stored_for(resolution)
        if stored is not None:
            return stored
        size = len(self) * resolution * resolution * 3
        if size > self.cache_gib * 2**30 or get_worker_info() is not None:
            self._cache = None
        elif self._cache is None or self._cache.images.shape[1] != resolution:
            self._cache = None  # freed before the next is made
            images = np.empty((len(self), resolution, resolution, 3), np.uint8)
            self._cache = Decoded(images, np.full(len(self), -1, np.int64))
        return self._cache

    def _stored_for(self, resolution: int) -> Decoded | None:
        """The crops in their file, which is made if it is not there; of several workers the first makes it."""
        if self._stored is not None and self._stored.images.shape[1] == resolution:
            return self._stored
        self._stored, path, worker = None, self.stored_at(resolution), get_worker_info()
        if path is None:
            return None
        self._stored = open_decoded(path, self._n, resolution)
        if self._stored is None and not self._cannot_store and (worker is None or worker.id == 0):
            log.info("decoding %d crops at %d px, once and for all, to %s", self._n, resolution, path)
            try:
                write_decoded(path, self._n, resolution, self._decode_or_next)
                self._stored = open_decoded(path, self._n, resolution)
            except OSError as error:
                self._cannot_store = True
                log.warning("%s cannot be written (%s); crops are decoded as they are read", path, error)
        if self._stored is not None:
            for row in np.flatnonzero(self._stored.used != np.arange(self._n)).tolist():
                self._note(row, ImageError("could not be read when the set was decoded"))
        return self._stored

    def _decode_or_next(self, row: int, out: Array) -> int:
        """Fill `out` with the first readable crop from `row` on, and return which that was."""
        try:
            self.decode(row, out)
            return row
        except (ImageError, OSError) as error:
            self._note(row, error)
        for candidate in chain(range(row + 1, self._n), range(row)):
            try:
                self.decode(candidate, out)
                return candidate
            except (ImageError, OSError) as error:
                self._note(candidate, error)
        raise DataError(f"none of the {len(self)} crops can be read; the first is {self.name(0)}")

    def _note(self, row: int, error: Exception) -> None:
        """Count an unreadable crop the first time it is met."""
        if self._corrupt[row]:
            return
        self._corrupt[row] = 1
        names = self.corrupt
        if len(names) > self.max_corrupt:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise DataError(
                f"{len(names)} of {len(self)} crops cannot be read, more than max_corrupt={self.max_corrupt}: "
                f"{', '.join(names[:3])}{more}; the last: {error}"
            )
        log.warning(
            "%s: %s; the next row takes its place (%d unreadable so far, training stops above %d)",
            self.name(row), error, len(names), self.max_corrupt,
        )  # fmt: skip


def _room(n: int, side: int) -> Array:
    """(n, side, side, 3) uint8 to decode into, on purpose not aligned to 32 bytes.

    libjpeg-turbo writes past the cache where it is, which makes a picture of 128 px 5 % slower to decode.
    """
    size = n * side * side * 3
    memory = np.empty(size + 32, np.uint8)
    start = (16 - memory.ctypes.data) % 32
    return memory[start : start + size].reshape(n, side, side, 3)
