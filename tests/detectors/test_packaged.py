"""RetinaFace and DSFD through the package of the paper's author; real weights where they are at hand."""

import shutil
import sys

import numpy as np
import pytest
import torch

from deepanon.detectors import Dsfd, RetinaFace
from deepanon.detectors.retinaface import ANCHORS, AnchorGrids
from deepanon.errors import ImageError, ModelError, OptionError
from deepanon.geometry import iou

OTHER = ((10, 20), (32, 64), (128, 256))  # anchors of a MobileNet trained elsewhere


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty torch hub folder."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_without_the_package_the_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "face_detection", None)
    for detector in (RetinaFace, Dsfd):
        with pytest.raises(OptionError, match=r"pip install 'deepanon\[dsfd\]'"):
            detector()


def test_anchors_are_the_packages():
    """Against its own loops, on a picture small enough for its 16-bit integers."""
    prior = pytest.importorskip("face_detection.retinaface.prior_box", reason="face-detection is not installed")
    from face_detection.retinaface.config import cfg_mnet

    for size in ((64, 64), (37, 90), (8, 130)):
        theirs = prior.PriorBox(cfg_mnet, image_size=size).forward()
        assert torch.allclose(AnchorGrids(np.array(ANCHORS, np.float32))[size], theirs)


@pytest.fixture
def random_mobilenet(hub):
    """The package's MobileNet with random weights where the package looks for real ones."""
    pytest.importorskip("face_detection", reason="face-detection is not installed")
    from face_detection.retinaface.config import cfg_mnet
    from face_detection.retinaface.models.retinaface import RetinaFace as Network

    torch.manual_seed(0)
    torch.save(Network(cfg_mnet).state_dict(), hub / "RetinaFace_mobilenet025.pth")
    return hub


@pytest.mark.parametrize("shape", [(1, 1), (9, 70), (64, 64), (700, 900)])
def test_random_weights_give_detections(random_mobilenet, shape):
    """Half the anchors pass: boxes, order and points are checked on many; 700 x 900 is what numpy 2 broke."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    faces = RetinaFace("mobilenet", threshold=0.01, nms=0.3)(image)
    assert len(faces)
    assert (np.diff(faces.scores) <= 0).all()
    assert faces.has_keypoints.all()
    strict = RetinaFace("mobilenet", threshold=float(faces.scores.mean()))(image)
    assert (strict.scores >= faces.scores.mean()).all()


def test_description_and_wrong_arguments(random_mobilenet):
    detector = RetinaFace("mobilenet", threshold=0.02, max_resolution=64)
    for part in ("RetinaNetMobileNetV1", "face-detection 0.", "SHA-256", "threshold 0.02", "longest side 64 px"):
        assert part in detector.description
    assert len(detector(np.zeros((200, 150, 3), np.uint8))) >= 0
    with pytest.raises(ImageError):
        detector(np.zeros((3, 20, 20), np.uint8))
    for options, message in (({"network": "vgg"}, "dsfd, mobilenet, resnet50"), ({"network": "dsfd"}, "'dsfd'"),
                             ({"threshold": 2}, "threshold"), ({"anchors": (1, 2)}, "anchors"),
                             ({"max_resolution": 1}, "32 px")):  # fmt: skip
        with pytest.raises(OptionError, match=message):
            RetinaFace(**{"network": "mobilenet"} | options)


def test_weights_that_cannot_be_fetched_and_other_files(hub, monkeypatch):
    pytest.importorskip("face_detection", reason="face-detection is not installed")
    from urllib.error import URLError

    def unreachable(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    with pytest.raises(ModelError, match=r"get https.*RetinaFace_ResNet50\.pth and put it at .*checkpoints"):
        RetinaFace()
    torch.save({"a": torch.zeros(1)}, hub / "RetinaFace_mobilenet025.pth")
    with pytest.raises(ModelError, match="is not the file of RetinaNetMobileNetV1"):
        RetinaFace("mobilenet")


def test_real_weights_find_real_faces(hub, deepanon_data):
    """A MobileNet of the same architecture with other anchors (the package's own weights are not at hand)."""
    from deepanon.data.wider import read_wider

    pytest.importorskip("face_detection", reason="face-detection is not installed")
    weights = deepanon_data.parent / "weights" / "retinaface_mnet025.pth"
    if not weights.is_file() or not (deepanon_data / "wild").is_dir():
        pytest.skip("no RetinaFace weights or photos beside the data")
    shutil.copyfile(weights, hub / "RetinaFace_mobilenet025.pth")
    detector = RetinaFace("mobilenet", anchors=OTHER)
    assert "anchors [[10, 20]" in detector.description
    photo = read_wider(deepanon_data / "wild", 2)[1]
    faces = detector(photo.read())
    found = iou(photo.boxes[~photo.ignored], faces.boxes)
    assert (found.max(axis=1) > 0.5).all()
    best = faces[found.argmax(axis=1)]
    assert (best.points[:, 0, 0] < best.points[:, 1, 0]).all()  # eyes in the order of the schema
    assert np.all((best.points[:, 2] > best.boxes[:, :2]) & (best.points[:, 2] < best.boxes[:, 2:]))


@pytest.mark.filterwarnings("ignore")  # of torchvision, about names that the package uses
def test_dsfd_with_random_weights(hub):
    pytest.importorskip("face_detection", reason="face-detection is not installed")
    from face_detection.dsfd.config import resnet152_model_config
    from face_detection.dsfd.face_ssd import SSD

    torch.manual_seed(0)
    state = SSD(resnet152_model_config).state_dict()
    for name, value in state.items():  # 152 random layers must stay finite
        if name.endswith("bn3.weight") or ("layer" not in name and value.is_floating_point()):
            value *= 0.1
    torch.save(state, hub / "WIDERFace_DSFD_RES152.pth")
    detector = Dsfd(threshold=0.01)
    faces = detector(np.random.default_rng(0).integers(0, 256, (96, 130, 3), dtype=np.uint8))
    assert len(faces)
    assert faces.keypoints is None
    assert (np.diff(faces.scores) <= 0).all()
    assert "DSFDDetector" in detector.description
