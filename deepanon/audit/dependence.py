"""Whether what a method makes depends on the face: other pixels under the boxes, and bit for bit the same picture?

Attackers can miss a trace; this cannot, as long as one level of one pixel tells of it. It says nothing of whether what
is left of a face can be recognised.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepanon import geometry
from deepanon.anonymizers import Anonymizer, ByLabel
from deepanon.audit.people.subjects import Subject
from deepanon.detections import Detections
from deepanon.geometry import Array
from deepanon.pipeline import replace_faces
from deepanon.seeds import Seeds

PHOTOS = 24  # that are looked at; a method that looks under the box does it everywhere


def dependence(subjects: Sequence[Subject], method: Anonymizer | ByLabel, seed: int = 0) -> dict[str, int]:
    """Replace the faces of some photos twice with the same randomness, once with noise where the faces were.

    Args:
        subjects: evenly spaced ones are taken.
        method: what is tested.
        seed: of the method and of the noise.

    Returns:
        "photos", how many were looked at; "changed", in how many of them any pixel came out otherwise.
    """
    if not subjects:
        return {"photos": 0, "changed": 0}
    rows = np.unique(np.linspace(0, len(subjects) - 1, PHOTOS).astype(int))
    seeds, rng, changed = Seeds.from_seed(seed), np.random.default_rng(seed), 0
    for one in (subjects[row] for row in rows):
        image, drawn = one.read(), seeds(one.name, len(one.faces))
        as_is, other = (replace_faces(view, one.faces, method, drawn) for view in (image, noisy(image, one.faces, rng)))
        changed += not np.array_equal(as_is, other)
    return {"photos": len(rows), "changed": changed}


def noisy(image: Array, faces: Detections, rng: np.random.Generator) -> Array:
    """A copy of an (H, W, 3) uint8 picture with noise in every pixel that a face box touches."""
    image = image.copy()
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in geometry.clip(geometry.outward(faces.boxes), width, height):
        image[y0:y1, x0:x1] = rng.integers(0, 256, image[y0:y1, x0:x1].shape, dtype=np.uint8)
    return image
