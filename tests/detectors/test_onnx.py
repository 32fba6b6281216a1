"""ONNX detectors: boxes worked out by hand for every layout, and one real network on real photos."""

import numpy as np
import pytest

from deepanon.detectors import Onnx
from deepanon.detectors.layouts import LAYOUTS, scrfd
from deepanon.errors import ModelError, OptionError
from deepanon.geometry import iou

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def network(path, outputs, size=(64, 64)):
    """A file whose outputs are these arrays, each plus 0 x the mean of the input, whatever the picture."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0), helper.make_node("Mul", ["m", "nought"], ["z"])]
    stored = [numpy_helper.from_array(np.array(0, np.float32), "nought")]
    made = []
    for i, array in enumerate(outputs):
        stored.append(numpy_helper.from_array(np.asarray(array, np.float32), f"c{i}"))
        nodes.append(helper.make_node("Add", [f"c{i}", "z"], [f"o{i}"]))
        made.append(helper.make_tensor_value_info(f"o{i}", TensorProto.FLOAT, list(np.shape(array))))
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, *size])
    graph = helper.make_graph(nodes, "g", [given], made, stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def whole_input(path, size):
    """A network with layout "boxes" whose one score is the mean of its input, to see what it is fed."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0),
        helper.make_node("Reshape", ["m", "shape"], ["score"]),
        helper.make_node("Shape", ["x"], ["all"]),
        helper.make_node("Slice", ["all", "from", "to"], ["sides"]),
        helper.make_node("Cast", ["sides"], ["hw"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["select", "hw"], ["wh"]),
        helper.make_node("Concat", ["corner", "wh"], ["flat"], axis=0),
        helper.make_node("Reshape", ["flat", "row"], ["box"]),
    ]
    constants = {"shape": np.array([1]), "from": np.array([2]), "to": np.array([4]), "row": np.array([1, 4]),
                 "select": np.ones(2, np.float32), "corner": np.zeros(2, np.float32)}  # fmt: skip
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, *size])
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("box", "score")]
    graph = helper.make_graph(nodes, "g", [given], made, stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def scrfd_outputs(size, hits, points):
    """Nine outputs, all 0 but for `hits`: (stride, row, column, anchor, score, edges, points), in strides."""
    arrays = {}
    for stride in (8, 16, 32):
        n = 2 * (size[0] // stride) * (size[1] // stride)
        arrays[stride] = [np.zeros((n, 1)), np.zeros((n, 4)), np.zeros((n, 10))]
    for stride, row, column, anchor, score, edges, where in hits:
        i = 2 * (row * (size[1] // stride) + column) + anchor
        for array, value in zip(arrays[stride], (score, edges, where), strict=True):
            array[i] = value
    return [arrays[stride][kind] for kind in range(3 if points else 2) for stride in (8, 16, 32)]


IMAGE = np.random.default_rng(0).integers(0, 256, (128, 64, 3), dtype=np.uint8)  # becomes 64 x 32, so half the size


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("points", [False, True])
def test_scrfd_by_hand(tmp_path, points, batched):
    size, where = (64, 96), np.arange(10) / 10
    hits = [
        (8, 2, 3, 1, 0.9, (1, 2, 3, 0.5), where),  # corner (24, 16): 16 0 48 20
        (16, 1, 2, 0, 0.8, (0.5, 1, 1, 0.25), -where),  # corner (32, 16): 24 0 48 20, IoU 3/4 with the first
        (32, 1, 1, 0, 0.7, (0.5, 0.5, 0.5, 0.5), where),  # corner (32, 32): 16 16 48 48
        (32, 0, 0, 0, 0.3, (0, 0, 1, 1), where),  # below the threshold
    ]
    outputs = scrfd_outputs(size, hits, points)
    outputs = [array[None] for array in outputs] if batched else outputs
    path = network(tmp_path / "s.onnx", outputs, size)
    image = np.zeros((128, 192, 3), np.uint8)  # twice the input
    faces = Onnx(path, "scrfd", threshold=0.5)(image)
    assert faces.boxes.tolist() == [[32, 0, 96, 40], [32, 32, 96, 96]]
    assert faces.scores.tolist() == pytest.approx([0.9, 0.7])
    if points:
        expected = np.array([[24, 16], [32, 32]])[:, None] + np.array([[8], [32]])[..., None] * where.reshape(5, 2)
        assert np.allclose(faces.points, 2 * expected)
    else:
        assert faces.keypoints is None
    assert len(Onnx(path, "scrfd", threshold=0.5, nms=0.8)(image)) == 3
    assert len(Onnx(path, "scrfd", threshold=0.2)(image)) == 3


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("points", [False, True])
def test_yolo_by_hand(tmp_path, points, turned):
    rows = np.zeros((20 if points else 5, 7))
    rows[:5, 2] = 16, 20, 8, 12, 0.9  # 12 14 20 26
    rows[:5, 4] = 16, 20, 8, 10, 0.95  # nearly the same, and better
    rows[:5, 6] = 8, 8, 4, 4, 0.6
    if points:
        rows[5:, 4] = np.stack([np.arange(5), np.arange(5) + 10, np.full(5, 0.5)], 1).reshape(-1)
    path = network(tmp_path / "y.onnx", [rows.T[None] if turned else rows[None]])
    faces = Onnx(path, "yolo")(IMAGE)
    assert faces.boxes.tolist() == [[24, 30, 40, 50], [12, 12, 20, 20]]
    assert faces.scores.tolist() == pytest.approx([0.95, 0.6])
    if points:
        assert faces.points[0].tolist() == [[2.0 * i, 2.0 * i + 20] for i in range(5)]


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("n", [0, 1, 4, 5, 10])
def test_boxes_by_hand(tmp_path, n, batched):
    low = np.arange(2 * n).reshape(n, 2)
    arrays = [np.linspace(0.9, 0.6, n), np.concatenate([low, low + 9], 1), np.arange(10 * n).reshape(n, 10) / 10]
    arrays = [array[None] for array in arrays] if batched else arrays
    if n == 0:  # no graph holds empty constants here
        faces = LAYOUTS["boxes"].decode([np.zeros(0, np.float32), np.zeros((0, 4), np.float32)], (64, 64))
        assert len(faces.boxes) == len(faces.scores) == 0
        return
    faces = Onnx(network(tmp_path / "b.onnx", arrays), "boxes")(IMAGE)
    assert np.array_equal(faces.boxes, 2 * np.concatenate([low, low + 9], 1)[: len(faces)])
    assert len(faces) == n  # nothing is dropped: the network has done that
    assert np.allclose(faces.points.reshape(n, 10), np.arange(10 * n).reshape(n, 10) / 5)


def test_the_picture_is_fitted_padded_and_normalised(tmp_path):
    """A white picture: the mean of the input says what share of it is padding, and how levels are scaled."""
    white = np.full((50, 100, 3), 255, np.uint8)
    options = {"layout": "boxes", "mean": 0, "std": 255}
    fixed = Onnx(whole_input(tmp_path / "fixed.onnx", (64, 64)), **options, threshold=0)
    assert fixed(white).scores[0] == pytest.approx(0.5)
    free = Onnx(whole_input(tmp_path / "free.onnx", ("h", "w")), **options, threshold=0, size=96)
    faces = free(white)  # 96 x 48, padded to 96 x 64
    assert faces.scores[0] == pytest.approx(48 / 64)
    assert np.allclose(faces.boxes[0][[0, 1]], 0)
    assert faces.boxes[0].max() == pytest.approx(100)
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    assert fixed(red).scores[0] == pytest.approx(1 / 3)
    assert "64x64 px, RGB, (x - 0) / 255" in fixed.description
    assert "longest side 96 px" in free.description


def test_rows_are_of_one_order_whatever_the_exports(tmp_path):
    size = (64, 64)
    hits = [(8, 1, 1, 0, 0.9, (1, 1, 1, 1), np.zeros(10))]
    outputs = [np.asarray(a, np.float32) for a in scrfd_outputs(size, hits, True)]
    mixed = [outputs[i] for i in (6, 0, 3, 7, 1, 4, 8, 2, 5)]
    for a, b in zip(scrfd(outputs, size), scrfd(mixed, size), strict=True):
        assert np.array_equal(a, b)


WRONG = {
    "scrfd": ([np.zeros((3, 4))], "6 outputs, or 9"),
    "scrfd sizes": ([np.zeros((3, 1))] * 3 + [np.zeros((3, 4))] * 3, r"128 x 1 numbers at stride 8"),
    "yolo": ([np.zeros((1, 84, 10))], r"\(1, 20, A\), this one \[\[1, 84, 10\]\]"),
    "boxes": ([np.zeros((3, 4)), np.zeros(2)], r"scores \(N,\)"),
    "boxes scores": ([np.array([[5, 5, 8, 8]]), np.full(1, 7)], "scores above 1"),
    "boxes nan": ([np.full((1, 4), np.nan), np.full(1, 0.9)], "not finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_another_layout_is_said(case, tmp_path):
    outputs, message = WRONG[case]
    with pytest.raises(ModelError, match=message):
        Onnx(network(tmp_path / "w.onnx", outputs), case.split()[0])(IMAGE)


def test_wrong_arguments_and_files(tmp_path):
    path = network(tmp_path / "n.onnx", [np.zeros((1, 5, 3))])
    with pytest.raises(OptionError, match="boxes, end2end, scrfd, yolo"):
        Onnx(path, "ssd")
    for options, message in (({"threshold": 2}, "threshold"), ({"order": "grb"}, "rgb, bgr"), ({"std": 0}, "std"),
                             ({"size": 128}, "64x64 px, not of size 128"), ({"nms": -1}, "nms")):  # fmt: skip
        with pytest.raises(OptionError, match=message):
            Onnx(path, "yolo", **options)
    with pytest.raises(OptionError, match="multiple of 32"):
        Onnx(whole_input(tmp_path / "free.onnx", ("h", "w")), "boxes", size=100)
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        Onnx(tmp_path / "none.onnx", "yolo")
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="not an ONNX file"):
        Onnx(tmp_path / "bad.onnx", "yolo")


def test_scrfd_finds_real_faces(deepanon_data):
    from deepanon.data.wider import read_wider

    weights = deepanon_data.parent / "weights" / "scrfd_2.5g_kps.onnx"
    if not weights.is_file() or not (deepanon_data / "wild").is_dir():
        pytest.skip("no SCRFD weights or photos beside the data")
    detector = Onnx(weights, "scrfd", threshold=0.02)
    photo = min(read_wider(deepanon_data / "wild", 12), key=lambda p: abs(len(p.boxes) - 5))
    image = photo.read()
    faces = detector(image)
    large = photo.boxes[(photo.boxes[:, 2] - photo.boxes[:, 0] > 0.03 * image.shape[1]) & ~photo.ignored]
    best = iou(large, faces.boxes)
    assert (best.max(axis=1) > 0.5).mean() > 0.8
    assert (faces.scores < 0.3).any()  # low scores are reported, as average precision needs them
    sure = faces[faces.scores > 0.7]
    left, right, nose = sure.points[:, 0], sure.points[:, 1], sure.points[:, 2]
    assert (left[:, 0] < right[:, 0]).mean() > 0.9
    assert np.all((nose > sure.boxes[:, :2]) & (nose < sure.boxes[:, 2:]))
    for shape in ((1, 1), (1, 300), (300, 2)):
        assert (detector(np.zeros((*shape, 3), np.uint8)).scores < 0.5).all()
    assert "SHA-256" in detector.description
