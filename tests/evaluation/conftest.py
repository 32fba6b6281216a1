"""Drawn photos, and detectors and methods whose answers are known."""

import numpy as np
import pytest

from deepanon.data.synthetic import draw_scene
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.images import write_image


class Fixed:
    """A detector that says what it is told, for every picture."""

    def __init__(self, detections, name="fixed"):
        self.detections, self.name, self.description, self.calls = detections, name, f"{name} detector", []

    def __call__(self, image, name=""):
        self.calls.append(name)
        return self.detections


class Identity:
    """A method that changes nothing."""

    name, description, sees_face, random, size = "identity", "changes nothing", True, False, None

    def __call__(self, crops, seeds):
        return crops.context


@pytest.fixture(scope="session")
def fixed():
    return Fixed


@pytest.fixture(scope="session")
def identity():
    return Identity


def boxes_only(boxes):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return Detections(boxes, np.ones(len(boxes)))


@pytest.fixture(scope="session")
def only():
    return boxes_only


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Four drawn scenes of two faces; one more face is annotated where there is only background."""
    folder = tmp_path_factory.mktemp("drawn")
    made = []
    for seed in range(4):
        image, faces = draw_scene(320, 180, 2, seed, face=80)
        write_image(folder / f"{seed}.png", image)
        made.append(AnnotatedPhoto(folder / f"{seed}.png", f"{seed}.png", faces.boxes, np.zeros(2, dtype=bool)))
    nobody = np.append(made[0].boxes, [[1, 1, 5, 5]], axis=0).astype(np.float32)
    made[0] = AnnotatedPhoto(made[0].path, made[0].name, nobody, np.zeros(3, dtype=bool))
    return made
