import numpy as np
import pytest

from deepanon import geometry
from deepanon.data.crops import PackedCrops
from deepanon.data.synthetic import draw_face, draw_scene, write_packed_crops
from deepanon.detections import FIVE
from deepanon.detectors import build_detector
from deepanon.errors import OptionError


def test_a_face_is_a_picture_with_a_box_and_five_points():
    image, box, keypoints = draw_face(96, np.random.default_rng(0))
    assert (image.shape, image.dtype, box.shape, keypoints.shape) == ((96, 96, 3), np.uint8, (4,), (5, 2))
    assert (box > 0).all()
    assert (box < 96).all()
    assert (keypoints > box[:2]).all()
    assert (keypoints < box[2:]).all()
    left_eye, right_eye, nose, left_mouth, right_mouth = keypoints
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_eyes_are_darker_than_the_face_where_the_points_say():
    for seed in range(5):
        image, box, keypoints = draw_face(200, np.random.default_rng(seed))
        x0, y0, x1, y1 = box.astype(int)
        face = np.median(image[y0:y1, x0:x1].mean(2))
        for x, y in keypoints[:2].astype(int):
            assert image[y - 1 : y + 2, x - 1 : x + 2].mean() < 0.8 * face


def test_faces_differ_and_can_be_repeated():
    faces = [draw_face(64, np.random.default_rng(seed))[0].astype(int) for seed in (1, 1, 2)]
    assert (faces[0] == faces[1]).all()
    assert np.abs(faces[0] - faces[2]).mean() > 10


def test_faces_smaller_than_eight_pixels_are_refused():
    with pytest.raises(OptionError, match="at least 8"):
        draw_face(7, np.random.default_rng(0))


@pytest.mark.parametrize(("width", "height", "faces"), [(320, 240, 1), (640, 120, 7), (100, 300, 5), (64, 48, 0)])
def test_scene_has_its_faces_apart_and_inside(width, height, faces):
    image, found = draw_scene(width, height, faces, seed=3)
    assert (image.shape, image.dtype, len(found), found.schema) == ((height, width, 3), np.uint8, faces, FIVE)
    assert (geometry.clip(found.boxes, width, height) == found.boxes).all()
    shared = geometry.intersection(found.boxes, found.boxes)
    assert (shared[~np.eye(faces, dtype=bool)] == 0).all()
    assert (found.scores == 1).all()
    assert found.has_keypoints.all()


def test_scene_is_decided_by_its_seed():
    first, again, other = (draw_scene(160, 120, 2, seed)[0] for seed in (4, 4, 5))
    assert (first == again).all()
    assert (first != other).any()


def test_face_height_can_be_given_and_must_fit():
    _, found = draw_scene(320, 280, 1, seed=0, face=120)
    assert found.boxes[0, 3] - found.boxes[0, 1] == pytest.approx(120, abs=1)
    with pytest.raises(OptionError, match="do not fit"):
        draw_scene(100, 100, 1, seed=0, face=90)


def test_a_face_detector_takes_them_for_faces():
    detector = build_detector("mtcnn")
    found = 0
    for seed in range(8):
        image, truth = draw_scene(240, 200, 1, seed, face=90)
        detections = detector(image)
        overlap = geometry.iou(truth.boxes, detections.boxes)
        if overlap.size and overlap.max() > 0.5:
            found += 1
            error = detections.points[overlap.argmax()] - truth.points[0]
            assert np.abs(error).max() < 9  # a tenth of the face
    assert found >= 7


def test_packed_crops_can_be_read_back(tmp_path):
    write_packed_crops(tmp_path, "val", 3, seed=1, resolution=32)
    crops = PackedCrops(tmp_path, "val", resolution=32)
    image, box, keypoints = draw_face(32, np.random.default_rng(1))
    assert len(crops) == 3
    np.testing.assert_allclose(crops.boxes[0], box / 32, atol=1e-6)
    np.testing.assert_allclose(crops.keypoints[0], keypoints / 32, atol=1e-6)
    stored = crops[0].images[0].permute(1, 2, 0).numpy().astype(float)
    assert np.abs(stored - image).mean() < 8  # JPEG
    assert sorted(path.name for path in tmp_path.iterdir()) == ["meta.json", "val-000.tar", "val.npz"]
    with pytest.raises(OptionError, match="n must"):
        write_packed_crops(tmp_path, "val", 0, seed=1)


def test_a_drawn_face_stays_the_one_that_it_was():
    """Colours, shapes and the order of random numbers are what stored figures were measured on."""
    image, box, keypoints = draw_face(96, np.random.default_rng(0))
    assert image.mean() == pytest.approx(99.0, abs=0.05)
    assert box == pytest.approx([25.09, 21.776, 68.641, 78.439], abs=1e-3)
    assert keypoints[2] == pytest.approx([43.776, 55.622], abs=1e-3)
