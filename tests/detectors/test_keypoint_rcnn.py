"""Keypoint R-CNN: real network, random weights; a real download from a server on this machine."""

import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from deepanon.detections import COCO7
from deepanon.detectors import KeypointRcnn, keypoint_rcnn
from deepanon.detectors.keypoint_rcnn import face_boxes
from deepanon.errors import ModelError, OptionError

IMAGE = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
SMALL = {"nms": 0.02, "min_size": 48, "max_size": 64}  # few people and few pixels, so that a test takes a second


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights, in half precision to save room, named as a download with its sum."""
    from torchvision.models.detection import keypointrcnn_resnet50_fpn

    torch.manual_seed(0)
    network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    state = {name: v.half() if v.is_floating_point() else v for name, v in network.state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "plain.pth"
    torch.save(state, path)
    return path.rename(path.with_name(f"random-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch hub folder."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def server(weights):
    """Address of a server that has the file."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(weights.parent))

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


def test_people_come_with_seven_points_and_a_face_box(weights):
    detector = KeypointRcnn(weights, threshold=0.02, **SMALL)
    people = detector(IMAGE)
    assert 3 < len(people) < 30
    assert people.schema == COCO7
    assert people.has_keypoints.all()
    assert (np.diff(people.scores) <= 0).all()
    assert np.allclose(people.boxes, face_boxes(people.points), atol=1e-4)
    for part in (weights.name, "SHA-256", "threshold 0.02", "48 to 64 px", "nose, eyes and ears"):
        assert part in detector.description


def test_thresholds_leave_out(weights):
    detector = KeypointRcnn(weights, threshold=0.02, **SMALL)
    everybody = detector(IMAGE)
    middle = float(np.median(everybody.scores))
    assert 0 < len(KeypointRcnn(weights, threshold=middle, **SMALL)(IMAGE)) < len(everybody)
    detector.visible = 1e9
    assert len(detector(IMAGE)) == 0


def test_a_frontal_face_gets_its_box():
    """Points as in the template, in a box of 100 x 125 px at (30, 40); turned by 30 degrees the size stays."""
    points = np.array(COCO7.template) * [100, 125] + [30, 40]
    assert np.allclose(face_boxes(points[None]), [[30, 40, 130, 165]])
    middle, angle = points[:5].mean(0), np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = face_boxes(((points - middle) @ turn.T + middle)[None])[0]
    assert np.allclose(turned, [30, 40, 130, 165], atol=1e-3)


def test_the_weights_are_downloaded_once_and_checked(weights, hub, server, monkeypatch):
    monkeypatch.setattr(keypoint_rcnn, "URL", f"{server}/{weights.name}")
    detector = KeypointRcnn(threshold=0.02, **SMALL)
    assert (hub / weights.name).read_bytes() == weights.read_bytes()
    direct = KeypointRcnn(weights, threshold=0.02, **SMALL)
    assert detector.description == direct.description
    assert np.array_equal(detector(IMAGE).boxes, direct(IMAGE).boxes)
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda *_, **__: pytest.fail("it was there"))
    KeypointRcnn(**SMALL)


def test_a_failed_download_says_what_to_do(weights, hub, server, monkeypatch):
    wrong = weights.with_name("wrong-00000000.pth")
    wrong.write_bytes(weights.read_bytes()[:1000])
    for name, reason in (("none-12345678.pth", "404"), (wrong.name, "invalid hash")):
        monkeypatch.setattr(keypoint_rcnn, "URL", f"{server}/{name}")
        with pytest.raises(ModelError, match=rf"{reason}.*put it at .*{name}, or name it \(weights=FILE\)"):
            KeypointRcnn()
        assert not (hub / name).exists()
    monkeypatch.setattr(keypoint_rcnn, "URL", "http://127.0.0.1:9/closed-12345678.pth")
    with pytest.raises(ModelError, match="cannot be had"):
        KeypointRcnn()


def test_the_address_is_torchvisions():
    from torchvision.models.detection import KeypointRCNN_ResNet50_FPN_Weights

    assert KeypointRCNN_ResNet50_FPN_Weights.COCO_V1.url == keypoint_rcnn.URL
    assert f"-{keypoint_rcnn.OFFICIAL}." in keypoint_rcnn.URL


def test_other_files_and_arguments(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pth"):
        KeypointRcnn(tmp_path / "none.pth")
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="plain weights"):
        KeypointRcnn(tmp_path / "bad.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="does not fit"):
        KeypointRcnn(tmp_path / "other.pth")
    for options in ({"threshold": -1}, {"nms": 2}, {"min_size": 900, "max_size": 800}):
        with pytest.raises(OptionError):
            KeypointRcnn(tmp_path / "none.pth", **options)


def test_it_places_keypoints_for_a_generator_of_that_schema(weights):
    """A generator with seven points takes its detections as they are."""
    from deepanon.anonymizers import Gan
    from deepanon.models import DeepPrivacyGenerator
    from deepanon.pipeline import replace_faces
    from deepanon.runtimes import build_runtime
    from deepanon.weights import LoadedGenerator

    people = KeypointRcnn(weights, threshold=0.02, **SMALL)(IMAGE)
    gan = Gan()
    gan.loaded = LoadedGenerator(DeepPrivacyGenerator(16, {4: 8, 8: 8, 16: 4}, keypoints=7).eval(), COCO7, True)
    gan.runtime, gan.size = build_runtime("torch", gan.loaded), 16
    out = replace_faces(IMAGE, people, gan, list(range(len(people))))
    assert (out != IMAGE).any()
