import json
import sys

import numpy as np
import pytest
import torch

from deepanon.cli import main
from deepanon.detections import FIVE
from deepanon.errors import OptionError
from deepanon.models import GENERATORS, build_generator
from deepanon.weights import LoadedGenerator, load_generator
from deepanon.weights.onnx import INPUTS, OUTPUT, export_onnx

ort = pytest.importorskip("onnxruntime")


def given(network, faces, seed=1):
    """Inputs of that many faces, the last of them without keypoints."""
    rng, size = torch.Generator().manual_seed(seed), network.resolution
    mask = torch.zeros(faces, 1, size, size)
    mask[..., size // 4 : -size // 4, size // 4 :] = 1
    context = torch.where(mask > 0, 0.0039, torch.rand(faces, 3, size, size, generator=rng) * 2 - 1)
    points = torch.rand(faces, 5, 2, generator=rng)
    points[-1] = torch.nan
    return context, mask, points, torch.randn(faces, network.noise, 4, 4, generator=rng)


def run(session, inputs):
    return session.run([OUTPUT], {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)})[0]


@pytest.mark.parametrize("architecture", GENERATORS)
def test_draws_what_the_network_draws_for_any_number_of_faces(architecture, tmp_path):
    torch.manual_seed(0)
    network = build_generator(architecture, resolution=16, widths={4: 12, 8: 8, 16: 6}).eval()
    export_onnx(tmp_path / "net.onnx", LoadedGenerator(network, FIVE, pose_free=True))
    session = ort.InferenceSession(tmp_path / "net.onnx")
    for faces in (1, 2, 5):
        inputs = given(network, faces)
        with torch.no_grad():
            expected = network(*inputs).numpy()
        np.testing.assert_allclose(run(session, inputs), expected, atol=2e-5)
    about = json.loads(session.get_modelmeta().custom_metadata_map["deepanon"])
    assert about == {"schema": "five", "pose_free": True, "resolution": 16}


def test_the_command_writes_the_bundled_model(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["export", "first", "--onnx", "-o", str(tmp_path / "first.onnx")])
    assert end.value.code == 0
    assert "first.onnx: deepprivacy generator, 64 px" in capsys.readouterr().out
    network = load_generator("first").network
    inputs = given(network, 2)
    with torch.no_grad():
        expected = network(*inputs).numpy()
    drawn = run(ort.InferenceSession(tmp_path / "first.onnx"), inputs)
    np.testing.assert_allclose(drawn, expected, atol=2e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["first.onnx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["first", "--onnx", "-o", "net.safetensors"], "an ONNX file ends in .onnx"),
        (["nobody", "--onnx", "-o", "net.onnx"], "no generator at nobody"),
        (["gone.ckpt", "--onnx", "-o", "net.onnx"], "no checkpoint at gone.ckpt"),
        (["first", "--onnx", "-o", "there.onnx"], "there.onnx exists; --overwrite replaces the file\n"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_text("kept")
    with pytest.raises(SystemExit) as end:
        main(["export", *arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there.onnx", "kept")]


def test_without_the_packages_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(OptionError, match=r"needs onnxscript: pip install 'deepanon\[onnx\]'"):
        export_onnx(tmp_path / "net.onnx", load_generator("first"))
