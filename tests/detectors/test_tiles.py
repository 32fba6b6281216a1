import numpy as np
import pytest

from deepanon.detections import Detections
from deepanon.detectors import tiles
from deepanon.detectors.tiles import detect_in_tiles
from deepanon.geometry import iou


def bright_squares(image):
    """A stand-in detector that sees whole bright squares of at least 8 px, by exact means."""
    ys, xs = np.nonzero(image[..., 0] > 200)
    boxes = []
    while len(xs):
        x, y = xs[0], ys[0]
        near = (np.abs(xs - x) < 90) & (np.abs(ys - y) < 90)
        boxes.append([xs[near].min(), ys[near].min(), xs[near].max() + 1, ys[near].max() + 1])
        xs, ys = xs[~near], ys[~near]
    boxes = [b for b in boxes if min(b[2] - b[0], b[3] - b[1]) >= 8]
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    points = np.repeat(boxes[:, None, :2], 5, axis=1)
    return Detections(boxes, np.ones(len(boxes)), points)


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "TILE", 200)
    monkeypatch.setattr(tiles, "OVERLAP", 50)


@pytest.mark.parametrize("shape", [(200, 200), (201, 150), (640, 480), (333, 901)])
def test_every_face_up_to_the_overlap_is_found_where_it_is(shape):
    rng = np.random.default_rng(0)
    for _ in range(20):
        side = int(rng.integers(12, 50))
        y, x = (int(rng.integers(0, limit - side + 1)) for limit in shape)
        image = np.zeros((*shape, 3), np.uint8)
        image[y : y + side, x : x + side] = 255
        faces = detect_in_tiles(bright_squares, image)
        truth = np.array([[x, y, x + side, y + side]])
        best = int(iou(truth, faces.boxes)[0].argmax())
        assert iou(truth, faces.boxes)[0, best] > 0.7
        assert np.abs(faces.points[best] - faces.boxes[best, :2]).max() < 1e-3


def test_a_face_larger_than_a_tile_is_found_on_the_reduced_picture():
    image = np.zeros((900, 900, 3), np.uint8)
    image[100:400, 200:500] = 255
    truth = np.array([[200, 100, 500, 400]])
    assert iou(truth, detect_in_tiles(bright_squares, image).boxes).max() > 0.9


def test_nothing_to_find():
    assert len(detect_in_tiles(bright_squares, np.zeros((500, 500, 3), np.uint8))) == 0
