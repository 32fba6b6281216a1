"""The command line: what goes in, what comes out, what is refused, and the exit code."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deepanon.anonymizers import ANONYMIZERS
from deepanon.cli import METHODS, main
from deepanon.data.synthetic import draw_scene
from deepanon.images import write_image


def run(*arguments):
    """Exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code or 0


@pytest.fixture(scope="module")
def portrait():
    return draw_scene(200, 200, 1, seed=3, face=90)[0]


@pytest.fixture
def photos(tmp_path, portrait):
    """A folder with sub-folders, two equal file names, and a file that is no picture."""
    for name in ("one.png", "sub/one.png", "sub/deep/two.JPG"):
        write_image(tmp_path / "in" / name, portrait)
    (tmp_path / "in" / "notes.txt").write_text("x")
    return tmp_path / "in"


def test_help_and_version_work_as_installed():
    for arguments in (["--help"], ["anonymize", "--help"], ["detect", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-m", "deepanon", *arguments], capture_output=True, text=True, check=True
        )
        assert "deepanon" in done.stdout


def test_help_names_every_method():
    assert sorted(METHODS.split()) == sorted(ANONYMIZERS)


def test_a_folder_is_mirrored(photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("anonymize", photos, "-o", out, "--method", "blackout", "--json", tmp_path / "report.json") == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()) == [
        "one.png", "sub/deep/two.JPG", "sub/one.png"]  # fmt: skip
    captured = capsys.readouterr()
    assert "3 files: 3 anonymized, 0 failed; 3 faces" in captured.out
    assert "left out" in captured.err
    assert "notes.txt" in captured.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert [f["status"] for f in report["files"]] == ["anonymized"] * 3
    assert len(report["files"][0]["faces"][0]["box"]) == 4


def test_an_output_inside_the_input_must_not_hold_pictures(photos, capsys):
    """They may be originals: neither passed over nor overwritten."""
    before = (photos / "sub" / "one.png").read_bytes()
    assert run("anonymize", photos, "-o", photos / "sub", "--method", "blackout") == 2
    assert "already holds" in capsys.readouterr().err
    assert (photos / "sub" / "one.png").read_bytes() == before
    assert run("anonymize", photos, "-o", photos / "out", "--method", "blackout") == 0
    assert run("anonymize", photos, "-o", photos / "out", "--method", "blackout") == 0  # what it holds is ours
    assert not (photos / "out" / "out").exists()
    assert "3 files: 3 anonymized, 0 failed (3 in an earlier run)" in capsys.readouterr().out


def test_linked_folders_and_broken_links_are_not_silent(photos, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    (photos / "linked").symlink_to(tmp_path / "elsewhere")
    (photos / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    assert run("anonymize", photos, "-o", tmp_path / "out", "--method", "blackout") == 1
    errors = capsys.readouterr().err
    assert "left out (not a supported picture)" in errors
    assert "linked" in errors
    assert "FAILED gone.jpg" in errors


def test_a_folder_that_cannot_be_listed_stops_the_run(photos, tmp_path, capsys, monkeypatch):
    real = os.scandir

    def refuse(path):
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert run("anonymize", photos, "-o", tmp_path / "out", "--method", "blackout") == 2
    assert "cannot be listed" in capsys.readouterr().err


def test_reports_never_overwrite_a_photo(photos, tmp_path, capsys):
    picture = photos / "one.png"
    before = picture.read_bytes()
    assert run("detect", picture, "-o", picture) == 2
    assert run("anonymize", picture, "-o", tmp_path / "o.png", "--method", "blackout", "--json", picture) == 2
    assert run("detect", picture, "-o", tmp_path) == 2
    assert picture.read_bytes() == before
    assert "Traceback" not in capsys.readouterr().err


def test_one_file_to_one_file_and_to_a_folder(photos, tmp_path):
    assert run("anonymize", photos / "one.png", "-o", tmp_path / "new" / "a.jpg", "--method", "mosaic") == 0
    assert run("anonymize", photos / "one.png", "-o", tmp_path / "folder", "--method", "mosaic") == 0
    assert Image.open(tmp_path / "new" / "a.jpg").size == (200, 200)
    assert (tmp_path / "folder" / "one.png").is_file()


def test_several_folders_keep_their_names(photos, tmp_path):
    assert run("anonymize", photos / "sub" / "deep", photos / "one.png", "-o", tmp_path / "o", "--method", "noise") == 0
    assert (tmp_path / "o" / "deep" / "two.JPG").is_file()
    assert (tmp_path / "o" / "one.png").is_file()


def test_a_bad_file_fails_alone_and_the_exit_code_says_so(photos, tmp_path, capsys):
    whole = (photos / "one.png").read_bytes()
    (photos / "broken.png").write_bytes(whole[: len(whole) // 2])
    (photos / "empty.jpg").write_bytes(b"")
    write_image(photos / "dot.png", np.zeros((1, 1, 3), np.uint8))
    Image.new("1", (20000, 20000)).save(photos / "huge.png")
    Image.new("RGB", (64, 64)).save(
        photos / "film.webp", save_all=True, append_images=[Image.new("RGB", (64, 64), "red")]
    )
    out = tmp_path / "out"
    assert run("anonymize", photos, "-o", out, "--method", "blackout", "--json", tmp_path / "r.json") == 1
    assert sorted(p.name for p in out.rglob("[!.]*.*") if p.parent.name[0] != ".") == ["one.png", "one.png", "two.JPG"]
    captured = capsys.readouterr()
    assert "8 files: 3 anonymized, 5 failed" in captured.out
    for name, reason in {"broken.png": "not a readable", "empty.jpg": "not a readable", "dot.png": "no face found",
                         "huge.png": "megapixels", "film.webp": "no face found"}.items():  # fmt: skip
        line = next(line for line in captured.err.splitlines() if f"FAILED {name}" in line)
        assert reason in line
    assert "Traceback" not in captured.err
    assert [f["status"] for f in json.loads((tmp_path / "r.json").read_text())["files"]].count("failed") == 5


def test_no_face_fails_unless_a_copy_is_asked_for(tmp_path):
    plain = np.full((80, 80, 3), 90, np.uint8)
    write_image(tmp_path / "in.png", plain)
    assert run("anonymize", tmp_path / "in.png", "-o", tmp_path / "out.png") == 1
    assert not (tmp_path / "out.png").exists()
    assert run("anonymize", tmp_path / "in.png", "-o", tmp_path / "out.png", "--on-no-face", "copy") == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), plain)


def test_detect_edit_and_feed_back(photos, tmp_path):
    faces = tmp_path / "faces.json"
    assert run("detect", photos, "-o", faces) == 0
    stored = json.loads(faces.read_text())
    assert sorted(stored["images"]) == ["one.png", "sub/deep/two.JPG", "sub/one.png"]
    stored["images"]["one.png"]["faces"] = [{"box": [10, 20, 30, 50]}]  # moved by hand, keypoints unknown
    del stored["images"]["sub/one.png"]
    faces.write_text(json.dumps(stored))
    assert run("anonymize", photos, "-o", tmp_path / "out", "--method", "blackout", "--detections", faces) == 1
    one = np.asarray(Image.open(tmp_path / "out" / "one.png"))
    assert (one[20:50, 10:30] == 0).all()
    assert not (tmp_path / "out" / "sub" / "one.png").exists()  # no entry is no licence to copy


def test_seed_and_key_repeat_and_default_does_not(photos, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))

    def result(*options):
        assert run("anonymize", photos / "one.png", "-o", tmp_path / "o.png", "--method", "gan", *options) == 0
        return (tmp_path / "o.png").read_bytes()

    assert result("--seed", "4") == result("--seed", "4") != result("--seed", "5")
    assert result("--key", key) == result("--key", key) != result("--seed", "4")
    assert result() != result()


def test_detections_keep_the_schema_of_their_detector(photos, tmp_path, monkeypatch):
    from deepanon.detections import COCO7, Detections
    from deepanon.detectors import Given

    face = Detections(np.array([[10, 20, 30, 50]]), np.ones(1), np.ones((1, 7, 2)), schema=COCO7)
    monkeypatch.setattr("deepanon.cli.photos.chosen_detector", lambda _: Given({"one.png": face}))
    assert run("detect", photos / "one.png", "-o", tmp_path / "faces.json") == 0
    back = Given(tmp_path / "faces.json")(np.zeros((200, 200, 3), np.uint8), "one.png")
    assert back.schema == COCO7
    assert back.has_keypoints.all()


MISUSE = {
    "unknown method": (["--method", "blur"], "choose one of: blackout, blackout_ellipse"),
    "unknown detector": (["--detector", "ssd"], "choose one of: cascade"),
    "missing weights": (["--model", "none.safetensors"], "no generator at none.safetensors"),
    "unknown runtime": (["--runtime", "cuda"], "unknown runtime 'cuda'; choose one of: auto, onnx, openvino, torch"),
    "unknown precision": (["--precision", "int4"], "unknown precision 'int4'; choose one of: bf16, float32"),
    "another precision": (["--precision", "bf16", "--runtime", "auto"], "bf16 goes with one of: torch, openvino"),
    "runtime without gan": (["--method", "noise", "--runtime", "auto"], "--runtime goes with --method gan"),
    "model without gan": (["--method", "noise", "--model", "x"], "--model goes with --method gan"),
    "no key file": (["--key", "nokey"], "key file nokey does not exist"),
    "no detections file": (["--detections", "none.json"], "does not exist"),
    "on-no-face": (["--on-no-face", "skip"], "raise, copy"),
    "yunet without weights": (["--detector", "yunet"], "--detector-weights"),
    "weights without yunet": (["--detector-weights", "x"], "takes no weights"),
    "onnx without layout": (["--detector", "onnx", "--detector-weights", "x"], "--detector-layout"),
    "layout without onnx": (["--detector-layout", "yolo"], "goes with --detector onnx"),
    "detector given": (["--detector", "given"], "--detections FILE"),
}


@pytest.mark.parametrize(("options", "message"), MISUSE.values(), ids=MISUSE)
def test_misuse_is_said_in_one_line(options, message, photos, tmp_path, capsys):
    assert run("anonymize", photos, "-o", tmp_path / "out", *options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_wrong_paths(photos, tmp_path, capsys):
    picture, gan = photos / "one.png", ["--method", "blackout"]
    before = picture.read_bytes()
    assert run("anonymize", picture, "-o", picture, *gan) == 2
    assert run("anonymize", photos, "-o", photos, *gan) == 2
    assert run("anonymize", photos, "-o", picture, *gan) == 2
    assert run("anonymize", tmp_path / "nothing", "-o", tmp_path / "out", *gan) == 2
    assert run("anonymize", picture, "-o", tmp_path / "a.gif", *gan) == 2
    assert run("anonymize", picture, picture, "-o", tmp_path / "out", *gan) == 2
    (tmp_path / "bare").mkdir()
    assert run("anonymize", tmp_path / "bare", "-o", tmp_path / "out", *gan) == 2
    assert picture.read_bytes() == before
    assert "Traceback" not in capsys.readouterr().err


def test_an_unwritable_target_fails_cleanly(photos, tmp_path, capsys):
    (tmp_path / "wall").write_text("a file where a folder should be")
    assert run("anonymize", photos / "one.png", "-o", tmp_path / "wall" / "o.png", "--method", "blackout") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_library_failure_is_one_failed_file(photos, tmp_path, capsys, monkeypatch):
    from deepanon.detectors import Mtcnn

    calls = []

    def sometimes(self, image, name=""):
        calls.append(name)
        if name == "one.png":
            raise RuntimeError("inside a library")
        return original(self, image, name)

    original = Mtcnn.__call__
    monkeypatch.setattr(Mtcnn, "__call__", sometimes)
    assert run("anonymize", photos, "-o", tmp_path / "out", "--method", "blackout") == 1
    assert len(calls) == 3
    assert not (tmp_path / "out" / "one.png").exists()
    assert "FAILED one.png: unexpected RuntimeError: inside a library" in capsys.readouterr().err
