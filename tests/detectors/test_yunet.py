"""YuNet's two runtimes find the same; weights are the user's, so tests with them are skipped without."""

import importlib.util

import numpy as np
import pytest

from deepanon.data.wider import read_wider
from deepanon.detectors import build_detector, yunet_runtimes
from deepanon.errors import DeepanonError, ImageError, ModelError, OptionError
from deepanon.geometry import iou

RUNTIMES = ("onnxruntime", "opencv")


@pytest.fixture(scope="module")
def weights(deepanon_data):
    path = deepanon_data.parent / "weights" / "yunet_n.onnx"
    if not path.is_file():
        pytest.skip("no YuNet weights beside the data")
    return path


@pytest.fixture(scope="module")
def both(weights):
    return [build_detector("yunet", weights=weights, runtime=runtime) for runtime in RUNTIMES]


def agree(one, other):
    assert len(one) == len(other)
    assert np.abs(one.boxes - other.boxes).max(initial=0) < 0.1
    assert np.abs(one.points - other.points).max(initial=0) < 0.1
    assert np.abs(one.scores - other.scores).max(initial=0) < 1e-3


@pytest.mark.parametrize("shape", [(512, 512), (333, 201), (100, 512)])
def test_both_runtimes_find_the_same(both, astronaut, shape):
    found = [detector(np.ascontiguousarray(astronaut[: shape[0], : shape[1]])) for detector in both]
    assert len(found[0]) == (shape[0] > 200)
    agree(*found)


def test_both_runtimes_find_the_same_in_photographs(both, deepanon_data):
    photos = read_wider(deepanon_data / "masks")[::40]
    found = [[detector(photo.read()) for photo in photos] for detector in both]
    number = sum(map(len, found[0]))
    assert number > 10
    assert abs(number - sum(map(len, found[1]))) <= 1  # a score at the threshold
    for one, other in zip(*found, strict=True):
        if len(one) == len(other):
            agree(one, other)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (33, 7)])
def test_tiny_pictures(both, shape):
    for detector in both:
        assert len(detector(np.zeros((*shape, 3), np.uint8))) == 0
        assert len(detector(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8))) == 0


def test_huge_pictures_are_done_in_tiles(both, astronaut):
    image = np.zeros((700, 3600, 3), np.uint8)
    image[100:612, 3050:3562] = astronaut
    for detector in both:
        sizes, inner = [], detector.runtime
        detector.runtime = lambda part, sizes=sizes, inner=inner: sizes.append(part.shape[:2]) or inner(part)
        try:
            found = detector(image)
        finally:
            detector.runtime = inner
        assert max(map(max, sizes)) <= 3072
        assert iou(found.boxes, np.array([[3050 + 181, 162, 3050 + 268, 272]])).max() > 0.4


def test_other_arrays_are_refused(both):
    for detector in both:
        for shape in ((64, 64), (64, 64, 4), (0, 4, 3)):
            with pytest.raises(ImageError):
                detector(np.zeros(shape, np.uint8))


def test_a_face_on_its_side_is_found_when_turned(weights, astronaut):
    upright = build_detector("yunet", weights=weights)(astronaut)
    lying = np.ascontiguousarray(np.rot90(astronaut))  # counter-clockwise: x, y -> y, 512 - x
    found = build_detector("yunet", weights=weights, turns=(0, 90, 180, 270))(lying)
    wanted = np.stack([upright.points[0, :, 1], 512 - upright.points[0, :, 0]], axis=1)
    assert np.abs(found.points[0] - wanted).max() < 12
    assert iou(found.boxes[:1], np.array([[*wanted.min(axis=0) - 30, *wanted.max(axis=0) + 30]])).max() > 0.4


def test_a_small_face_is_found_enlarged(weights, astronaut):
    import cv2

    image = np.full((300, 300, 3), 120, np.uint8)
    image[100:160, 100:160] = cv2.resize(astronaut, (60, 60), interpolation=cv2.INTER_AREA)  # a face of 10 px
    truth = np.array([[121, 107, 132, 120]])
    scores = [
        max(build_detector("yunet", weights=weights, scales=scales, threshold=0.02)(image).scores, default=0)
        for scales in ((1,), (1, 2))
    ]
    assert scores[1] > scores[0]
    found = build_detector("yunet", weights=weights, scales=(1, 2), threshold=0.02)(image)
    assert iou(found.boxes[:1], truth).max() > 0.3


def test_descriptions_name_runtime_and_views(weights):
    lines = {
        build_detector("yunet", weights=weights, **options).description
        for options in (
            {"runtime": "opencv"},
            {"runtime": "onnxruntime"},
            {"scales": (1, 2)},
            {"turns": (0, 90)},
            {"side": 640},
        )
    }
    assert len(lines) == 5
    assert build_detector("yunet", weights=weights).description in {
        build_detector("yunet", weights=weights, runtime=runtime).description for runtime in RUNTIMES
    }


def test_without_onnxruntime_opencv_runs_it(weights, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        yunet_runtimes.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else found(name)
    )
    assert "OpenCV" in build_detector("yunet", weights=weights).description


def test_options_that_make_no_sense(tmp_path):
    path = tmp_path / "some.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(OptionError, match="auto, onnxruntime, opencv"):
        build_detector("yunet", weights=path, runtime="tensorrt")
    for options in ({"threshold": 2}, {"nms": -1}, {"scales": ()}, {"turns": (45,)}, {"side": 3}):
        with pytest.raises(OptionError):
            build_detector("yunet", weights=path, **options)


@pytest.mark.parametrize("runtime", ["auto", *RUNTIMES])
def test_files_that_are_no_network(tmp_path, runtime):
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelError, match=r"bad\.onnx"):
        build_detector("yunet", weights=tmp_path / "bad.onnx", runtime=runtime)


def network(path, shape, outputs=("cls_8",)):
    """An ONNX file that hands its input on under other names."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [helper.make_node("Identity", ["input"], [name]) for name in outputs]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in outputs]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)], ends)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_other_networks_and_fixed_sizes_are_refused_by_onnxruntime(tmp_path):
    pytest.importorskip("onnx")
    with pytest.raises(ModelError, match="640x640 px only"):
        build_detector("yunet", weights=network(tmp_path / "f.onnx", [1, 3, 640, 640]), runtime="onnxruntime")
    with pytest.raises(ModelError, match=r"no outputs .*kps_8"):
        build_detector("yunet", weights=network(tmp_path / "n.onnx", [1, 3, "h", "w"]), runtime="onnxruntime")


def test_a_network_that_fails_in_the_middle_is_an_error_and_no_empty_picture(tmp_path):
    pytest.importorskip("onnx")
    path = network(tmp_path / "n.onnx", [1, 3, 32, "w"], yunet_runtimes.OUTPUTS)
    detector = build_detector("yunet", weights=path, runtime="onnxruntime")
    with pytest.raises(DeepanonError, match="100x100"):
        detector(np.zeros((100, 100, 3), np.uint8))
