"""`deepanon verify` with the detector that everybody has."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut

from deepanon.cli import FAILED, MISUSED, main
from deepanon.models import MobileFaceNet


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture(scope="module")
def portrait(tmp_path_factory):
    """A NASA portrait with a position in its EXIF, and two outputs."""
    folder = tmp_path_factory.mktemp("portrait")
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825)[1] = "N"
    Image.fromarray(astronaut()[:300, 80:380]).save(folder / "in.jpg", quality=90, exif=exif)
    for method in ("gan", "blackout"):
        assert run("anonymize", folder / "in.jpg", "-o", folder / f"{method}.jpg", "--method", method) == 0
    return folder


@pytest.mark.parametrize("method", ["gan", "blackout"])
def test_an_anonymized_portrait_passes(method, portrait, capsys):
    assert run("verify", portrait / "in.jpg", portrait / f"{method}.jpg") == 0
    said = capsys.readouterr()
    assert "1 pictures compared, 1 faces: nothing found" in said.out
    assert "IDENTITY NOT CHECKED" in said.err
    assert "looked for by mtcnn alone" in said.err


def test_the_same_file_twice_is_exposed(portrait, tmp_path, capsys):
    report = tmp_path / "report"
    again = ("--json", report / "a.json", "--html", report / "a.html")
    assert run("verify", portrait / "in.jpg", portrait / "in.jpg", *again) == FAILED
    said = capsys.readouterr()
    assert "EXPOSED in.jpg: 0 % covered" in said.err
    assert "METADATA in.jpg: a position" in said.err
    stored = json.loads((report / "a.json").read_text())
    assert stored["passed"] is False
    assert stored["found"]["exposed"] == 1
    assert "very person" in (report / "a.html").read_text()


def test_a_folder_with_gaps_fails(portrait, tmp_path, capsys):
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes((portrait / "in.jpg").read_bytes())
    (tmp_path / "out").mkdir()
    assert run("verify", tmp_path / "in", tmp_path / "out") == FAILED
    assert "2 missing" in capsys.readouterr().out
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / "out" / name).write_bytes((portrait / "gan.jpg").read_bytes())
    assert run("verify", tmp_path / "in", tmp_path / "out") == 0


def test_a_landscape_says_that_there_was_no_face(tmp_path, capsys):
    pixels = np.random.default_rng(0).integers(90, 110, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert run("verify", tmp_path / "a.png", tmp_path / "a.png") == 0
    assert "no face was found at all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("nowhere.jpg", "gan.jpg"), "no such file"),
        (("in.jpg", "nowhere.jpg"), "no such file"),
        (("in.jpg", "gan.jpg", "--json", "gan.jpg"), "lies in what is checked"),
        ((".", ".", "--html", "sub/page.html"), "lies in what is checked"),
        (("in.jpg", "gan.jpg", "--covered", "2"), "covered must lie in"),
        (("in.jpg", "gan.jpg", "--threshold", "0.5"), "without --recogniser"),
        (("in.jpg", "gan.jpg", "--recogniser", "onet"), "unknown recogniser"),
        (("in.jpg", "gan.jpg", "--recogniser", "onnx"), "needs --recogniser-weights"),
        (("in.jpg", "gan.jpg", "--recogniser", "facenet", "--recogniser-order", "bgr"), "knows how it is fed"),
        (("in.jpg", "gan.jpg", "--recogniser", "mobilefacenet", "--recogniser-size", 96), "knows how it is fed"),
        (("in.jpg", "gan.jpg", "--recogniser", "mobilefacenet"), "needs --recogniser-weights"),
        (("in.jpg", "gan.jpg", "--recogniser", "mobilefacenet", "--recogniser-weights", "no.pt"), "no weights at"),
        (("in.jpg", "gan.jpg", "--recogniser", "onnx", "--recogniser-weights", "no.onnx"), "no network at"),
        (("in.jpg", "gan.jpg", "--detector", "yunet"), "needs --detector-weights"),
    ],
)
def test_a_wrong_wish_is_misuse(options, message, portrait, monkeypatch, capsys):
    monkeypatch.chdir(portrait)
    assert run("verify", *options) == MISUSED
    assert message in capsys.readouterr().err


def test_mobilefacenet_looks_from_the_users_file(portrait, tmp_path, capsys):
    torch.manual_seed(0)
    torch.save({"net_state_dict": MobileFaceNet().state_dict()}, tmp_path / "random.pt")
    known = ("--recogniser", "mobilefacenet", "--recogniser-weights", tmp_path / "random.pt", "--threshold", 1)
    assert run("verify", portrait / "in.jpg", portrait / "gan.jpg", *known) == 0
    assert "IDENTITY NOT CHECKED" not in capsys.readouterr().err
    same = (*known[:-1], -1)
    assert run("verify", portrait / "in.jpg", portrait / "gan.jpg", *same) == FAILED


def test_with_a_recogniser_that_is_known(portrait, deepanon_data, tmp_path, capsys):
    weights = deepanon_data.parent / "weights" / "reid0095.xml"
    if not weights.is_file():
        pytest.skip("no reid0095.xml beside DEEPANON_DATA")
    known = ("--recogniser", "openvino", "--recogniser-weights", weights, "--recogniser-template", "reid0095")
    assert run("verify", portrait / "in.jpg", portrait / "gan.jpg", *known, "--json", tmp_path / "a.json") == 0
    about = json.loads((tmp_path / "a.json").read_text())["about"]
    assert about["similarity at most"] == 0.36
    assert "IDENTITY" not in capsys.readouterr().err
    assert run("verify", portrait / "in.jpg", portrait / "gan.jpg", *known, "--threshold", "-1") == FAILED
    assert "SIMILAR in.jpg" in capsys.readouterr().err
