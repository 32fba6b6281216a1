"""The numbers on drawn people: are they found, are they many, are they somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deepanon.embedders import Recogniser
from deepanon.evaluation.bootstrap import percentile_interval, resample
from deepanon.evaluation.identity.impostors import Impostors
from deepanon.evaluation.newfaces import measures
from deepanon.evaluation.newfaces.book import STRANGER, FaceBook
from deepanon.evaluation.newfaces.eyes import Eye, WhetherFound, WhoItIs
from deepanon.evaluation.quality import QualityStudy
from deepanon.evaluation.quality.draws import Method
from deepanon.evaluation.scorer import Scorer
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

FAR = 1e-3
LEAST = 10  # pairs that must be accepted by mistake for a threshold to mean something
ORIGINAL = Method("none")


class NewFaces:
    """Shows drawn faces of held-out crops to recognisers and detectors.

    A recogniser and a detector must not have one name.

    Args:
        quality: the same set's: which crops, at what size, with which seeds, and where arrays are kept. Its training
            crops are those that new faces are held against.
        recognisers: by name.
        scorers: detectors by name.
    """

    def __init__(
        self, quality: QualityStudy, recognisers: Mapping[str, Recogniser], scorers: Mapping[str, Scorer]
    ) -> None:
        self.data, self.seeds, self.book = quality.data, quality.seeds, FaceBook.beside(quality.book)
        self.training = FaceBook.beside(quality.train_book) if quality.train_book else None
        resampled = resample(len(self.book.rows), quality.resamples, 0)
        self.counts = np.concatenate([np.ones((1, len(self.book.rows)), np.int64), resampled])
        self.people = np.unique(np.asarray(self.book.people), return_inverse=True)[1]
        self.scorers, self.recognisers = dict(scorers), {name: WhoItIs(one) for name, one in recognisers.items()}
        self.eyes: dict[str, Eye] = {name: WhetherFound(one.detector) for name, one in scorers.items()}
        self.eyes |= self.recognisers

    def values(self, methods: Sequence[Method]) -> Iterator[Value]:
        """Yield all numbers of part "quality", method by method.

        Raises:
            DataError: crops that cannot be read, or all of one person.
            ModelError: a method draws something else than finite pictures.
        """
        eyes = list(self.eyes.values())
        before, strangers = (self.book.look(eyes, method) for method in (ORIGINAL, STRANGER))
        for method in methods:
            seeds = self.seeds if method.random else self.seeds[:1]
            seen = list(zip(*(self.book.look(eyes, method, seed) for seed in seeds), strict=True))
            for name, first, after, other in zip(self.eyes, before, seen, strangers, strict=True):
                blank = Value("quality", self.data, name, method.name, "", value=0.0)
                if name in self.scorers:
                    yield self._found(blank, self.scorers[name], first, after)
                else:
                    yield from self._spread(blank, first, after)
                    yield from self._matches(blank, first, after, other)
                    yield from self._nearest(blank, first, after)

    @property
    def facts(self) -> dict[str, Any]:
        """Who looked, as plain values for JSON."""
        return {
            "people": len(set(self.book.people)),
            "people known": self.book.data.people is not None,
            "eyes": {name: eye.key for name, eye in self.eyes.items()},
        }

    def _found(self, blank: Value, scorer: Scorer, before: Array, after: Sequence[Array]) -> Value:
        known = before >= scorer.threshold
        again = np.where(known, np.mean([scores >= scorer.threshold for scores in after], axis=0), np.nan)
        return self._mean(blank, "found_again", again, f"score {scorer.threshold:g} or more, IoU 0.5")

    def _spread(self, blank: Value, before: Array, after: Sequence[Array]) -> Iterator[Value]:
        if len(after) > 1:
            share = measures.spread(after) / measures.apart(self.people, before)
            yield self._mean(blank, "z_spread", share, f"{len(after)} draws of each crop")

    def _matches(self, blank: Value, before: Array, after: Sequence[Array], stranger: Array) -> Iterator[Value]:
        known = np.isfinite(before).all(axis=1)
        impostors = Impostors(before[known], np.unique(self.people[known], return_inverse=True)[1], FAR)
        if impostors.pairs * FAR < LEAST:
            why = f"{impostors.pairs} pairs of different people are too few for a threshold at FAR {FAR:g}"
            yield from (
                replace(blank, metric=m, value=np.nan, note=why) for m in ("drawn_match", "drawn_match_over_stranger")
            )
            return
        threshold = impostors.threshold(FAR, np.ones((1, len(impostors.each))))[0]
        taken, control = (
            np.mean([measures.taken(before, vectors, threshold) for vectors in seen], axis=0)
            for seen in (after, [stranger])
        )
        note = f"threshold of {impostors.pairs:,} pairs, held fixed; a stranger's face: {np.nanmean(control):.2%}"
        yield self._mean(blank, "drawn_match", taken, note)
        yield self._mean(blank, "drawn_match_over_stranger", taken - control, note)

    def _nearest(self, blank: Value, before: Array, after: Sequence[Array]) -> Iterator[Value]:
        if self.training is None:
            return
        learnt = self.training.look([self.recognisers[blank.by]], ORIGINAL)[0]
        drawn = np.mean([measures.nearest(vectors, learnt) for vectors in after], axis=0)
        original = measures.nearest(before, learnt)
        note = f"of {len(learnt):,} training crops; the originals: {np.nanmean(original):.3f}"
        yield self._mean(blank, "nearest", drawn, note)
        yield self._mean(blank, "nearest_over_stranger", drawn - original, note)

    def _mean(self, blank: Value, metric: str, values: Array, note: str) -> Value:
        """The mean of (N,) values with its interval over crops; NaN do not count."""
        means = measures.weighted_mean(values, self.counts)
        if not np.isfinite(means[0]):
            return replace(blank, metric=metric, value=np.nan, note=f"no face of the set can be judged; {note}")
        low, high = percentile_interval(means[1:])
        known = int(np.isfinite(values).sum())
        return replace(blank, metric=metric, value=float(means[0]), low=low, high=high, n=known, note=note)
