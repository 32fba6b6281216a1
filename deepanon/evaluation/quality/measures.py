"""Numbers of one method from features: arithmetic only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from deepanon.distance import Moments, frechet_distance, kernel_distance
from deepanon.evaluation.bootstrap import percentile_interval, resample
from deepanon.evaluation.quality.features import PARTS, Features
from deepanon.evaluation.quality.halves import HALVINGS, Halves
from deepanon.evaluation.quality.kernel import kernel_interval
from deepanon.evaluation.quality.manifold import precision_recall
from deepanon.evaluation.quality.perceptual import Lpips
from deepanon.evaluation.values import Value
from deepanon.geometry import Array

PAIRS = 2000  # of different crops, for the mean distance between real faces


@dataclass(frozen=True, eq=False)
class Ruler:
    """Real features of one embedder, and all that is measured with them.

    Attributes:
        names: what Fréchet and kernel distance may be called: "FID" and "KID", or "FD(onet)" and "KD(onet)".
        description: of the embedder, its resize filter included.
        resolution: of the pictures, in pixels.
        real: (N, D) by part, of the untouched crops.
        train: (M, D) by part, of the training crops; empty without any.
        resamples: of the bootstrap over crops.
    """

    names: tuple[str, str]
    description: str
    resolution: int
    real: Features
    train: Features
    resamples: int = 1000

    def values(self, blank: Value, drawn: Sequence[Features], random: bool) -> Iterator[Value]:
        """All numbers of one method.

        Args:
            blank: with everything filled in that they have in common.
            drawn: (N, D) by part, of every seed, rows as in `real`.
            random: whether draws of different seeds differ.
        """
        for part in PARTS:
            features = [seed[part] for seed in drawn]
            common = replace(blank, scope=part, n=len(self.real[part]))
            yield from self._distances(common, part, features)
            yield from self._halves(common, part, features)
            yield from self._coverage(common, part, features)
            if random:
                yield from self._diversity(common, part, features)

    def _distances(self, blank: Value, part: str, drawn: list[Array]) -> Iterator[Value]:
        """To the same crops, and to the training crops."""
        real, moments = self.real[part], [Moments.of(features) for features in drawn]
        frechet = [frechet_distance(m, self._moments[part]) for m in moments]
        yield self._frechet(blank, self._keys[0], frechet, len(real), "the same crops")
        yield self._kernel(blank, self._keys[1], [kernel_interval(real, features) for features in drawn])
        if part in self.train:
            train, note = self.train[part], f"{len(self.train[part])} training crops"
            frechet = [frechet_distance(m, self._train_moments[part]) for m in moments]
            yield self._frechet(blank, f"{self._keys[0]}_train", frechet, min(len(real), len(train)), note)
            kernel = [kernel_distance(features, train) for features in drawn]
            yield _of_seeds(blank, f"{self._keys[1]}_train", kernel, self._note(1, note))

    def _frechet(self, blank: Value, metric: str, seeds: Sequence[float], count: int, other: str) -> Value:
        return _of_seeds(blank, metric, seeds, f"{self._note(0, other)}{self._bias(count)}")

    def _kernel(self, blank: Value, metric: str, seeds: Sequence[tuple[float, float, float]]) -> Value:
        """Mean over seeds; the ends too: an interval over crops, as wide as that of one seed."""
        values, low, high = (np.array(column) for column in zip(*seeds, strict=True))
        note = f"{self._note(1, 'the other crops')}; interval of the jackknife over crops"
        return replace(_of_seeds(blank, metric, values, note), low=float(low.mean()), high=float(high.mean()))

    def _halves(self, blank: Value, part: str, drawn: list[Array]) -> Iterator[Value]:
        keys = {"frechet": self._keys[0], "kernel": self._keys[1], "precision": "precision", "recall": "recall"}
        half = len(self.real[part]) // 2
        for name, values in self._halved[part].measure(drawn).items():
            said = self._note(1 if name == "kernel" else 0, f"{half} other crops", named=name in ("frechet", "kernel"))
            bias = self._bias(half) if name == "frechet" else ""
            note = f"{said}; mean of {HALVINGS} halvings, standard deviation {values.std():.3g}{bias}"
            yield replace(blank, metric=f"{keys[name]}_half", value=float(values.mean()), n=half, note=note)

    def _coverage(self, blank: Value, part: str, drawn: list[Array]) -> Iterator[Value]:
        """Precision and recall; the interval is over the faces that are asked about, the balls stay."""
        pairs = [precision_recall(self.real[part], features) for features in drawn]
        for metric, covered in zip(("precision", "recall"), zip(*pairs, strict=True), strict=True):
            table = np.array(covered, dtype=np.float64)  # seeds,N
            note = f"k = 3; {self._note(0, 'the same crops', named=False)}; interval over faces, balls held fixed"
            value = _of_seeds(blank, metric, table.mean(axis=1), note)
            low, high = mean_interval(table.mean(axis=0), self.resamples)
            yield replace(value, low=low, high=high)

    def _diversity(self, blank: Value, part: str, drawn: list[Array]) -> Iterator[Value]:
        """Distance between features of two draws of one crop, all pairs of seeds."""
        pairs = [(i, j) for i in range(len(drawn)) for j in range(i)]
        apart = np.mean([np.linalg.norm(drawn[i].astype(np.float64) - drawn[j], axis=1) for i, j in pairs], axis=0)
        strangers = stranger_distance(self.real[part])
        note = f"mean of {len(pairs)} pairs of seeds; {self._note(0, '', named=False)}"
        for metric, scale in (("diversity", 1.0), ("diversity_share", strangers)):
            if scale > 0:
                yield _with_interval(replace(blank, metric=metric, note=note), apart / scale, self.resamples)

    @cached_property
    def _keys(self) -> tuple[str, str]:
        """Of `METRICS`."""
        return ("fid", "kid") if self.names == ("FID", "KID") else ("fd", "kd")

    @cached_property
    def _moments(self) -> dict[str, Moments]:
        return {part: Moments.of(features) for part, features in self.real.items()}

    @cached_property
    def _train_moments(self) -> dict[str, Moments]:
        return {part: Moments.of(features) for part, features in self.train.items()}

    @cached_property
    def _halved(self) -> dict[str, Halves]:
        return {part: Halves(features) for part, features in self.real.items()}

    def _note(self, which: int, other: str, named: bool = True) -> str:
        """What a reader must know to compare: its name, against what, at what size, by which network and filter."""
        said = [self.names[which]] * named + [f"against {other}"] * bool(other)
        return "; ".join([*said, f"pictures of {self.resolution} px", self.description])

    def _bias(self, count: int) -> str:
        features = self.real[PARTS[0]].shape[1]
        if count > features:
            return ""
        return f"; strongly biased upward: {count} crops for {features} features, ranks only, at equal counts"


def difference_values(
    blank: Value, differences: Mapping[str, Array], lpips: Lpips | None, resamples: int, seeds: int
) -> Iterator[Value]:
    """Pixel and LPIPS diversity of one method, from `Seen.differences`."""
    about = f"mean of {seeds * (seeds - 1) // 2} pairs of seeds"
    for name, apart in differences.items():
        kind, part = name.split("/")
        value = replace(blank, metric="pixel_diversity", scope=part, note=about)
        if kind == "lpips" and lpips is not None:
            value = replace(value, by=lpips.name, metric="lpips_diversity", note=f"{about}; {lpips.description}")
        yield _with_interval(value, apart, resamples)


def stranger_distance(features: Array, seed: int = 0) -> float:
    """Mean Euclidean distance between features (N, D) of two different crops, over up to 2,000 pairs."""
    rng, n = np.random.default_rng(seed), len(features)
    first = rng.integers(n, size=PAIRS)
    second = (first + rng.integers(1, n, size=PAIRS)) % n
    return float(np.linalg.norm(features[first].astype(np.float64) - features[second], axis=1).mean())


def mean_interval(values: Array, resamples: int, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the mean of (N,) values, by the bootstrap over crops."""
    step = max(1, 10_000_000 // len(values))  # 80 MB of counts at a time
    means = [
        resample(len(values), min(step, resamples - start), seed + start) @ values / len(values)
        for start in range(0, resamples, step)
    ]
    return percentile_interval(np.concatenate(means))


def _with_interval(blank: Value, values: Array, resamples: int) -> Value:
    low, high = mean_interval(values, resamples)
    return replace(blank, value=float(values.mean()), low=low, high=high, n=len(values))


def _of_seeds(blank: Value, metric: str, seeds: Sequence[float] | Array, note: str) -> Value:
    values = tuple(float(value) for value in seeds)
    several = values if len(values) > 1 else ()
    return replace(blank, metric=metric, value=float(np.mean(values)), seeds=several, note=note)
