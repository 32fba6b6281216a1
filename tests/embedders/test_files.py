import sys

import numpy as np
import pytest
import torch
from torch import nn

from deepanon.data.crops import PackedCrops
from deepanon.embedders import EMBEDDERS, build_embedder, distance_names, face_windows
from deepanon.errors import ModelError, OptionError
from deepanon.files import sha256_of
from deepanon.images import unit

MEAN, STD = (10.0, 20.0, 30.0), (2.0, 4.0, 5.0)


class Means(nn.Module):
    """The mean of every channel."""

    def forward(self, x):
        return x.mean(dim=(2, 3))


def torchscript(path, side=None, batch=None):
    torch.jit.script(Means()).save(path)
    return path


def onnx(path, side="side", batch="batch"):
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    nodes = [
        onnx.helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        onnx.helper.make_node("Flatten", ["mean"], ["y"]),
    ]
    kinds = value("x", 1, [batch, 3, side, side]), value("y", 1, [batch, 3])
    graph = onnx.helper.make_graph(nodes, "means", kinds[:1], kinds[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


def openvino(path, side=-1, batch=-1):
    library = pytest.importorskip("openvino")
    ops = pytest.importorskip("openvino.opset13")
    x = ops.parameter([batch, 3, side, side], np.float32)
    library.save_model(library.Model([ops.reduce_mean(x, [2, 3])], [x], "means"), path, compress_to_fp16=False)
    return path


WRITERS = {"torchscript": torchscript, "onnx": onnx, "openvino": openvino}
LIBRARIES = {"onnx": "onnxruntime", "openvino": "openvino"}


def write(kind, folder, *shape):
    if kind in LIBRARIES:
        pytest.importorskip(LIBRARIES[kind])
    return WRITERS[kind](folder / f"net.{'xml' if kind == 'openvino' else kind}", *shape)


def images(n=5, side=16):
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(0)) / 127.5 - 1


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("batch", ["any", "one"])
def test_channels_mean_and_std_are_those_that_were_asked_for(kind, batch, tmp_path):
    shape = {"any": (), "one": (16, 1)}[batch]
    options = {"size": 16, "order": "bgr", "mean": MEAN, "std": STD}
    embedder = build_embedder(kind, weights=write(kind, tmp_path, *shape), **options)
    values = ((images() + 1) * 127.5).mean(dim=(2, 3)).flip(1)
    torch.testing.assert_close(embedder(images()), (values - torch.tensor(MEAN)) / torch.tensor(STD))
    assert embedder.name == "net"
    assert "16 px BGR, (x - 10 20 30) / 2 4 5" in embedder.description
    assert distance_names(embedder) == ("FD(net)", "KD(net)")


@pytest.mark.parametrize("kind", WRITERS)
def test_the_description_tells_files_of_one_name_apart(kind, tmp_path):
    path = write(kind, tmp_path)
    said = build_embedder(kind, weights=path, size=16).description
    assert sha256_of(path)[:16] in said
    if kind == "openvino":  # its weights lie in the file beside it
        with path.with_suffix(".bin").open("ab") as stream:
            stream.write(b"0")
        assert build_embedder(kind, weights=path, size=16).description != said


@pytest.mark.parametrize("kind", WRITERS)
def test_levels_are_handed_on_as_they_are_unless_said_otherwise(kind, tmp_path):
    embedder = build_embedder(kind, weights=write(kind, tmp_path), size=16, name="inception")
    torch.testing.assert_close(embedder(images()), ((images() + 1) * 127.5).mean(dim=(2, 3)))
    assert distance_names(embedder) == ("FD(inception)", "KD(inception)")  # a name makes no FID


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_size_is_read_from_the_file(kind, tmp_path):
    path = write(kind, tmp_path, 24, 1)
    embedder = build_embedder(kind, weights=path)
    assert embedder.size == 24
    torch.testing.assert_close(embedder(images(side=24)), ((images(side=24) + 1) * 127.5).mean(dim=(2, 3)))
    assert embedder(images(side=12)).shape == (5, 3)
    with pytest.raises(OptionError, match="takes pictures of 24 px, not of size 32"):
        build_embedder(kind, weights=path, size=32)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_size_that_is_not_said_must_be_given(kind, tmp_path):
    with pytest.raises(OptionError, match="does not say how large its input is: give size"):
        build_embedder(kind, weights=write(kind, tmp_path))


@pytest.mark.parametrize("kind", WRITERS)
def test_files_that_are_no_networks(kind, tmp_path):
    if kind in LIBRARIES:
        pytest.importorskip(LIBRARIES[kind])
    with pytest.raises(FileNotFoundError, match="no network at"):
        build_embedder(kind, weights=tmp_path / "nothing", size=16)
    (tmp_path / "junk.xml").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"junk\.xml is not a"):
        build_embedder(kind, weights=tmp_path / "junk.xml", size=16)


def test_a_network_that_gives_no_vector_a_picture(tmp_path):
    class Sum(nn.Module):
        def forward(self, x):
            return x.sum()

    torch.jit.script(Sum()).save(tmp_path / "sum.pt")
    with pytest.raises(ModelError, match=r"gives \(\) for 5 pictures, not a vector each"):
        build_embedder("torchscript", weights=tmp_path / "sum.pt", size=16)(images())


def test_a_network_that_fails(tmp_path):
    torch.jit.script(nn.Linear(7, 2)).save(tmp_path / "linear.pt")
    with pytest.raises(ModelError, match=r"linear\.pt cannot take \(5, 3, 16, 16\) pictures"):
        build_embedder("torchscript", weights=tmp_path / "linear.pt", size=16)(images())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "grb"}, "unknown channel order 'grb'"),
        ({"mean": "x"}, "mean must be a number"),
        ({"mean": [1, 2]}, "mean must be a finite number or three"),
        ({"std": [1, 0, 1]}, "std must be positive"),
        ({"std": float("nan")}, "std must be a finite"),
    ],
)
def test_impossible_options(options, message, tmp_path):
    with pytest.raises(OptionError, match=message):
        build_embedder("torchscript", weights=torchscript(tmp_path / "n.pt"), size=16, **options)


def test_size_must_be_a_count(tmp_path):
    for size in (0, -3, "x"):
        with pytest.raises((TypeError, ValueError), match="size must be"):
            build_embedder("torchscript", weights=torchscript(tmp_path / "n.pt"), size=size)


@pytest.mark.parametrize("kind", LIBRARIES)
def test_a_missing_library_is_named(kind, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, LIBRARIES[kind], None)
    (tmp_path / "net").write_bytes(b"x")
    with pytest.raises(OptionError, match=rf"pip install 'deepanon\[{kind}\]'"):
        build_embedder(kind, weights=tmp_path / "net")


def test_unknown_embedders_list_the_known_ones():
    with pytest.raises(
        OptionError, match="unknown embedder 'vgg'; choose one of: facenet, inception, mobilefacenet, onet, onnx, op"
    ):
        build_embedder("vgg")
    assert sorted(EMBEDDERS) == ["facenet", "inception", "mobilefacenet", "onet", "onnx", "openvino", "torchscript"]


@pytest.mark.parametrize(("file", "order", "length"), [("reid0095", "bgr", 256), ("mobilefacenet_y1", "rgb", 128)])
def test_real_recognisers_know_a_mirrored_face_again(deepanon_data, file, order, length):
    pytest.importorskip("openvino")
    path = deepanon_data.parent / "weights" / f"{file}.xml"
    if not path.is_file():
        pytest.skip(f"no {path}")
    embedder = build_embedder("openvino", weights=path, order=order)
    data = PackedCrops(deepanon_data / "faces128", "val", 128, limit=24)
    faces = face_windows(unit(data.read(range(24), 128).images), data.boxes * 128, embedder.size)
    features = nn.functional.normalize(embedder(faces))
    mirrored = nn.functional.normalize(embedder(faces.flip(-1)))
    assert features.shape == (24, length)
    known = (features @ mirrored.T).argmax(1) == torch.arange(24)
    assert known.float().mean() > 0.9
