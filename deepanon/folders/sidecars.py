"""What was done with each file, in a file beside it, to be looked at, edited and done again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from deepanon import __version__
from deepanon.detections import Detections
from deepanon.detectors.given import FORMAT, faces_to_json
from deepanon.files import replacing
from deepanon.geometry import Array
from deepanon.pipeline import FaceAnonymizer


def sidecar_of(folder: str | Path, name: str) -> Path:
    """Where the sidecar of the file called `name` lies below `folder`."""
    return Path(folder) / f"{name}.json"


def write_sidecar(path: Path, facts: dict[str, Any]) -> None:
    """Write a sidecar whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def made_with(anonymizer: FaceAnonymizer) -> dict[str, Any]:
    """With what photos are made: plain values that name method, model and detector; no secret.

    `seeds` is a digest by which whoever holds the secret can tell that it was this one; None = nobody can make these
    faces again.
    """
    secret = anonymizer.seeds.secret
    return {
        "method": anonymizer.anonymizer.name,
        "drawn_by": anonymizer.anonymizer.description,
        "detector": anonymizer.detector.description,
        "on_no_face": anonymizer.on_no_face,
        "selection": anonymizer.selection.description,
        "seeds": None if secret is None else hashlib.sha256(b"seeds of " + secret).hexdigest(),
        "version": __version__,
    }


def photo_facts(name: str, pixels: Array, faces: Detections, anonymizer: FaceAnonymizer) -> dict[str, Any]:
    """The sidecar of a photo, in the form that `Given` reads: no pixel of it."""
    entry = {"width": pixels.shape[1], "height": pixels.shape[0], "faces": faces_to_json(faces)}
    return {"format": FORMAT, "schema": faces.schema.name, "images": {name: entry}, "made": made_with(anonymizer)}
