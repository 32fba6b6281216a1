"""Features of real and drawn faces, made chunk by chunk and kept: a run that is stopped goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from deepanon.data.cropset import CropSet
from deepanon.embedders import Embedder, face_windows
from deepanon.evaluation.quality.cache import ArrayCache
from deepanon.evaluation.quality.draws import Method, replaced
from deepanon.evaluation.quality.perceptual import Lpips
from deepanon.geometry import Array
from deepanon.images import unit

PARTS = ("crop", "face")  # whole crops; the face box alone, so that known surroundings cannot hide a bad face
CHUNK = 256  # crops whose pictures are held at a time, and lost when a run is stopped
BATCH = 64  # pictures embedded at a time; values do not depend on it

Pictures = tuple[Tensor, Tensor, Tensor]  # real, drawn, boxes
Features = dict[str, Array]  # (N, D) by part
Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen of the crops after one method.

    Attributes:
        features: by name of the embedder, then one entry a seed.
        differences: how far two draws of one crop are apart, in the mean of all pairs of seeds; empty for one seed.
            "pixels/crop", "pixels/face" (N,): mean absolute difference, 1 = from black to white; "lpips/crop",
            "lpips/face" (N,), for which face boxes are stretched to the side of the crops.
    """

    features: dict[str, list[Features]]
    differences: dict[str, Array]


class FeatureBook:
    """Looks up features of a set of crops, real and replaced, and makes what is not kept yet.

    Args:
        data: the set.
        rows: which crops of it.
        resolution: side in pixels at which all are compared.
        cache: where arrays are kept.
        device: where embedders run.
        progress: wraps the starts of the chunks, e.g. `tqdm`.
    """

    def __init__(
        self,
        data: CropSet,
        rows: Sequence[int],
        resolution: int,
        cache: ArrayCache,
        device: torch.device | str = "cpu",
        progress: Progress = iter,
    ) -> None:
        self.data, self.rows, self.resolution, self.cache = data, list(rows), resolution, cache
        self.device, self.progress = torch.device(device), progress

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the pixels, boxes and keypoints of all crops."""
        return hashlib.sha256("".join(self._prints.values()).encode()).hexdigest()

    @cached_property
    def _prints(self) -> dict[int, str]:
        """Start of a chunk -> SHA-256 over its crops. Every crop is read for it: a changed one is another crop."""
        return {
            start: fingerprint(self.data, self.rows[start : start + CHUNK], self.resolution) for start in self._starts
        }

    def real(self, embedder: Embedder) -> Features:
        """Of the untouched crops."""
        return self.look([embedder], Method("none"), (0,)).features[embedder.name][0]

    def look(
        self, embedders: Sequence[Embedder], method: Method, seeds: Sequence[int], lpips: Lpips | None = None
    ) -> Seen:
        """Replace every face with every seed, once for all who look, and keep what they see."""
        seen = [self._chunk(start, embedders, method, seeds, lpips) for start in self.progress(self._starts)]
        features = {
            embedder.name: [
                {part: np.concatenate([chunk[0][i][j][part] for chunk in seen]) for part in PARTS}
                for j in range(len(seeds))
            ]
            for i, embedder in enumerate(embedders)
        }
        return Seen(features, {name: np.concatenate([chunk[1][name] for chunk in seen]) for name in seen[0][1]})

    @property
    def _starts(self) -> range:
        return range(0, len(self.rows), CHUNK)

    def _chunk(
        self, start: int, embedders: Sequence[Embedder], method: Method, seeds: Sequence[int], lpips: Lpips | None
    ) -> tuple[list[list[Features]], dict[str, Array]]:
        """Features by embedder and seed, and differences, of one chunk; nothing is drawn if all of it is kept."""
        rows = self.rows[start : start + CHUNK]
        what = f"{method.name}: {method.description}" if method.anonymizer else "untouched"
        about = f"quality: {self._prints[start]}; {self.resolution} px; {what}"

        @cache
        def draw(seed: int) -> Pictures:
            return replaced(self.data, rows, self.resolution, method, seed)

        def kept(embedder: Embedder, seed: int) -> Features:
            key = f"{about}; seed {seed}; {embedder.name}: {embedder.description}"
            return self.cache.array(key, lambda: self._embedded(embedder, draw(seed)))

        features = [[kept(embedder, seed) for seed in seeds] for embedder in embedders]
        if len(seeds) < 2:
            return features, {}
        key = f"{about}; seeds {', '.join(map(str, seeds))}; differences, {lpips.description if lpips else 'no LPIPS'}"
        return features, self.cache.array(key, lambda: self._differences(draw, seeds, lpips))

    def _embedded(self, embedder: Embedder, pictures: Pictures) -> Features:
        found: dict[str, list[Array]] = {part: [] for part in PARTS}
        _, drawn, boxes = pictures
        for levels, edges in zip(drawn.split(BATCH), boxes.split(BATCH), strict=True):
            images = unit(levels.to(self.device))
            windows = face_windows(images, edges, embedder.size)
            for part, shown in zip(PARTS, (images, windows), strict=True):
                found[part].append(embedder(shown).float().cpu().numpy())
        return {part: np.concatenate(features) for part, features in found.items()}

    def _differences(
        self, draw: Callable[[int], Pictures], seeds: Sequence[int], lpips: Lpips | None
    ) -> dict[str, Array]:
        boxes = draw(seeds[0])[2]
        measures = {"pixels": _mean_difference} | ({} if lpips is None else {"lpips": lpips})
        sums: dict[str, Array] = {}
        pairs = list(combinations(seeds, 2))
        for pair in pairs:
            crops = [unit(draw(seed)[1].to(self.device)) for seed in pair]
            faces = [face_windows(images, boxes, self.resolution) for images in crops]
            for part, sides in zip(PARTS, (crops, faces), strict=True):
                for name, measure in measures.items():
                    found = measure(*sides).double().cpu().numpy() / len(pairs)
                    sums[f"{name}/{part}"] = sums.get(f"{name}/{part}", 0.0) + found
        return sums


def fingerprint(data: CropSet, rows: Sequence[int], resolution: int) -> str:
    """SHA-256 over the pixels, boxes and keypoints of some crops, in their order."""
    batch = data.read(rows, resolution)
    digest = hashlib.sha256()
    for part in (batch.images, batch.boxes, batch.keypoints):
        digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _mean_difference(a: Tensor, b: Tensor) -> Tensor:
    """(N, 3, H, W) in [-1, 1], twice -> (N,) in [0, 1]."""
    return (a - b).abs().mean(dim=(1, 2, 3)) / 2
