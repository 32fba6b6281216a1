"""Small pictures with faces that are known, so that no network runs."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.detections import FIVE, Detections
from deepanon.detectors import Given
from deepanon.images import write_image
from deepanon.pipeline import FaceAnonymizer
from deepanon.seeds import Seeds

POINTS = np.array(FIVE.template)


def face(x, y, side=20):
    """One face at (x, y)."""
    box = np.array([[x, y, x + side, y + side]], np.float32)
    return Detections(box, np.full(1, 0.9), (POINTS * side + (x, y))[None])


class Counting(Given):
    """`Given` that knows which pictures it was asked for."""

    def __init__(self, faces):
        super().__init__(faces)
        self.asked = []

    def __call__(self, image, name=""):
        self.asked.append(name)
        return super().__call__(image, name)


class Photos:
    """A folder of small photos, and what anonymizes them."""

    def __init__(self, root, names, size=64):
        rng = np.random.default_rng(0)
        self.root, self.names = root, list(names)
        self.faces = {}
        for name in self.names:
            write_image(root / name, rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
            self.faces[name] = face(*rng.integers(2, size - 24, 2))

    def anonymizer(self, method="blackout", seeds=None):
        return FaceAnonymizer(Counting(self.faces), build_anonymizer(method), seeds or Seeds.from_seed(1))


@pytest.fixture
def photos(tmp_path):
    """Seven photos in three folders."""
    names = ["b.png", "a.png", "sub/a.png", "sub/c.bmp", "sub/deep/x.png", "sub/deep/y.png", "z/a.png"]
    return Photos(tmp_path / "in", names)


@pytest.fixture
def many_photos():
    return Photos
