"""Faces from a file (JSON or CSV) instead of a network, and the writing of such files.

JSON, as `deepanon detect` writes it::

    {"format": 1, "schema": "five",
     "images": {"party/one.jpg": {"width": 640, "height": 480, "faces": [
         {"box": [x0, y0, x1, y1], "score": 0.98, "label": "face", "keypoints": [[x, y], ...] or null}]}}}

CSV, one face a line: `image,x0,y0,x1,y1` and, if known, `score`, `label` and `<keypoint name> x`, `<keypoint name> y`
for every point of schema "five"; a picture without faces has a line with an empty box.
All coordinates are pixels of the upright picture.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.detections import FIVE, Detections, KeypointSchema, schema_for
from deepanon.errors import DeepanonError, DetectionError
from deepanon.files import named, replacing
from deepanon.geometry import Array
from deepanon.images import check_pixels

FORMAT = 1


class Given:
    """A detector that knows the answer: faces by picture name, from a file or from Python.

    Args:
        faces: path of a JSON or CSV file, or a mapping from picture name to `Detections`.

    Raises:
        DetectionError: the file is missing or malformed; the message says where.
    """

    name = "given"

    def __init__(self, faces: str | Path | Mapping[str, Detections]) -> None:
        self.sizes: dict[str, tuple[int, int]] = {}
        if isinstance(faces, Mapping):
            self.faces = dict(faces)
            self.description = f"faces given in Python for {len(self.faces)} pictures (SHA-256 {_digest(self.faces)})"
        else:
            self.faces, self.sizes = _read(Path(faces))
            self.description = f"faces given in {named(faces)}"

    def __call__(self, image: Array, name: str = "") -> Detections:
        """Return the faces of the picture called `name`.

        Raises:
            DetectionError: the file has no entry of that name, or one for a picture of another size. A missing entry
                is never taken to mean that there is no face.
        """
        check_pixels(image)
        return self.of(name, image.shape[1], image.shape[0])

    def of(self, name: str, width: int, height: int) -> Detections:
        """What a call returns for a picture of that size, without the picture."""
        if name not in self.faces:
            raise DetectionError(f"the detections have no entry for {name!r} (an entry without faces says so)")
        if self.sizes.get(name, (width, height)) != (width, height):
            was = "x".join(map(str, self.sizes[name]))
            raise DetectionError(f"the detections of {name!r} were made on {was} pixels, but it has {width}x{height}")
        return self.faces[name]


def write_detections(
    path: str | Path, found: Mapping[str, tuple[Detections, int, int]], schema: KeypointSchema
) -> None:
    """Write JSON that `Given` reads: picture name -> (faces, width, height)."""
    images = {
        name: {"width": width, "height": height, "faces": faces_to_json(faces)}
        for name, (faces, width, height) in found.items()
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"format": FORMAT, "schema": schema.name, "images": images}, indent=1) + "\n")


def faces_to_json(faces: Detections) -> list[dict[str, Any]]:
    """Plain lists and numbers, one dict a face."""
    return [
        {
            "box": face.boxes[0].round(2).tolist(),
            "score": round(float(face.scores[0]), 5),
            "label": str(face.labels[0]) if face.labels is not None else "face",
            "keypoints": face.points[0].round(2).tolist() if face.has_keypoints[0] else None,
        }
        for face in faces
    ]


def _digest(faces: Mapping[str, Detections]) -> str:
    """The first 16 digits of a SHA-256 over names, boxes, scores and keypoints."""
    digest = hashlib.sha256()
    for name in sorted(faces):
        digest.update(f"{name}\0{len(faces[name])}\0{faces[name].schema.name}\0".encode())
        for array in (faces[name].boxes, faces[name].scores, faces[name].points):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> tuple[dict[str, Detections], dict[str, tuple[int, int]]]:
    if not path.is_file():
        raise DetectionError(f"detections file {path} does not exist")
    try:
        if path.suffix.lower() == ".csv":
            return _read_csv(path), {}
        return _read_json(path)
    except (DeepanonError, KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        raise DetectionError(f"{path}: {what}") from error


def _read_json(path: Path) -> tuple[dict[str, Detections], dict[str, tuple[int, int]]]:
    stored = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise DetectionError(f"not a detections file of format {FORMAT}")
    schema = schema_for(stored["schema"])
    faces, sizes = {}, {}
    for name, entry in stored["images"].items():
        try:
            faces[name] = _from_json(entry["faces"], schema)
        except (DetectionError, KeyError, TypeError, ValueError) as error:
            raise DetectionError(f"faces of {name!r}: {error}") from error
        if "width" in entry and "height" in entry:
            sizes[name] = (int(entry["width"]), int(entry["height"]))
    return faces, sizes


def _from_json(faces: list[dict[str, Any]], schema: KeypointSchema) -> Detections:
    if not faces:
        return Detections.empty(schema)
    unknown = np.full((len(schema), 2), np.nan)
    points = [unknown if face.get("keypoints") is None else face["keypoints"] for face in faces]
    return Detections(
        boxes=np.array([face["box"] for face in faces], dtype=np.float32),
        scores=np.array([face.get("score", 1.0) for face in faces], dtype=np.float32),
        keypoints=np.array(points, dtype=np.float32),
        labels=np.array([face.get("label", "face") for face in faces]),
        schema=schema,
    )


def _read_csv(path: Path) -> dict[str, Detections]:
    rows: dict[str, list[dict[str, Any]]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            try:
                faces = rows.setdefault(row["image"], [])
                if any(row[edge].strip() for edge in ("x0", "y0", "x1", "y1")):
                    faces.append(_from_csv(row))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise DetectionError(f"line {line}: {error!r}") from error
    return {name: _from_json(faces, FIVE) for name, faces in rows.items()}


def _from_csv(row: dict[str, str]) -> dict[str, Any]:
    points = [[row.get(f"{point} {axis}") or "nan" for axis in "xy"] for point in FIVE.points]
    return {
        "box": [float(row[edge]) for edge in ("x0", "y0", "x1", "y1")],
        "score": float(row.get("score") or 1),
        "label": row.get("label") or "face",
        "keypoints": [[float(v) for v in point] for point in points],
    }
