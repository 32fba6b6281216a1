"""Number plates: the end-to-end layout by hand, several detectors as one, and weights that a package fetches."""

import sys

import numpy as np
import pytest

from deepanon.detections import COCO7, FIVE, Detections
from deepanon.detectors import Given, Onnx, Together, build_detector, plates
from deepanon.detectors.plates import BEST
from deepanon.errors import DetectionError, ModelError, OptionError, SchemaError

IMAGE = np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8)  # becomes 64 x 32, so half the size
ROWS = np.array([[0, 4, 30, 24, 36, 0, 0.2], [0, 10, 6, 30, 12, 0, 0.8], [0, 0, 0, 9, 9, 0, 0.05]], np.float32)


@pytest.fixture
def network():
    """Writes a file whose one output is this array, plus 0 x the mean of the input, whatever the picture."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from onnx import TensorProto, helper, numpy_helper

    def write(path, array, size=(64, 64)):
        steps = (
            ("ReduceMean", ["x"], "m", {"keepdims": 0}),
            ("Mul", ["m", "nought"], "z", {}),
            ("Add", ["c", "z"], "o", {}),
        )
        nodes = [helper.make_node(kind, given, [made], **more) for kind, given, made, more in steps]
        constants = {"nought": np.array(0, np.float32), "c": np.asarray(array, np.float32)}
        stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, *size])
        made = helper.make_tensor_value_info("o", TensorProto.FLOAT, ["n", *np.shape(array)[1:]])
        graph = helper.make_graph(nodes, "g", [given], [made], stored)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
        return path

    return write


def test_plates_by_hand(tmp_path, network):
    found = plates(network(tmp_path / "p.onnx", ROWS))(IMAGE)
    assert found.boxes.tolist() == [[20, 12, 60, 24], [8, 60, 48, 72]]
    assert found.scores.tolist() == pytest.approx([0.8, 0.2])
    assert found.labels.tolist() == ["plate", "plate"]
    assert found.keypoints is None
    assert found.schema == FIVE


def test_it_says_what_it_depends_on(tmp_path, network):
    path = network(tmp_path / "p.onnx", ROWS)
    detector = build_detector("plates", weights=path, threshold=0.3)
    assert detector.name == "plates"
    assert "layout end2end, p.onnx (SHA-256" in detector.description
    assert detector.description.endswith("label plate")
    assert len(detector(IMAGE)) == 1
    assert "label" not in Onnx(path, "end2end").description  # as it always was
    assert Onnx(path, "end2end", label="sign")(IMAGE).labels.tolist() == ["sign"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((1, 5, 7)), r"one output \(N, 7\), this one \[\[1, 5, 7\]\]"),
        (np.zeros((5, 6)), r"one output \(N, 7\)"),
        (ROWS + np.eye(7, dtype=np.float32)[5], r"one class, 0; the classes are \[1.0\]"),
        (ROWS + np.eye(7, dtype=np.float32)[6], "scores above 1"),
    ],
)
def test_another_network_is_refused(tmp_path, network, rows, message):
    with pytest.raises(ModelError, match=message):
        plates(network(tmp_path / "p.onnx", rows))(IMAGE)


def test_no_plate_is_no_error(tmp_path, network):
    assert len(plates(network(tmp_path / "p.onnx", ROWS), threshold=0.9)(IMAGE)) == 0


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        plates(tmp_path / "none.onnx")


def test_without_weights_and_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_image_models", None)  # as if it were not installed
    with pytest.raises(OptionError, match=r"pip install 'deepanon\[plates\]'"):
        plates()


class TestPackage:
    @pytest.fixture
    def hub(self, tmp_path, monkeypatch):
        hub = pytest.importorskip("open_image_models.detection.core.hub", reason="open-image-models is not installed")
        monkeypatch.setattr(hub, "MODEL_CACHE_DIR", tmp_path)
        return hub

    def test_weights_that_it_has_are_used(self, hub, tmp_path, network):
        folder = tmp_path / BEST
        folder.mkdir()
        network(folder / hub.DETECTION_MODELS[BEST].url.rpartition("/")[2], ROWS)
        assert len(plates()(IMAGE)) == 2

    def test_a_failed_download_says_what_to_fetch(self, hub, monkeypatch):
        """No server answers at this address."""
        from dataclasses import replace

        where = replace(hub.DETECTION_MODELS[BEST], url="http://127.0.0.1:9/plates.onnx")
        monkeypatch.setitem(hub.DETECTION_MODELS, BEST, where)
        with pytest.raises(
            ModelError, match=r"cannot be fetched .*: get http://127\.0\.0\.1:9/plates\.onnx and put it"
        ):
            plates()

    def test_only_plate_networks_can_be_named(self, hub):
        with pytest.raises(OptionError, match=r"unknown plate network 'rf-detr-nano-384-coco'; .*yolo-v9-s-608"):
            plates(model="rf-detr-nano-384-coco")

    def test_the_package_finds_what_we_find(self, hub, tmp_path, network):
        """A picture of the input's own shape, where neither pads."""
        from open_image_models.detection.core.yolo_v9.inference import YoloV9Detector

        path = network(tmp_path / "p.onnx", ROWS)
        theirs = YoloV9Detector(path, ("plate",), conf_thresh=0.1, providers=["CPUExecutionProvider"])
        found = theirs.predict(np.ascontiguousarray(IMAGE[:64]))
        boxes = sorted([b.x1, b.y1, b.x2, b.y2] for b in (one.bounding_box for one in found))
        assert boxes == sorted(plates(path)(IMAGE[:64]).boxes.tolist())


def face(box, points=True, schema=FIVE, label="face"):
    keypoints = np.ones((1, len(schema), 2)) if points else None
    return Detections(np.array([box]), np.ones(1), keypoints, np.array([label]), schema)


def given(faces, name="x"):
    return Given({name: faces})


def test_together_merges_in_order():
    both = Together([given(face([1, 2, 30, 40])), given(face([3, 4, 50, 60], points=False, label="plate"))])
    found = both(IMAGE, "x")
    assert found.labels.tolist() == ["face", "plate"]
    assert found.boxes.tolist() == [[1, 2, 30, 40], [3, 4, 50, 60]]
    assert found.has_keypoints.tolist() == [True, False]
    assert both.name == "given+given"
    assert all(part.description in both.description for part in both.detectors)


def test_what_has_no_keypoints_agrees_with_any_schema():
    both = Together(
        [given(face([3, 4, 50, 60], points=False, label="plate")), given(face([1, 2, 30, 40], schema=COCO7))]
    )
    assert both(IMAGE, "x").schema == COCO7
    assert Together([given(Detections.empty(COCO7)), given(Detections.empty())])(IMAGE, "x").schema == COCO7
    with pytest.raises(SchemaError, match="coco7"):
        Together([given(face([1, 2, 30, 40])), given(face([1, 2, 30, 40], schema=COCO7))])(IMAGE, "x")


def test_an_error_of_one_is_an_error_of_all():
    both = Together([given(face([1, 2, 30, 40])), given(face([1, 2, 30, 40]), "another")])
    with pytest.raises(DetectionError, match="no entry for 'x'"):
        both(IMAGE, "x")
    with pytest.raises(OptionError, match="two or more"):
        Together([given(face([1, 2, 30, 40]))])


def test_names_with_a_plus_build_both(tmp_path, network):
    from skimage.data import astronaut

    weights = network(tmp_path / "p.onnx", ROWS)
    found = build_detector("mtcnn+plates", plates={"weights": weights}, mtcnn={"min_face_size": 40})(astronaut())
    assert found.labels.tolist() == ["face", "plate", "plate"]
    with pytest.raises(OptionError, match="by name, not to weights"):
        build_detector("mtcnn+plates", weights=weights)
    with pytest.raises(OptionError, match="unknown detector 'ssd'"):
        build_detector("mtcnn+ssd")


def test_films_lower_the_thresholds_of_each(tmp_path, network):
    from deepanon.films.looking import film_detector, sure_score

    both = film_detector("mtcnn+plates", plates={"weights": network(tmp_path / "p.onnx", ROWS)})
    assert film_detector("mtcnn").description in both.description
    assert sure_score("mtcnn+plates") == sure_score("mtcnn")
