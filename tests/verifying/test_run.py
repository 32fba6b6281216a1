"""The check of folders: every file has its place in the verdict."""

import json

import numpy as np
import pytest
from PIL import Image

from deepanon.anonymizers import build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.detectors import Given
from deepanon.errors import OptionError
from deepanon.images import write_image
from deepanon.pipeline import replace_faces
from deepanon.verifying import Limits, Verifier

NAMES = ("a.jpg", "b.png", "sub/c.webp")


@pytest.fixture
def folders(tmp_path):
    """Three photos with two faces each, all replaced; and a detector that knows where the faces are."""
    known, blackout = {}, build_anonymizer("blackout")
    for seed, name in enumerate(NAMES):
        image, faces = draw_scene(480, 320, 2, seed=seed, face=90)
        write_image(tmp_path / "in" / name, image)
        write_image(tmp_path / "out" / name, replace_faces(image, faces, blackout, [1, 2]))
        known[name] = faces
    return tmp_path, Given(known)


def kinds(verdict):
    return {checked.name: [found.kind for found in checked.findings] for checked in verdict.files if checked.findings}


def test_all_is_well(folders):
    root, eye = folders
    verdict = Verifier(eye)(root / "in", root / "out")
    assert verdict.passed
    assert (verdict.faces, len(verdict.files)) == (6, 3)
    assert any("IDENTITY NOT CHECKED" in note for note in verdict.notes)
    assert json.loads(json.dumps(verdict.to_json()))["passed"] is True


def test_the_same_folder_twice_is_exposed(folders):
    root, eye = folders
    verdict = Verifier(eye)(root / "in", root / "in")
    assert verdict.kinds == {"exposed": 6}


def test_everything_that_can_be_wrong_with_a_file(folders):
    root, eye = folders
    out = root / "out"
    whole = (out / "a.jpg").read_bytes()
    (out / "a.jpg").write_bytes(whole[: len(whole) // 2])
    write_image(out / "b.png", np.zeros((10, 10, 3), np.uint8))
    (out / "sub" / "c.webp").rename(out / "sub" / "d.webp")
    found = kinds(Verifier(eye)(root / "in", out))
    assert "unreadable" in found["a.jpg"]
    assert found["b.png"] == ["not comparable"]
    assert found["sub/c.webp"] == ["missing"]
    assert found["sub/d.webp"] == ["extra"]


def test_another_picture_under_the_name_is_not_comparable(folders):
    root, eye = folders
    write_image(root / "out" / "b.png", draw_scene(480, 320, 2, seed=77, face=90)[0])
    assert kinds(Verifier(eye)(root / "in", root / "out"))["b.png"][0] == "not comparable"


def test_an_empty_output_lacks_everything(folders):
    root, eye = folders
    (root / "empty").mkdir()
    verdict = Verifier(eye)(root / "in", root / "empty")
    assert verdict.kinds == {"missing": 3}


def test_a_picture_that_was_turned_is_compared_upright(folders):
    root, eye = folders
    stored = Image.open(root / "in" / "b.png").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    stored.save(root / "in" / "b.png", exif=exif)
    assert Verifier(eye)(root / "in", root / "out").passed


def test_what_breaks_the_detector_is_said_and_does_not_stop_the_others(folders):
    root, eye = folders
    del eye.faces["b.png"]
    found = kinds(Verifier(eye)(root / "in", root / "out"))
    assert found == {"b.png": ["unreadable"]}


def test_identity_with_a_threshold_that_is_given(folders, recogniser):
    root, eye = folders
    image, faces = draw_scene(480, 320, 2, seed=1, face=90)
    write_image(root / "out" / "b.png", replace_faces(image, faces, build_anonymizer("heavy_blur"), [1, 2]))
    verdict = Verifier(eye, recogniser, Limits(covered=0, follows=1, similarity=0.7))(root / "in", root / "out")
    assert kinds(verdict) == {"b.png": ["similar", "similar"]}
    assert verdict.about["similarity at most"] == 0.7
    assert sum(checked.compared for checked in verdict.files) == 6


def test_a_threshold_from_the_photos_themselves_needs_enough_faces(folders, recogniser, tmp_path):
    root, eye = folders
    with pytest.raises(OptionError, match="there are 3"):
        Verifier(eye, recogniser)(root / "in", root / "out")
    image, faces = draw_scene(1600, 1200, 15, seed=3, face=100)  # 105 pairs
    weak = replace_faces(image, faces, build_anonymizer("heavy_blur"), list(range(15)))
    for folder, pixels in (("crowd", image), ("blurred", weak)):
        write_image(tmp_path / folder / "a.png", pixels)
    crowd = Verifier(Given({"a.png": faces}), recogniser, Limits(covered=0, follows=1))
    verdict = crowd(tmp_path / "crowd", tmp_path / "blurred")
    assert "from 105 pairs" in verdict.about["which is"]
    assert 0 < verdict.kinds["similar"] <= 15
    assert all(found.view for found in verdict.files[0].findings)
