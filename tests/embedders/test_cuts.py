import warnings

import numpy as np
import pytest

from deepanon.detections import COCO7, Detections
from deepanon.embedders import Aligned, Margin
from deepanon.embedders.cuts import TEMPLATES
from deepanon.errors import OptionError, SchemaError


def picture(height=90, width=120, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def face(box=(20, 10, 60, 70), keypoints=None):
    points = None if keypoints is None else np.asarray(keypoints, dtype=np.float32)[None]
    return Detections(np.array([box], dtype=np.float32), np.ones(1), points)


def test_keypoints_come_to_lie_on_the_template():
    rng = np.random.default_rng(0)
    for template, (size, points) in TEMPLATES.items():
        angle, shift = 0.4, np.array([250.0, 180.0])
        turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        where = (np.array(points) - size / 2) @ turn.T + shift
        image = np.zeros((400, 500, 3), dtype=np.uint8)
        colours = rng.integers(80, 256, (5, 3))
        for (x, y), colour in zip(where, colours, strict=True):
            image[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = colour
        cut = Aligned(template)(image, face(keypoints=where))
        assert cut.shape == (size, size, 3)
        for (x, y), colour in zip(points, colours, strict=True):
            assert np.abs(cut[round(y), round(x)].astype(int) - colour).max() < 30


def test_a_face_that_lies_on_the_template_is_not_touched():
    size, points = TEMPLATES["arcface"]
    image = picture(size, size)
    assert (Aligned()(image, face(keypoints=points)) == image).all()


def test_another_size_scales_the_template():
    np.testing.assert_allclose(Aligned("arcface", 224).points, 2 * Aligned("arcface").points)
    assert "template reid0095 at 64 px" in Aligned("reid0095", 64).description


def test_without_keypoints_nothing_can_be_aligned():
    partly = np.array(TEMPLATES["arcface"][1])
    partly[2] = np.nan
    for keypoints in (None, partly, np.ones((5, 2))):
        assert Aligned()(picture(), face(keypoints=keypoints)) is None
    seven = Detections(np.array([[0, 0, 9, 9]]), np.ones(1), np.zeros((1, 7, 2)), schema=COCO7)
    with pytest.raises(SchemaError, match="schema 'five', but the faces were found with schema 'coco7'"):
        Aligned()(picture(), seven)


@pytest.mark.parametrize(
    "box", [(20, 10, 60, 70), (-12.5, -3, 40.7, 33.2), (100, 60, 140, 95), (3.9, 2.2, 118.4, 88.8)]
)
@pytest.mark.parametrize("margin", [0, 14, 40])
def test_margin_cuts_what_facenet_pytorch_cuts(box, margin):
    with warnings.catch_warnings():
        from facenet_pytorch.models.utils.detect_face import extract_face
    image = picture()
    theirs = extract_face(image, np.array(box, dtype=np.float32), 160, margin).permute(1, 2, 0).numpy()
    assert (Margin(margin, 160)(image, face(box)) == theirs).all()


def test_margin_cannot_cut_what_has_no_pixel():
    assert Margin()(picture(), face((200, 10, 240, 50))) is None
    assert Margin()(picture(), face((10.1, 10.1, 10.8, 40))) is None
    with pytest.raises(OptionError, match="margin must be less than size"):
        Margin(160, 160)


def test_unknown_templates_list_the_known_ones():
    with pytest.raises(OptionError, match="unknown template 'ffhq'; choose one of: arcface, reid0095"):
        Aligned("ffhq")
