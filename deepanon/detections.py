"""The currency of the library: which faces are in a picture, and the keypoint schemas they are described with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deepanon.errors import DetectionError, SchemaError, lookup

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class KeypointSchema:
    """An ordered list of keypoint names, and which of them trade places when the picture is mirrored.

    Attributes:
        name: short identifier stored in files and checkpoints.
        points: one name a keypoint, in array order.
        flip: index permutation applied after a horizontal flip, an involution.
        template: (K, 2) typical position as a fraction of the face box, (x, y); used only to draw synthetic faces.
    """

    name: str
    points: tuple[str, ...]
    flip: tuple[int, ...]
    template: tuple[tuple[float, float], ...]

    def __len__(self) -> int:
        return len(self.points)


FIVE = KeypointSchema(
    name="five",
    points=("left eye", "right eye", "nose", "left mouth", "right mouth"),  # left = left in the image
    flip=(1, 0, 2, 4, 3),
    template=((0.31, 0.40), (0.69, 0.40), (0.50, 0.60), (0.35, 0.78), (0.65, 0.78)),
)
COCO7 = KeypointSchema(
    name="coco7",
    points=("nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder"),
    flip=(0, 2, 1, 4, 3, 6, 5),  # left = the subject's left, as in COCO
    template=((0.50, 0.60), (0.69, 0.40), (0.31, 0.40), (0.98, 0.48), (0.02, 0.48), (1.35, 1.30), (-0.35, 1.30)),
)
SCHEMAS = {"five": FIVE, "coco7": COCO7}


def schema_for(name: str) -> KeypointSchema:
    """Return the schema called `name`; `SchemaError` lists the known ones."""
    try:
        return lookup(SCHEMAS, name, "keypoint schema")
    except ValueError as error:
        raise SchemaError(str(error)) from None


@dataclass(frozen=True, eq=False)
class Detections:
    """The faces of one picture. Immutable and validated; indexing and `merge` return new objects.

    Attributes:
        boxes: (N, 4) float32, x0 y0 x1 y1 in pixels, x1 > x0 and y1 > y0, finite; may reach outside the picture.
        scores: (N,) float32 in [0, 1]; 1 for boxes made by hand.
        keypoints: (N, K, 2) float32 x y in pixels, NaN where a point is unknown, or None when no face has any.
        labels: (N,) str, what is in the box ("face").
        schema: the keypoint schema of `keypoints`; K must equal its length.

    Raises:
        DetectionError: a shape, a value or a box does not fit the above; the message names the first culprit.
    """

    boxes: Array
    scores: Array
    keypoints: Array | None = None
    labels: Array | None = None
    schema: KeypointSchema = FIVE

    def __post_init__(self) -> None:
        if np.ndim(self.boxes) == 0:
            raise DetectionError(f"boxes must have shape (N, 4), got {self.boxes!r}")
        n = len(self.boxes)
        labels = np.full(n, "face") if self.labels is None else np.asarray(self.labels, dtype=str)
        self._freeze("boxes", _floats(self.boxes, (n, 4), "boxes"))
        self._freeze("scores", _floats(self.scores, (n,), "scores"))
        self._freeze("labels", labels)
        if self.keypoints is not None:
            self._freeze("keypoints", _floats(self.keypoints, (n, len(self.schema), 2), "keypoints"))
        _check_boxes(self.boxes)
        if not np.all((self.scores >= 0) & (self.scores <= 1)):
            raise DetectionError(f"scores must lie in [0, 1], got {self.scores.tolist()}")
        if labels.shape != (n,):
            raise DetectionError(f"labels must have shape ({n},), got {labels.shape}")

    def _freeze(self, name: str, array: Array) -> None:
        array = array.copy()
        array.setflags(write=False)
        object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int | slice | Sequence[int] | Array) -> Detections:
        """Return the chosen faces as new `Detections`; an integer gives one of length 1."""
        rows = np.atleast_1d(np.arange(len(self))[index])
        points = None if self.keypoints is None else self.keypoints[rows]
        assert self.labels is not None
        return Detections(self.boxes[rows], self.scores[rows], points, self.labels[rows], self.schema)

    def __iter__(self) -> Iterator[Detections]:
        return (self[i] for i in range(len(self)))

    @classmethod
    def empty(cls, schema: KeypointSchema = FIVE) -> Detections:
        """No face at all."""
        return cls(np.zeros((0, 4)), np.zeros(0), None, None, schema)

    @classmethod
    def merge(cls, parts: Sequence[Detections]) -> Detections:
        """Concatenate `parts` in order; a part without keypoints contributes NaN. All schemas must agree."""
        if not parts:
            return cls.empty()
        schema = parts[0].schema
        if any(part.schema != schema for part in parts):
            raise SchemaError(f"cannot merge keypoint schemas {sorted({part.schema.name for part in parts})}")
        with_points = any(part.keypoints is not None for part in parts)
        return cls(
            boxes=np.concatenate([part.boxes for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
            keypoints=np.concatenate([part.points for part in parts]) if with_points else None,
            labels=np.concatenate([part.labels for part in parts if part.labels is not None]),
            schema=schema,
        )

    @property
    def points(self) -> Array:
        """(N, K, 2) keypoints, all NaN where there are none."""
        if self.keypoints is not None:
            return self.keypoints
        return np.full((len(self), len(self.schema), 2), np.nan, dtype=np.float32)

    @property
    def has_keypoints(self) -> Array:
        """(N,) bool: every keypoint of the face is known."""
        return np.asarray(np.isfinite(self.points).all(axis=(1, 2)))


def _floats(value: Array, shape: tuple[int, ...], name: str) -> Array:
    try:
        with np.errstate(over="ignore"):  # infinite then, and refused below
            array = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise DetectionError(f"{name} must be numbers of shape {shape}") from None
    if array.size == 0 and 0 in shape:
        return array.reshape(shape)
    if array.shape != shape:
        raise DetectionError(f"{name} must have shape {shape}, got {array.shape}")
    wrong = np.isinf(array) if name == "keypoints" else ~np.isfinite(array)  # NaN = unknown point
    if wrong.any():
        raise DetectionError(f"{name} must be finite, got {array[wrong].tolist()}")
    return array


def _check_boxes(boxes: Array) -> None:
    flat = (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    if flat.any():
        index = int(np.flatnonzero(flat)[0])
        raise DetectionError(f"box {index} has no area (x1 must exceed x0, y1 exceed y0): {boxes[index].tolist()}")
