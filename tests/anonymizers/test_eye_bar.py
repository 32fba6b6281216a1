"""Bars and ellipses: black where they say, open where they say, and black all over where eyes are not known."""

import numpy as np
import pytest

from deepanon.anonymizers import ByLabel, build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.detections import COCO7, FIVE, Detections, KeypointSchema
from deepanon.pipeline import replace_faces

BOX = (60, 40, 124, 136)


def picture(seed=0):
    return np.random.default_rng(seed).integers(1, 256, (200, 220, 3), dtype=np.uint8)  # nothing is black


def face(eyes, box=BOX, schema=FIVE):
    points = np.full((1, len(schema), 2), np.nan)
    for name, at in zip(("left eye", "right eye"), eyes, strict=True):
        if name in schema.points:
            points[0, schema.points.index(name)] = at
    return Detections(np.array([box], np.float32), np.ones(1), points, schema=schema)


def black(image):
    return (image == 0).all(axis=-1)


@pytest.mark.parametrize("schema", [FIVE, COCO7])
@pytest.mark.parametrize(
    "eyes", [((78, 80), (106, 80)), ((78, 70), (106, 92)), ((106, 92), (78, 70)), ((90, 80), (90, 80))]
)
def test_the_strip_lies_along_the_eyes(eyes, schema):
    """Pixel by pixel: how far the middle of a pixel is from the line through both eyes."""
    image = picture()
    out = replace_faces(image, face(eyes, schema=schema), build_anonymizer("eye_bar:height=0.25"), [1])
    (ax, ay), (bx, by) = eyes if eyes[0] != eyes[1] else (eyes[0], (eyes[0][0] + 1, eyes[0][1]))  # level if on one spot
    y, x = np.mgrid[:200, :220] + 0.5
    away = np.abs((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / np.hypot(bx - ax, by - ay)
    inside = (x > BOX[0]) & (x < BOX[2]) & (y > BOX[1]) & (y < BOX[3])
    sure = np.abs(away - 12) > 0.01  # half of 0.25 of 96 px
    assert np.array_equal(black(out)[sure], (inside & (away < 12))[sure])
    assert sure.mean() > 0.98
    assert np.array_equal(out[~black(out)], image[~black(out)])


@pytest.mark.parametrize(
    "faces",
    [
        Detections(np.array([BOX], np.float32), np.ones(1)),
        face(((np.nan, np.nan), (106, 80))),
        face(((40, 80), (106, 80))),  # beside its box
        face(((78, 80), (106, 150))),
        face(((78, 80), (106, 80)), schema=KeypointSchema("nose", ("nose",), (0,), ((0.5, 0.6),))),
    ],
    ids=["no keypoints", "one eye unknown", "an eye left of the box", "an eye below the box", "a schema without eyes"],
)
def test_without_eyes_the_whole_box_is_black(faces):
    image = picture()
    out = replace_faces(image, faces, build_anonymizer("eye_bar"), [1])
    inside = np.zeros(image.shape[:2], bool)
    inside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = True
    assert np.array_equal(black(out), inside)
    assert np.array_equal(out[~inside], image[~inside])


def test_the_ellipse_touches_all_sides_and_leaves_the_corners():
    image = picture()
    out = replace_faces(image, face(((78, 80), (106, 80))), build_anonymizer("blackout_ellipse"), [1])
    y, x = np.mgrid[:200, :220] + 0.5
    within = ((x - 92) / 32) ** 2 + ((y - 88) / 48) ** 2 <= 1
    assert np.array_equal(black(out), within)
    assert np.array_equal(out[~within], image[~within])


@pytest.mark.parametrize("method", ["eye_bar", "blackout_ellipse", "eye_bar+gaussian:sigma=0.01"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_no_box_lays_open_what_is_hidden_in_another(method, order):
    """Two heads, one before the other: the second box is not the original over the first one's bar."""
    image = picture()
    boxes = np.array([[40, 40, 104, 120], [80, 50, 150, 140]], np.float32)
    points = np.full((2, 5, 2), np.nan)
    points[0, :2], points[1, :2] = [[60, 72], [90, 76]], [[100, 110], [130, 106]]  # bars that do not lie on one another
    both = Detections(boxes, np.ones(2), points)[list(order)]
    out = replace_faces(image, both, build_anonymizer(method), [1, 2])
    for row in range(2):
        alone = replace_faces(image, both[[row]], build_anonymizer(method), [1])
        hidden = black(alone)
        if "+" in method:  # blurred once more where the boxes share pixels
            hidden[:, :] = black(replace_faces(image, both[[row]], build_anonymizer("eye_bar"), [1]))
            assert (out[hidden] == image[hidden]).all(axis=-1).mean() < 0.01
        else:
            assert black(out)[hidden].all()


def test_the_same_with_rules_where_a_blind_method_draws_beside():
    """What a blind rule covers stays hidden, and what a bar covers too, whatever lies on top."""
    image = picture()
    boxes = np.array([[40, 40, 104, 120], [80, 50, 150, 140], [90, 60, 130, 100]], np.float32)
    points = np.full((3, 5, 2), np.nan)
    points[0, :2], points[1, :2] = [[60, 72], [90, 76]], [[100, 110], [130, 106]]
    faces = Detections(boxes, np.ones(3), points, np.array(["face", "face", "plate"]))
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        results = []
        for seed in (0, 1):
            changed = image.copy()
            changed[60:100, 90:130] = picture(seed)[60:100, 90:130]
            rules = ByLabel({"face": build_anonymizer("eye_bar"), "plate": build_anonymizer("solid")})
            results.append(replace_faces(changed, faces[order], rules, [1, 2, 3]))
        assert np.array_equal(*results)


def test_two_hundred_ellipses():
    rng = np.random.default_rng(0)
    image = rng.integers(1, 256, (300, 400, 3), dtype=np.uint8)
    low = rng.uniform(5, 250, (200, 2)).round()
    boxes = np.concatenate([low, low + rng.uniform(6, 40, (200, 2)).round()], 1).astype(np.float32)
    out = replace_faces(image, Detections(boxes, np.ones(200)), build_anonymizer("blackout_ellipse"), list(range(200)))
    y, x = np.mgrid[:300, :400] + 0.5
    within = np.zeros((300, 400), bool)
    for x0, y0, x1, y1 in boxes:
        within |= ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2 < 1 - 1e-6
    assert black(out)[within].all()


def test_they_are_drawn_on_drawn_faces():
    image, faces = draw_scene(320, 240, 2, seed=5)
    out = replace_faces(image, faces, build_anonymizer("eye_bar"), [1, 2])
    for row, (x0, y0, x1, y1) in enumerate(faces.boxes.astype(int)):
        eyes = faces.points[row, :2].astype(int)
        assert all((out[y, x] == 0).all() for x, y in eyes)
        assert 0.1 < black(out[y0:y1, x0:x1]).mean() < 0.6
