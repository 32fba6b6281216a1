"""Every detector speaks `Detections`, on pictures of every odd kind."""

import numpy as np
import pytest

from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.detectors import DETECTORS, build_detector
from deepanon.errors import ImageError, ModelError, OptionError
from deepanon.geometry import iou

PORTRAIT_BOX = np.array([[181.05, 62.16, 267.75, 172.05]])  # of scikit-image's astronaut, by eye within 15 %


@pytest.fixture(scope="module", params=["mtcnn", "mtcnn_packaged", "cascade"])
def detector(request):
    return build_detector(request.param)


def test_finds_the_portrait(detector, astronaut):
    faces = detector(astronaut)
    assert isinstance(faces, Detections)
    assert iou(faces.boxes, PORTRAIT_BOX).max() > 0.4


def test_mtcnn_keypoints_are_in_schema_order(astronaut):
    left_eye, right_eye, nose, left_mouth, right_mouth = build_detector("mtcnn")(astronaut).points[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert left_eye[1] < nose[1] < left_mouth[1]


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (11, 13), (20, 20), (39, 60), (64, 64), (37, 1500)])
def test_small_and_thin_pictures_have_no_face_and_raise_nothing(detector, shape):
    rng = np.random.default_rng(0)
    for image in (np.zeros((*shape, 3), np.uint8), rng.integers(0, 256, (*shape, 3), dtype=np.uint8)):
        faces = detector(image)
        assert isinstance(faces, Detections)
        assert len(faces) == 0


def test_a_face_at_the_border_of_a_small_picture_is_found(astronaut):
    faces = build_detector("mtcnn")(np.ascontiguousarray(astronaut[55:180, 175:275]))
    assert len(faces) == 1


def test_other_arrays_are_refused(detector):
    for bad in (np.zeros((3, 64, 64), np.uint8), np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32)):
        with pytest.raises(ImageError):
            detector(bad)


def test_several_faces_on_a_drawn_scene():
    image, truth = draw_scene(640, 480, 4, seed=1)
    faces = build_detector("mtcnn")(image)
    assert (iou(truth.boxes, faces.boxes).max(axis=1) > 0.4).sum() >= 3
    assert faces.has_keypoints.all()


def test_unknown_detector_lists_the_known():
    with pytest.raises(OptionError, match=", ".join(sorted(DETECTORS))):
        build_detector("ssd")


def test_cascade_refuses_windows_below_its_own():
    with pytest.raises(OptionError, match="24"):
        build_detector("cascade", min_face_size=10)


def test_yunet_needs_real_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="YuNet"):
        build_detector("yunet", weights=tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match=r"bad\.onnx"):
        build_detector("yunet", weights=tmp_path / "bad.onnx")


def test_descriptions_say_weights_and_thresholds():
    """They are keys of a cache: other weights or thresholds, another line; the same ones, the same line."""
    mtcnn = build_detector("mtcnn").description
    assert mtcnn == build_detector("mtcnn").description
    assert mtcnn.count("SHA-256") == 3
    assert "thresholds 0.6 0.7 0.7; faces from 20 px" in mtcnn
    others = {build_detector("mtcnn", thresholds=(0.6, 0.7, 0.1)).description,
              build_detector("mtcnn", min_face_size=40).description, build_detector("cascade").description}  # fmt: skip
    assert len(others | {mtcnn}) == 4
    assert all("\n" not in line for line in others)


def test_yunet_agrees_with_mtcnn(astronaut, deepanon_data):
    weights = deepanon_data.parent / "weights" / "yunet_n.onnx"
    if not weights.is_file():
        pytest.skip("no YuNet weights beside the data")
    low = build_detector("yunet", weights=weights, threshold=0.02)
    assert "yunet_n.onnx (SHA-256 " in low.description
    assert "threshold 0.02, NMS 0.3" in low.description
    yunet, mtcnn = build_detector("yunet", weights=weights)(astronaut), build_detector("mtcnn")(astronaut)
    assert len(low(astronaut)) > len(yunet)
    assert iou(yunet.boxes, mtcnn.boxes).max() > 0.5
    assert np.abs(yunet.points[0] - mtcnn.points[0]).max() < 12
