"""The `deepanon data` commands: what they print, write and refuse, and their exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deepanon.cli import main
from deepanon.data.crops import PackedCrops
from deepanon.data.fdf.archives import LICENCES
from deepanon.data.synthetic import draw_scene, write_packed_crops
from deepanon.detections import FIVE
from deepanon.detectors.given import write_detections
from deepanon.images import write_image


def run(*arguments):
    """Exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code or 0


@pytest.fixture
def photos(tmp_path):
    """Two people with two photos each, a broken photo, a file that is no picture, and the faces of all."""
    faces = {}
    for seed, name in enumerate(("ann/1.png", "ann/2.png", "bob/1.png", "bob/2.png")):
        image, found = draw_scene(220, 200, 1, seed, face=80)
        write_image(tmp_path / "in" / name, image)
        faces[name] = (found, 220, 200)
    write_detections(tmp_path / "faces.json", faces, FIVE)
    return tmp_path / "in"


def build(photos, tmp_path, *options, out="out"):
    given = ["--detections", tmp_path / "faces.json", "--resolution", "64", "--workers", "0"]
    return run("data", "build", photos, tmp_path / out, *given, *options)


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    root = tmp_path_factory.mktemp("crops")
    write_packed_crops(root, "train", 10, seed=1, resolution=32)
    write_packed_crops(root, "val", 2, seed=2, resolution=32)
    return root


def test_help_is_there_and_loads_nothing_heavy():
    code = """
import sys
from deepanon.cli import main
try:
    main(["data", "build", "--help"])
except SystemExit:
    print(*(m for m in ("torch", "numpy", "cv2", "PIL", "sqlite3") if m in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--identities" in done.stdout
    assert done.stdout.splitlines()[-1] == ""


def test_build_check_and_stats(photos, tmp_path, capsys):
    (photos / "bob" / "notes.txt").write_text("x")
    assert build(photos, tmp_path, "--identities", "--val", "0.5") == 0
    captured = capsys.readouterr()
    assert "4 photos: 0 duplicates, 0 without a face, 0 failed" in captured.out
    assert "4 faces: 4 crops, left out: none" in captured.out
    assert "notes.txt" in captured.err
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert meta["made_with"]["settings"]["source"] == "in"
    splits = [name for name in ("train", "val") if (tmp_path / "out" / f"{name}.npz").is_file()]
    assert sum(len(PackedCrops(tmp_path / "out", name, 64)) for name in splits) == 4
    assert build(photos, tmp_path, "--identities", "--val", "0.5") == 0
    assert "is whole already: 4 crops of 4 photos" in capsys.readouterr().out


def test_a_photo_that_fails_is_named_and_sets_the_exit_code(photos, tmp_path, capsys):
    (photos / "bob" / "2.png").write_bytes(b"broken")
    assert build(photos, tmp_path, "--val", "0") == 1
    captured = capsys.readouterr()
    assert captured.err.count("FAILED") == 1
    assert "bob/2.png: not a readable picture" in captured.err
    assert "3 crops for training, 0 held out" in captured.out
    assert build(photos, tmp_path, "--val", "0") == 1  # the set is whole, and still lacks a photo


def test_nobody_held_out_is_said_and_sets_the_exit_code(photos, tmp_path, capsys):
    for _ in range(2):  # the second time the set is whole already
        assert build(photos, tmp_path, "--val", "1e-9") == 1
        error = capsys.readouterr().err
        assert f"nobody was held out, and train.py needs both; the crops stay in {tmp_path / 'out'}." in error
        assert "Build into a new folder with a larger --val (it was 1e-09)" in error
    assert len(PackedCrops(tmp_path / "out", "train", 64)) == 4
    assert run("data", "check", tmp_path / "out") == 1
    assert "PROBLEM: split missing: 1 (val)" in capsys.readouterr().err
    assert build(photos, tmp_path, "--val", "0.6") == 2
    error = capsys.readouterr().err
    assert "holds a finished set, which stays as it is; to change something, build into a new folder" in error
    assert "settings.val: 1e-09, now 0.6" in error


def test_nobody_left_to_train_with(photos, tmp_path, capsys):
    assert build(photos, tmp_path, "--val", "0.999999999") == 1
    assert "nobody is left to train with" in (error := capsys.readouterr().err)
    assert "with a smaller --val" in error


def test_no_held_out_part_may_be_asked_for(photos, tmp_path):
    assert build(photos, tmp_path, "--val", "0") == 0


MISUSE = {
    "workers": (["--workers", "-1"], "--workers must be 0 or more"),
    "val": (["--val", "1"], "val must lie in [0, 1)"),
    "smaller than the resolution": (["--min-side", "32"], "would be enlarged"),
    "score": (["--min-score", "2"], "min_score must lie in [0, 1]"),
    "no detections": (["--detections", "none.json"], "none.json does not exist"),
}


@pytest.mark.parametrize(("options", "message"), MISUSE.values(), ids=MISUSE)
def test_misuse_is_said_in_one_line(photos, tmp_path, capsys, options, message):
    assert build(photos, tmp_path, *options) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_detectors_that_cannot_be_used(photos, tmp_path, capsys):
    for options, message in {
        ("--detector", "yunet"): "--detector-weights",
        ("--detector", "cascade"): "places no keypoints",
        ("--detector", "haar"): "choose one of: cascade",
    }.items():
        assert run("data", "build", photos, tmp_path / "out", *options) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_photos_and_set_must_lie_apart(photos, tmp_path, capsys):
    for out in (photos, photos / "out", tmp_path):
        assert run("data", "build", photos, out) == 2
        assert "lie in each other" in capsys.readouterr().err
    assert run("data", "build", tmp_path / "nothing", tmp_path / "out") == 2


def test_check_draws_a_sheet(crops, tmp_path, capsys):
    assert run("data", "check", crops, "--sheet", tmp_path / "sheet.png") == 0
    assert "10 train and 2 val crops, no problem" in capsys.readouterr().out
    assert np.asarray(Image.open(tmp_path / "sheet.png")).std() > 20
    assert run("data", "check", crops, "--sheet", tmp_path / "sheet.gif") == 2


def test_check_fails_on_a_problem(tmp_path, capsys):
    write_packed_crops(tmp_path, "train", 3, seed=1, resolution=32)
    write_packed_crops(tmp_path, "val", 3, seed=1, resolution=32)
    assert run("data", "check", tmp_path) == 1
    captured = capsys.readouterr()
    assert "PROBLEM: same pixels in train and val: 3" in captured.err
    assert "3 problems" in captured.out
    assert run("data", "check", tmp_path / "nowhere") == 2


def test_stats_prints_and_writes(crops, tmp_path, capsys):
    assert run("data", "stats", crops, "--json", tmp_path / "s.json") == 0
    assert "train: 10 crops" in capsys.readouterr().out
    assert json.loads((tmp_path / "s.json").read_text())["splits"]["val"]["crops"] == 2


def test_stats_of_fdf_are_its_licences(tmp_path, capsys):
    entry = {
        "license_url": "http://creativecommons.org/licenses/by-nc/2.0/",
        "photo_url": "http://www.flickr.com/photos/a/7/",
    }
    faces = {"0": entry | {"author": "ann"}, "1": entry | {"author": "bob"}, "2": entry | {"author": "ann"}}
    for part in (".", "train"):
        root = tmp_path / part / "fdf"
        (root / part).mkdir(parents=True)
        (root / part / "fdf_metainfo.json").write_text(json.dumps(faces))
        assert run("data", "stats", root, "--json", tmp_path / "s.json") == 0
        assert "cc-by-nc-2" in capsys.readouterr().out
        facts = json.loads((tmp_path / "s.json").read_text())
        assert (facts["faces"], facts["licences"], facts["authors"]) == (3, {"cc-by-nc-2": 3}, {"ann": 2, "bob": 1})


def test_stats_of_fdf_say_what_is_missing(fdf, tmp_path, capsys):
    assert run("data", "stats", fdf) == 0
    out = capsys.readouterr().out
    assert "landmarks/32" in out
    assert "fdf_metainfo.json: not there, so licences and authors are unknown" in out
    assert run("data", "stats", tmp_path) == 2
    assert "neither train.npz nor val.npz) and nothing of FDF" in capsys.readouterr().err


def test_download_states_the_terms_before_it_starts(tmp_path, capsys):
    arguments = ["data", "fdf-download", tmp_path / "fdf", "--base-url", "ftp://nowhere", "--images"]
    assert run(*arguments, "--licences", "cc-by-2", "--fdf256") == 2
    captured = capsys.readouterr()
    assert "academic or open-source" in captured.out
    assert LICENCES["cc-by-2"] in captured.out
    assert LICENCES["cc-by-nc-2"] not in captured.out
    assert "no http or https address" in captured.err
    assert run(*arguments, "--licences", "cc0") == 2
    assert "unknown licences" in capsys.readouterr().err
