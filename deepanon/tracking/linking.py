"""Which detection of this frame is which face of the last ones."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
from scipy.optimize import linear_sum_assignment

from deepanon import geometry
from deepanon.detections import Detections, KeypointSchema
from deepanon.errors import SchemaError
from deepanon.geometry import Array
from deepanon.tracking.track import SEEN, Track

MEMORY = 1.0  # seconds without a detection after which a face that comes back is another track
WAIT = 2.5  # frames without a detection that are always waited for, however few a second has
OVERLAP = 0.1  # IoU with where the face is expected; below it nearness decides
REACH = 1.0  # face sides that a face may lie from where it is expected …
DRIFT = 1.0  # … and face sides more for each second that it was not seen
RECENT = 0.15  # seconds of motion that say where a face is expected
GROWTH = 2.0  # times larger or smaller than expected, at most, where only nearness speaks


class Linker:
    """Follows faces from frame to frame: constant velocity, and the best one-to-one match of each frame.

    Matches are found by the Hungarian algorithm on overlap with the place where each face is expected (as in SORT,
    Bewley et al. 2016); small quick faces that overlap nothing go by nearness. No detection is ever dropped: what
    matches nothing begins a track, however short that one will be.

    Args:
        schema: of the keypoints of all detections.
        memory: seconds for which a face is waited for.
    """

    def __init__(self, schema: KeypointSchema, memory: float = MEMORY) -> None:
        self.schema, self.memory = schema, memory
        self._open: list[_Path] = []
        self._done: list[_Path] = []
        self._begun = 0
        self._time = -np.inf

    def add(self, frame: int, time: float, faces: Detections, cut: bool = False) -> None:
        """Take the faces of the next frame.

        Args:
            frame: its number, higher than the last one's.
            time: in seconds, later than the last one's.
            faces: what was found there.
            cut: whether a new scene begins with this frame: nothing before it is continued.

        Raises:
            SchemaError: keypoints of another schema.
        """
        if len(faces) and faces.schema != self.schema:
            raise SchemaError(f"tracks hold keypoints of {self.schema.name!r}, frame {frame} has {faces.schema.name!r}")
        self._close(time, cut)
        assert faces.labels is not None  # filled in by Detections itself
        taken = self._match(time, faces)
        for i in range(len(faces)):
            if i not in taken:
                path = _Path(self._begun, str(faces.labels[i]))
                self._begun += 1
                self._open.append(path)
                taken[i] = path
            taken[i].extend(frame, time, faces.boxes[i], float(faces.scores[i]), faces.points[i])

    def forget(self, before: int) -> None:
        """Drop what was seen in frames below `before`, so that what never ends does not grow without end.

        Numbers are not used again. Faces that are waited for keep their last detection: links stay as they would be.
        """
        self._done = [path for path in self._done if path.frames[-1] >= before]
        for path in self._done + self._open:
            path.forget(before)

    def finish(self) -> list[Track]:
        """Every track so far that is not forgotten, in order of first appearance; more frames may be added."""
        paths = sorted(self._done + self._open, key=lambda path: path.number)
        return [path.track(self.schema) for path in paths]

    def _close(self, time: float, cut: bool) -> None:
        """End the paths that are waited for no longer; a film of one frame a second waits for two of them."""
        wait = max(self.memory, WAIT * (time - self._time)) if np.isfinite(self._time) else self.memory
        self._time = time
        self._done += [path for path in self._open if cut or time - path.time > wait]
        self._open = [path for path in self._open if not (cut or time - path.time > wait)]

    def _match(self, time: float, faces: Detections) -> dict[int, _Path]:
        """Which open path each face continues, by the face's row."""
        if not self._open or not len(faces):
            return {}
        expected = np.stack([path.expected(time) for path in self._open])
        waited = np.array([time - path.time for path in self._open])
        closeness = _closeness(expected, faces.boxes.astype(np.float64), waited)
        same = np.array([path.label for path in self._open])[:, None] == np.asarray(faces.labels)[None, :]
        closeness = np.where(same, closeness, 0)
        rows, columns = linear_sum_assignment(closeness, maximize=True)
        return {int(j): self._open[i] for i, j in zip(rows, columns, strict=True) if closeness[i, j] > 0}


def _closeness(expected: Array, found: Array, waited: Array) -> Array:
    """(P, 4), (N, 4), (P,) -> (P, N): IoU above `OVERLAP`; below it what is left of the reach, as less; else 0."""
    overlap = geometry.iou(expected, found)
    size, found_size = (np.sqrt(geometry.area(boxes)) for boxes in (expected, found))
    distance = np.linalg.norm(_centres(expected)[:, None] - _centres(found)[None], axis=-1)
    reach = size * (REACH + DRIFT * waited)
    ratio = size[:, None] / found_size[None]
    near = np.clip(1 - distance / reach[:, None], 0, 1) * ((ratio < GROWTH) & (ratio > 1 / GROWTH))
    return np.where(overlap >= OVERLAP, overlap, OVERLAP * near)


def _centres(boxes: Array) -> Array:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


class _Path:
    """A track that grows: plain numbers in a row, because a film has millions of them."""

    def __init__(self, number: int, label: str) -> None:
        self.number, self.label = number, label
        self.frames, self.numbers = array("q"), array("d")  # box, score, keypoints
        self.time, self.box, self.velocity, self.weight = 0.0, np.zeros(4), np.zeros(2), 0.0

    def expected(self, time: float) -> Array:
        """Where the box lies at `time` if nothing changes."""
        return np.asarray(self.box + np.tile(self.velocity, 2) * (time - self.time))

    def extend(self, frame: int, time: float, box: Array, score: float, points: Array) -> None:
        """Go on with a detection."""
        box = box.astype(np.float64)
        if len(self.frames):
            moved = ((box - self.box)[:2] + (box - self.box)[2:]) / 2 / (time - self.time)
            self._gather(moved, time - self.time)
        self.time, self.box = time, box
        self.frames.append(frame)
        self.numbers.extend([*box.tolist(), score, *points.ravel().tolist()])

    def _gather(self, moved: Array, elapsed: float) -> None:
        """Mean speed of about the last `RECENT` seconds: single differences tremble."""
        share = elapsed / (elapsed + RECENT)
        self.weight += share * (1 - self.weight)
        self.velocity = self.velocity + (moved - self.velocity) * share / self.weight

    def forget(self, before: int) -> None:
        """Drop the detections in frames below `before`, but the last one."""
        count = min(bisect_left(self.frames, before), len(self.frames) - 1)
        width = len(self.numbers) // len(self.frames)
        del self.frames[:count], self.numbers[: count * width]

    def track(self, schema: KeypointSchema) -> Track:
        """What was followed."""
        rows = np.frombuffer(self.numbers, dtype=np.float64).reshape(len(self.frames), -1)
        return Track(
            number=self.number,
            label=self.label,
            frames=np.frombuffer(self.frames, dtype=np.int64).copy(),
            boxes=rows[:, :4].copy(),
            scores=rows[:, 4].copy(),
            keypoints=rows[:, 5:].reshape(len(rows), len(schema), 2).copy(),
            how=np.full(len(rows), SEEN, dtype=np.uint8),
            schema=schema,
        )
