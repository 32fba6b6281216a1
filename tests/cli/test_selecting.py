"""Options that leave faces: who is left is said on stderr and in the report, and films refuse those by picture."""

import json

import numpy as np
import pytest
from PIL import Image

from deepanon.cli import FAILED, MISUSED, main
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.detectors.given import write_detections
from deepanon.images import write_image


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    return stop.value.code or 0


@pytest.fixture
def job(tmp_path):
    """Two photos with three faces each, and the file about them, one face of which is called a plate."""
    found = {}
    for name, seed in (("a.png", 2), ("b.png", 4)):
        image, faces = draw_scene(400, 300, 3, seed=seed)
        write_image(tmp_path / "in" / name, image)
        labels = np.array(["face", "face", "plate"])
        found[name] = (Detections(faces.boxes, faces.scores, faces.keypoints, labels), 400, 300)
    write_detections(tmp_path / "faces.json", found, faces.schema)
    return tmp_path, found


def command(folder, *more):
    return (
        *("anonymize", folder / "in", "-o", folder / "out", "--detections", folder / "faces.json"),
        *("--json", folder / "report.json", *more),
    )


def pixels(folder, name, box):
    x0, y0, x1, y1 = np.concatenate([np.ceil(box[:2]), np.floor(box[2:])]).astype(int)
    return [np.asarray(Image.open(folder / where / name))[y0:y1, x0:x1] for where in ("in", "out")]


def edited(folder, change):
    stored = json.loads((folder / "faces.json").read_text())
    change(stored["images"])
    (folder / "edited.json").write_text(json.dumps(stored))
    return folder / "edited.json"


def test_options_and_chains_on_the_command_line(job):
    folder, found = job
    method = "face=solid+mosaic:cells=3,plate=blackout"
    assert run(*command(folder, "--method", method, "--seed", 1)) == 0
    assert method in (folder / "report.json").read_text()
    for name, (faces, _, _) in found.items():
        for row, label in enumerate(faces.labels):
            after = pixels(folder, name, faces.boxes[row])[1].reshape(-1, 3)
            assert len(np.unique(after, axis=0)) == 1  # a mosaic of one colour is that colour
            assert (after == 0).all() == (label == "plate")


def test_a_model_is_for_every_generator_in_a_chain(job, capsys):
    folder, _ = job
    for method in ("gan+gaussian", "face=gan:z=zero+noise,plate=solid"):
        assert run(*command(folder, "--method", method, "--model", "first", "--seed", 1, "--anew")) == 0
    assert run(*command(folder, "--method", "gan:model=first+solid", "--model", "first")) == MISUSED
    assert "option 'model' of method 'gan' is given twice" in capsys.readouterr().err
    assert run(*command(folder, "--method", "face=gan+solid,plate=gaussian:sigma=7")) == MISUSED
    assert "method 'gaussian': sigma must be a number from 0.001 to 1, got 7" in capsys.readouterr().err
    assert run(*command(folder, "--method", "gan+gaussian", "--detector", "mtcnn+plates")) == MISUSED
    assert "would draw a face on every plate" in capsys.readouterr().err


def test_rules_on_the_command_line(job):
    folder, found = job
    assert run(*command(folder, "--method", "face=solid,plate=blackout", "--seed", 1)) == 0
    for name, (faces, _, _) in found.items():
        for row, label in enumerate(faces.labels):
            before, after = pixels(folder, name, faces.boxes[row])
            assert (after == 0).all() == (label == "plate")
            assert (after != before).any(-1).mean() > 0.5
    assert json.loads((folder / "report.json").read_text())["method"] == "face=solid,plate=blackout"


def test_a_label_without_a_rule_fails_its_photos(job, capsys):
    folder, _ = job
    assert run(*command(folder, "--method", "face=blackout")) == FAILED
    assert "FAILED a.png: no rule for label 'plate'; the rules are face=blackout" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_who_is_kept_is_said(job, capsys):
    folder, found = job

    def change(images):
        images["a.png"]["faces"] = images["a.png"]["faces"][:1]
        images["b.png"]["faces"] = [{"box": [0, 0, 9, 9]}]
        images["gone.png"] = images["a.png"]

    keep = edited(folder, change)
    assert run(*command(folder, "--method", "blackout", "--keep", keep)) == 0
    before, after = pixels(folder, "a.png", found["a.png"][0].boxes[0])
    assert np.array_equal(before, after)
    assert (pixels(folder, "a.png", found["a.png"][0].boxes[1])[1] == 0).all()
    said = capsys.readouterr().err
    assert "LEFT OPEN in a.png: 1 kept" in said
    assert "1 faces were LEFT OPEN on purpose" in said
    assert "b.png: no face in the region to keep [0.0, 0.0, 9.0, 9.0]" in said
    assert "--keep speaks of 'gone.png', which is not among the files" in said
    report = json.loads((folder / "report.json").read_text())["files"]
    assert [len(file.get("left", [])) for file in report] == [1, 0]


def test_without_such_an_option_nothing_is_said(job, capsys):
    folder, _ = job
    assert run(*command(folder, "--method", "blackout")) == 0
    assert "LEFT OPEN" not in capsys.readouterr().err
    assert all("left" not in file for file in json.loads((folder / "report.json").read_text())["files"])


def test_only_min_size_and_zone(job, capsys):
    folder, found = job
    whole = edited(folder, lambda images: [images[name].update(faces=images[name]["faces"][:1]) for name in images])
    assert run(*command(folder, "--method", "blackout", "--only", whole)) == 0
    assert "2 in no region of those to replace" in capsys.readouterr().err
    assert (pixels(folder, "a.png", found["a.png"][0].boxes[0])[1] == 0).all()
    before, after = pixels(folder, "a.png", found["a.png"][0].boxes[1])
    assert np.array_equal(before, after)
    assert run(*command(folder, "--method", "blackout", "--min-size", 999, "--zone", "0,0,200,300", "--anew")) == 0
    captured = capsys.readouterr()
    assert "2 copied, 0 failed" in captured.out
    assert "smaller than 999 px" in captured.err
    assert "in a zone" in captured.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep", "none.json"], "does not exist"),
        (["--zone", "1,2,3"], "four numbers"),
        (["--zone", "3,3,1,1"], "no area"),
        (["--min-size", "-1"], "min_size must be finite and 0 or more"),
        (["--method", "face=blur"], "unknown method 'blur'"),
        (["--method", "face=noise", "--model", "x"], "--model goes with --method gan"),
        (["--plate-weights", "x"], "--plate-weights goes with --detector plates"),
        (
            ["--method", "solid", "--detector", "mtcnn+plates", "--plate-weights", "none.onnx"],
            "no ONNX detector at none.onnx",
        ),
        (["--detector", "mtcnn+plates"], "would draw a face on every plate: use --method face=gan,plate=plate"),
        (["--detector", "mtcnn+mtcnn"], "each once"),
        (["--detector", "yunet+onnx", "--detector-weights", "x", "--detector-layout", "yolo"], "one at most of"),
        (["--detector", "mtcnn+yunet"], "'yunet' needs --detector-weights"),
        (["--detector", "mtcnn+given"], "--detections FILE"),
    ],
)
def test_misuse_is_said_before_the_work(job, capsys, options, message):
    folder, _ = job
    assert run("anonymize", folder / "in", "-o", folder / "out", *options) == MISUSED
    said = capsys.readouterr().err
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert not (folder / "out").exists()


@pytest.mark.parametrize("option", [["--keep", "x"], ["--only", "x"]])
def test_films_say_how_it_is_done_with_them(tmp_path, capsys, option):
    assert run("anonymize", tmp_path / "in.mp4", "-o", tmp_path / "out.mp4", *option) == MISUSED
    said = capsys.readouterr().err
    assert (
        f'{option[0]} goes with photos; for a film write --json FILE, give the tracks of faces to leave a "left"'
        in said
    )


def test_crops_are_made_of_faces_alone(tmp_path, capsys):
    write_image(tmp_path / "photos" / "a.png", draw_scene(64, 64, 0, seed=1)[0])
    assert run("data", "build", tmp_path / "photos", tmp_path / "out", "--detector", "mtcnn+plates") == MISUSED
    assert "crops are of faces" in capsys.readouterr().err


def test_a_folder_goes_on_only_with_the_same_wishes_and_says_again_who_was_left(job, capsys):
    folder, _ = job
    keep = edited(folder, lambda images: images.pop("b.png"))
    first = command(folder, "--method", "blackout", "--keep", keep)
    assert run(*first) == 0
    assert capsys.readouterr().err.count("LEFT OPEN in a.png: 3 kept") == 1
    assert run(*first) == 0
    captured = capsys.readouterr()
    assert "in an earlier run" in captured.out
    assert "LEFT OPEN in a.png: 3 kept" in captured.err
    assert "3 faces were LEFT OPEN on purpose" in captured.err
    assert run(*command(folder, "--method", "blackout")) == MISUSED
    assert "was begun with selection" in capsys.readouterr().err
    keep.write_text(keep.read_text() + " ")  # another file under the same name
    assert run(*first) == MISUSED


def test_a_film_among_photos_fails_alone(job, capsys):
    folder, _ = job
    (folder / "in" / "c.mp4").write_bytes(b"")
    keep = edited(folder, lambda images: images.pop("b.png"))
    assert run(*command(folder, "--method", "blackout", "--keep", keep)) == FAILED
    captured = capsys.readouterr()
    assert "FAILED c.mp4: --keep goes with photos" in captured.err
    assert "1 anonymized, 1 copied, 1 failed" in captured.out
