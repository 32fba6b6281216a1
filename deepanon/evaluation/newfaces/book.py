"""What recognisers and detectors see in crops, made chunk by chunk and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property

import numpy as np
from torch import Tensor

from deepanon.data.cropset import CropSet
from deepanon.detections import Detections
from deepanon.evaluation.newfaces.eyes import Eye
from deepanon.evaluation.newfaces.strangers import donors, exchanged
from deepanon.evaluation.quality.cache import ArrayCache
from deepanon.evaluation.quality.draws import Method, replaced
from deepanon.evaluation.quality.features import CHUNK, FeatureBook, fingerprint
from deepanon.geometry import Array

STRANGER = Method("stranger", None, "the face of another person of the set", False)
Progress = Callable[[Iterable[int]], Iterable[int]]


class FaceBook:
    """Looks up what is seen of every face of a set of crops, and makes what is not kept yet.

    Faces are cut by their annotated keypoints and asked for at their annotated boxes, also where they were replaced: no
    detector can hide a face from a recogniser.

    Args:
        data: the set.
        rows: which crops of it.
        resolution: side in pixels at which they are looked at.
        cache: where arrays are kept.
        progress: wraps the starts of the chunks, e.g. `tqdm`.
    """

    def __init__(
        self, data: CropSet, rows: Sequence[int], resolution: int, cache: ArrayCache, progress: Progress = iter
    ) -> None:
        self.data, self.rows, self.resolution, self.cache = data, list(rows), resolution, cache
        self.progress = progress

    @classmethod
    def beside(cls, book: FeatureBook) -> FaceBook:
        """Of the same crops, kept in the same place."""
        return cls(book.data, book.rows, book.resolution, book.cache, book.progress)

    @property
    def people(self) -> list[str]:
        """Who is in each crop; where nobody said, somebody else in each."""
        if self.data.people is None:
            return [str(row) for row in self.rows]
        return [self.data.people[row] for row in self.rows]

    @cached_property
    def donors(self) -> list[int]:
        """Row of the set whose face each crop gets from a stranger."""
        return [self.rows[place] for place in donors(self.people)]

    @cached_property
    def prints(self) -> dict[int, str]:
        """Start of a chunk -> SHA-256 over its crops."""
        return {
            start: fingerprint(self.data, self.rows[start : start + CHUNK], self.resolution)
            for start in range(0, len(self.rows), CHUNK)
        }

    def look(self, eyes: Sequence[Eye], method: Method, seed: int = 0) -> list[Array]:
        """What each of `eyes` sees after one method.

        Returns:
            One array an eye, whose rows are the crops.
        """
        chunks = [self._chunk(start, eyes, method, seed) for start in self.progress(range(0, len(self.rows), CHUNK))]
        return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]

    def _chunk(self, start: int, eyes: Sequence[Eye], method: Method, seed: int) -> list[Array]:
        """The same of one chunk; nothing is drawn if all of it is kept."""
        stop = start + CHUNK
        rows, what = self.rows[start:stop], f"{method.name}: {method.description}; seed {seed}"
        if method is STRANGER:
            what += f"; {self.donors[start:stop]}"
        about = f"new faces: {self.prints[start]}; {self.resolution} px; {what}"

        @cache
        def pictures() -> tuple[Tensor, Tensor]:
            if method is STRANGER:
                return exchanged(self.data, rows, self.donors[start:stop], self.resolution)
            return replaced(self.data, rows, self.resolution, method, seed)[1:]

        def seen(eye: Eye) -> Array:
            return self.cache.array(f"{about}; {eye.key}", lambda: {"seen": self._seen(eye, rows, *pictures())})["seen"]

        return [seen(eye) for eye in eyes]

    def _seen(self, eye: Eye, rows: Sequence[int], images: Tensor, boxes: Tensor) -> Array:
        points = self.data.keypoints[list(rows)] * self.resolution
        levels = images.permute(0, 2, 3, 1).contiguous().numpy()
        faces = (
            Detections(box[None].numpy(), np.ones(1), five[None].numpy(), schema=self.data.schema)
            for box, five in zip(boxes, points, strict=True)
        )
        return np.stack([eye(image, face) for image, face in zip(levels, faces, strict=True)])
