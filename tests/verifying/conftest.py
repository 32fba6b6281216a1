"""Drawn scenes, what compression does to them, and simple eyes."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from deepanon.data.synthetic import draw_scene
from deepanon.detections import FIVE, Detections
from deepanon.embedders import Margin, Recogniser
from deepanon.verifying import Change, Comparison

MAGENTA = (255, 0, 255)


class Squares:
    """Finds magenta squares by their pixels; a real detector, of a simple kind of face."""

    name = description = "squares"

    def __call__(self, image, name=""):
        image = image.astype(int)
        hit = (image[..., 0] > 180) & (image[..., 1] < 90) & (image[..., 2] > 180)
        columns = np.flatnonzero(hit.sum(0) > 3)
        if not len(columns):
            return Detections.empty(FIVE)
        boxes = []
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            rows = np.flatnonzero(hit[:, run].any(1))
            boxes.append([run[0], rows[0], run[-1] + 1, rows[-1] + 1])
        boxes = np.array(boxes, dtype=np.float32)
        points = np.array(FIVE.template) * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]
        return Detections(boxes, np.full(len(boxes), 0.99), points)


class Grid:
    """An embedder of 8 x 8 mean colours, less their mean: pictures that look alike are alike to it."""

    name, size, description = "grid", 32, "mean colours"

    def __call__(self, images):
        small = torch.nn.functional.adaptive_avg_pool2d(images.float(), 8).flatten(1)
        return small - small.mean(1, keepdim=True) + 1e-4


@pytest.fixture
def recogniser():
    return Recogniser(Grid(), Margin(0, 32))


@pytest.fixture
def squares():
    return Squares()


@pytest.fixture(scope="session")
def scene():
    """A picture with three faces of 110 px, and where they are."""
    return draw_scene(720, 420, 3, seed=5, face=110)


@pytest.fixture
def compress():
    """(H, W, 3) uint8 and a quality -> the same after JPEG."""

    def through(pixels, quality):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
        return np.array(Image.open(stream).convert("RGB"))

    return through


@pytest.fixture
def changes():
    """What became of every face: (original, output, faces) -> list of `Change`."""

    def of(original, output, faces) -> list[Change]:
        comparison = Comparison(original, output, faces.boxes)
        return [comparison(box) for box in faces.boxes]

    return of
