"""How real and how varied replaced faces look: every crop of a held-out set once a method and seed."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch

from deepanon.checks import check_count
from deepanon.data.cropset import CropSet
from deepanon.embedders import Embedder, distance_names
from deepanon.errors import OptionError
from deepanon.evaluation.observing.variants import NONE
from deepanon.evaluation.quality.cache import ArrayCache, Memory
from deepanon.evaluation.quality.draws import Method
from deepanon.evaluation.quality.features import CHUNK, PARTS, FeatureBook, Progress, Seen
from deepanon.evaluation.quality.measures import Ruler, difference_values
from deepanon.evaluation.quality.perceptual import Lpips
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

LEAST = 10  # crops: each half needs more than three neighbours


class QualityStudy:
    """Replaces the face of every crop and compares features with those of the real ones.

    Args:
        data: name of the set in reports.
        crops: the held-out set.
        embedders: whose features are compared, each on its own; the faces are drawn once for all.
        train: what the generator was trained on, for the distances to it; None leaves them out.
        limit: crops to draw, spread over the set; None draws all. Values of other counts are not comparable.
        train_limit: the same for `train`.
        seeds: of methods that draw by chance.
        resolution: side at which pictures are compared; None takes the set's.
        lpips: for diversity; None leaves LPIPS out.
        cache: where arrays are kept; None keeps them in memory.
        device: where embedders and LPIPS run.
        progress: wraps the chunks of a pass, e.g. `tqdm`.
        resamples: of the bootstrap over crops.

    Raises:
        OptionError: fewer than ten crops, embedders of one name, seeds that repeat, or other keypoints in `train`.
        TypeError: an argument of another kind.
    """

    def __init__(
        self,
        data: str,
        crops: CropSet,
        embedders: Sequence[Embedder],
        train: CropSet | None = None,
        limit: int | None = None,
        train_limit: int | None = None,
        seeds: Sequence[int] = (0, 1, 2),
        resolution: int | None = None,
        lpips: Lpips | None = None,
        cache: ArrayCache | None = None,
        device: torch.device | str = "cpu",
        progress: Progress = iter,
        resamples: int = 1000,
    ) -> None:
        names = [embedder.name for embedder in embedders]
        if not names or len(set(names)) < len(names):
            raise OptionError(f"quality needs embedders of different names, got {names}")
        if not seeds or len(set(seeds)) < len(seeds):
            raise OptionError(f"seeds must be different whole numbers, at least one, got {list(seeds)}")
        self.data, self.embedders, self.seeds, self.lpips = data, list(embedders), tuple(seeds), lpips
        self.resamples = check_count("resamples", resamples)
        side = check_count("resolution", crops.resolution if resolution is None else resolution)
        keep = Memory() if cache is None else cache
        self.book = FeatureBook(crops, spread(crops, limit), side, keep, device, progress)
        if len(self.book.rows) < LEAST:
            raise OptionError(
                f"quality of {len(self.book.rows)} crops says nothing: at least {LEAST} are needed (limit {limit}, "
                f"{len(crops)} in the set), and some thousands for distances that others can compare with"
            )
        self.train_book = None
        if train is not None:
            self.train_book = FeatureBook(train, spread(train, train_limit), side, keep, device, progress)

    def values(self, methods: Sequence[Method]) -> Iterator[Value]:
        """Yield all numbers: untouched crops first (floor and ceiling), then method by method.

        Raises:
            DataError: crops that cannot be read, features that are not finite.
            ModelError: a method draws something else than finite pictures.
            OptionError: a generator larger than the crops, or methods of one name.
        """
        chosen = [Method(NONE), *(method for method in methods if method.anonymizer is not None)]
        names = [method.name for method in chosen]
        if len(set(names)) < len(names):
            raise OptionError(f"methods must have different names, got {names}")
        for method in chosen:
            yield from self._of(method)

    def _of(self, method: Method) -> Iterator[Value]:
        seeds = self.seeds if method.random else (0,)
        seen = self.book.look(self.embedders, method, seeds, self.lpips)
        for embedder, ruler in zip(self.embedders, self.rulers, strict=True):
            blank = Value("quality", self.data, embedder.name, method.name, "", value=0.0)
            with warnings.catch_warnings():  # that few crops bias the Fréchet distance is said in every note
                warnings.simplefilter("ignore", RuntimeWarning)
                found = list(ruler.values(blank, seen.features[embedder.name], method.random and len(seeds) > 1))
            yield from (replace(value, note=f"{value.note}{self._unreadable}") for value in found)
        yield from self._differences(method, seen, len(seeds))

    def _differences(self, method: Method, seen: Seen, seeds: int) -> Iterator[Value]:
        if method.anonymizer is None:
            return
        blank = Value("quality", self.data, "pixels", method.name, "", value=0.0)
        if not method.random or seeds < 2:
            why = "one seed only" if method.random else "the method draws nothing by chance"
            for part in PARTS:
                yield replace(blank, metric="pixel_diversity", scope=part, value=float("nan"), note=why)
            return
        yield from difference_values(blank, seen.differences, self.lpips, self.resamples, seeds)

    @cached_property
    def rulers(self) -> list[Ruler]:
        """What each embedder's features of drawn faces are held against."""
        return [
            Ruler(
                distance_names(embedder),
                embedder.description,
                self.book.resolution,
                self.book.real(embedder),
                {} if self.train_book is None else self.train_book.real(embedder),
                self.resamples,
            )
            for embedder in self.embedders
        ]

    @cached_property
    def _unreadable(self) -> str:
        books = [self.book] + ([] if self.train_book is None else [self.train_book])
        lost = sum(_unreadable(book) for book in books)
        return f"; {lost} crops cannot be read, others count in their place" if lost else ""


def spread(crops: CropSet, limit: int | None) -> list[int]:
    """Rows of so many crops, spread evenly over the set; of all if `limit` is None or more than there are."""
    faces = len(crops) if limit is None else min(check_count("limit", limit), len(crops))
    rows: Array = np.linspace(0, len(crops) - 1, faces).astype(int)
    return [int(row) for row in rows]


def _unreadable(book: FeatureBook) -> int:
    """How many crops of the set were found unreadable; kept, because a run that goes on reads none of them again."""

    def counted() -> dict[str, Array]:
        for start in range(0, len(book.rows), CHUNK):
            book.data.read(book.rows[start : start + CHUNK], book.resolution)
        return {"lost": np.array(len(book.data.corrupt))}

    chosen = hashlib.sha256(repr(book.rows).encode()).hexdigest()[:16]
    key = f"unreadable: {book.fingerprint}; {book.resolution} px; {len(book.rows)} crops {chosen}"
    return int(book.cache.array(key, counted)["lost"])
