"""What is to be done with every frame of a film, as a value and as a file that can be edited and done again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.detections import schema_for
from deepanon.errors import DeepanonError, FilmError
from deepanon.films.covers import DRAWN, LEAP, REASONS, Covers, Doubt, Rules, cover, doubts
from deepanon.films.frames import Source
from deepanon.films.leaving import left_tracks
from deepanon.films.sightings import Sightings
from deepanon.geometry import Array
from deepanon.selection import Selection

FORMAT = 1


@dataclass(frozen=True, eq=False)
class FilmPlan:
    """All that the second pass needs.

    Attributes:
        pts: (F,) int64 when each frame is shown, in the film's time base.
        durations: (F,) int64 for how long; 0 = not said.
        damaged: (D,) int64 frames that could not be decoded.
        covers: what becomes of each face.
        doubts: spans that are redacted without knowing what is there.
        left: tracks of faces that are left as they are, and why.
    """

    pts: Array
    durations: Array
    damaged: Array
    covers: Covers
    doubts: list[Doubt]
    left: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def tracks(self) -> int:
        """How many there are, counting from 0 to the highest number."""
        return int(self.covers.tracks.max()) + 1 if len(self.covers.tracks) else 0

    @classmethod
    def make(cls, seen: Sightings, rules: Rules) -> FilmPlan:
        """Decide from what was found."""
        covers = cover(seen, rules)
        return cls(seen.pts, seen.durations, seen.damaged, covers, doubts(seen, covers))

    @property
    def drawn(self) -> Array:
        """(R,) bool, rows of the covers that are drawn anew."""
        return (self.covers.why == DRAWN) & ~self._open

    @property
    def redacted(self) -> Array:
        """(R,) bool, rows of the covers that are redacted."""
        return (self.covers.why != DRAWN) & ~self._open

    @property
    def _open(self) -> Array:
        return np.isin(self.covers.tracks, list(self.left))

    @property
    def left_open(self) -> list[dict[str, Any]]:
        """Every track that is left as it is: its number, why, and its first and last frame; plain values."""
        frames = {number: self.covers.frames[self.covers.tracks == number] for number in sorted(self.left)}
        return [
            {"track": number, "reason": self.left[number], "frames": [int(some.min()), int(some.max())]}
            for number, some in frames.items()
            if len(some)
        ]

    def left_boxes(self, frame: int) -> Array:
        """(M, 4) of the faces that were found in that frame and are left as they are."""
        faces, tracks, _ = self.covers.at(frame)
        return faces.boxes[np.isin(tracks, list(self.left)) & (faces.scores > 0)]

    def leaving(self, selection: Selection) -> FilmPlan:
        """The same, with tracks left that `selection` leaves.

        One kind of their doubts remains: on the two sides of a leap there may be two people, and one did not agree.
        """
        left = left_tracks(self.covers, selection) | self.left
        doubts = [doubt for doubt in self.doubts if doubt.track not in left or doubt.reason == REASONS[LEAP]]
        return replace(self, left=left, doubts=doubts)

    def blackened(self, tracks: Iterable[int]) -> FilmPlan:
        """See `Covers.blackened`."""
        return replace(self, covers=self.covers.blackened(tracks))

    def to_json(self) -> dict[str, Any]:
        """Plain values: one entry a track, one line a frame in it."""
        rows = [np.flatnonzero(self.covers.tracks == number) for number in range(self.tracks)]
        return {
            "format": FORMAT,
            "kind": "film",
            "schema": self.covers.schema.name,
            "pts": self.pts.tolist(),
            "durations": self.durations.tolist(),
            "damaged": self.damaged.tolist(),
            "tracks": [
                {"number": number, **self._left(number), "faces": [self._face(int(row)) for row in some]}
                for number, some in enumerate(rows)
                if len(some)
            ],
            "doubts": [doubt.__dict__ for doubt in self.doubts],
        }

    def _left(self, number: int) -> dict[str, str]:
        return {"left": self.left[number]} if number in self.left else {}

    def _face(self, row: int) -> dict[str, Any]:
        points = self.covers.keypoints[row]
        why = int(self.covers.why[row])
        return {
            "frame": int(self.covers.frames[row]),
            "box": _plain(self.covers.boxes[row]),
            "score": _plain(self.covers.scores[row : row + 1])[0],
            "label": str(self.covers.labels[row]),
            "keypoints": [_plain(point) for point in points] if np.isfinite(points).all() else None,
            "redacted": None if why == DRAWN else REASONS[why],
        }

    @classmethod
    def read(cls, path: str | Path, film: Source) -> FilmPlan:
        """Read what `to_json` gave, edited or not; faces that are no longer in it are left as they are in the film.

        Raises:
            FilmError: it is no such file, or it does not go with `film`.
        """
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            if stored.get("format") != FORMAT or stored.get("kind") != "film":
                raise FilmError(f"{path}: not a film's file of format {FORMAT}")
            covers = _covers(stored)
            plan = cls(
                pts=np.array(stored["pts"], dtype=np.int64),
                durations=np.array(stored["durations"], dtype=np.int64),
                damaged=np.array(stored["damaged"], dtype=np.int64),
                covers=covers,
                doubts=[Doubt(**doubt) for doubt in stored["doubts"]],
                left=_left(stored["tracks"]),
            )
        except OSError as error:
            raise FilmError(f"{path}: cannot be read ({error.strerror})") from error
        except (KeyError, TypeError, ValueError, AttributeError, DeepanonError) as error:
            what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
            raise FilmError(f"{path}: {what}") from error
        if len(covers.frames) and not 0 <= covers.frames.min() <= covers.frames.max() < len(plan):
            raise FilmError(f"{path}: names frames that are not among the {len(plan)} of the film")
        return plan


def _left(tracks: list[dict[str, Any]]) -> dict[int, str]:
    """Which tracks a file leaves, and why; `FilmError` where it is not clear what is meant."""
    for track in tracks:
        if any("left" in face for face in track["faces"]):
            raise FilmError(f'track {track["number"]}: "left" is said of a whole track, not of one of its faces')
        if not (isinstance(track.get("left", "-"), str) and track.get("left", "-").strip()):
            raise FilmError(f'track {track["number"]}: "left" must say why, in words')
    left = {int(track["number"]): track["left"] for track in tracks if "left" in track}
    twice = left.keys() & {int(track["number"]) for track in tracks if "left" not in track}
    if twice:
        raise FilmError(f"track {min(twice)} comes twice, once left and once not")
    return left


def _plain(values: Array) -> list[float]:
    """The shortest numbers that are these float32 values again."""
    return [float(str(value)) for value in values]


def _covers(stored: dict[str, Any]) -> Covers:
    schema = schema_for(stored["schema"])
    codes = {reason: code for code, reason in REASONS.items()} | {None: DRAWN}
    rows = [(track["number"], face) for track in stored["tracks"] for face in track["faces"]]
    rows.sort(key=lambda row: row[1]["frame"])
    unknown = [[np.nan, np.nan]] * len(schema)
    faces = [face for _, face in rows]
    count = len(rows)
    return Covers(
        frames=np.array([face["frame"] for face in faces], dtype=np.int64),
        tracks=np.array([number for number, _ in rows], dtype=np.int64),
        boxes=np.array([face["box"] for face in faces], dtype=np.float32).reshape(count, 4),
        scores=np.array([face.get("score", 1.0) for face in faces], dtype=np.float32),
        keypoints=np.array([face.get("keypoints") or unknown for face in faces], dtype=np.float32).reshape(
            count, len(schema), 2
        ),
        labels=np.array([face.get("label", "face") for face in faces], dtype=str),
        why=np.array([codes[face.get("redacted")] for face in faces], dtype=np.uint8),
        schema=schema,
    )
