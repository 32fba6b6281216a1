"""Which detector a command takes if nobody says, and that it says so where it is not the usual one."""

import json

import numpy as np
import pytest

from deepanon.cli import MISUSED, main, parser
from deepanon.cli.shared import YUNET, check_detector, chosen_detector, settle_detector
from deepanon.detectors import Mtcnn, Reduced
from deepanon.errors import OptionError
from deepanon.images import write_image


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(YUNET, raising=False)


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"weights")
    monkeypatch.setenv(YUNET, str(path))
    return path


def settled(*words):
    options = parser().parse_args(words)
    settle_detector(options)
    return options


def test_without_weights_it_is_mtcnn_and_nothing_is_said(capsys):
    assert settled("anonymize", "a.png", "-o", "b.png").detector == "mtcnn"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", [("anonymize", "a.png", "-o", "b.png"), ("detect", "a.png", "-o", "b.json")])
def test_where_the_weights_are_named_it_is_yunet_and_that_is_said(command, file, capsys):
    options = settled(*command)
    assert (options.detector, options.detector_weights) == ("yunet", str(file))
    assert "found by yunet, not by mtcnn" in capsys.readouterr().err
    assert settled(*command, "--detector", "auto+plates").detector == "yunet+plates"


def test_a_name_that_was_said_stays(file, capsys):
    command = ("anonymize", "a.png", "-o", "b.png", "--detector")
    assert settled(*command, "mtcnn").detector_weights is None
    assert settled(*command, "yunet").detector_weights == str(file)
    assert settled(*command, "yunet", "--detector-weights", "other").detector_weights == "other"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", [("verify", "a", "b"), ("data", "build", "a", "b"), ("audit", "a")])
def test_what_is_compared_has_a_certain_detector(command, file):
    assert settled(*command).detector == "mtcnn"


def test_weights_that_are_not_there_are_no_reason_for_another_detector(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv(YUNET, str(tmp_path / "none.onnx"))
    with pytest.raises(OptionError, match=r"none\.onnx"):
        settled("anonymize", "a.png", "-o", "b.png")
    with pytest.raises(SystemExit) as stop:
        main(["detect", str(tmp_path), "-o", str(tmp_path / "out.json")])
    assert stop.value.code == MISUSED
    assert YUNET in capsys.readouterr().err
    settled("anonymize", "a.png", "-o", "b.png", "--detections", "faces.json")  # nothing is detected


def test_a_reduced_side_goes_to_the_detector():
    detector = chosen_detector(settled("anonymize", "a.png", "-o", "b.png", "--detector-side", "320"))
    assert isinstance(detector, Reduced)
    assert isinstance(detector.detector, Mtcnn)
    with pytest.raises(OptionError, match="side"):
        chosen_detector(settled("anonymize", "a.png", "-o", "b.png", "--detector-side", "3"))


def test_scales_go_to_yunet(file):
    command = ("anonymize", "a.png", "-o", "b.png", "--detector-scales", "1", "2")
    assert check_detector(settled(*command)) == {"weights": str(file), "scales": (1.0, 2.0)}
    with pytest.raises(OptionError, match="yunet"):
        check_detector(settled(*command, "--detector", "mtcnn"))


def test_the_report_names_the_detector(tmp_path, capsys):
    write_image(tmp_path / "a.png", np.full((50, 50, 3), 99, np.uint8))
    report = tmp_path / "report.json"
    with pytest.raises(SystemExit):
        main(["anonymize", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png"), "--method", "blackout",
              "--on-no-face", "copy", "--json", str(report)])  # fmt: skip
    assert json.loads(report.read_text())["detector"].startswith("MTCNN")
