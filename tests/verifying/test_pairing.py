"""Which output belongs to which original."""

import numpy as np
import pytest
from PIL import Image

from deepanon.errors import OptionError
from deepanon.verifying import make_pairs
from deepanon.verifying.pairing import FILM, PHOTO, kind_of


def picture(path, frames=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [Image.fromarray(np.full((20, 20, 3), 40 * i, np.uint8)) for i in range(frames)]
    images[0].save(path, **({"save_all": True, "append_images": images[1:]} if frames > 1 else {}))
    return path


@pytest.fixture
def folders(tmp_path):
    for name in ("a/one.jpg", "a/sub/two.png", "a/gone.webp", "b/one.jpg", "b/sub/two.png", "b/more.jpg"):
        picture(tmp_path / name)
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "b" / "notes.txt").write_text("x")
    (tmp_path / "b" / ".film.mp4.unfinished").mkdir()
    (tmp_path / "b" / ".film.mp4.unfinished" / "job.json").write_text("{}")
    return tmp_path


def test_folders_are_paired_by_name(folders):
    pairs = make_pairs(folders / "a", folders / "b")
    assert [pair.name for pair in pairs.both] == ["one.jpg", "sub/two.png"]
    assert pairs.both[1].output == folders / "b" / "sub" / "two.png"
    assert pairs.missing == ["gone.webp"]
    assert pairs.extra == [".film.mp4.unfinished/job.json", "more.jpg"]
    assert pairs.passed_over == ["notes.txt"]


def test_an_empty_output_lacks_everything(folders):
    (folders / "c").mkdir()
    pairs = make_pairs(folders / "a", folders / "c")
    assert not pairs.both
    assert len(pairs.missing) == 3


@pytest.mark.parametrize(("original", "output"), [("a", "a/safe"), ("b/all", "b")])
def test_a_folder_in_the_other_is_not_taken_for_a_part_of_it(original, output, tmp_path):
    picture(tmp_path / original / "one.jpg")
    picture(tmp_path / output / "one.jpg")
    pairs = make_pairs(tmp_path / original, tmp_path / output)
    assert [pair.name for pair in pairs.both] == ["one.jpg"]
    assert (pairs.missing, pairs.extra) == ([], [])


def test_two_files_and_a_file_in_a_folder(folders):
    pair = make_pairs(folders / "a/one.jpg", folders / "b/more.jpg").both[0]
    assert pair.output.name == "more.jpg"
    assert make_pairs(folders / "a/one.jpg", folders / "b").both[0].output == folders / "b/one.jpg"
    assert make_pairs(folders / "a/gone.webp", folders / "b").missing == ["gone.webp"]


def test_kinds(tmp_path):
    assert kind_of(picture(tmp_path / "a.gif", 3)) == FILM
    assert kind_of(picture(tmp_path / "a.webp", 3)) == FILM
    assert kind_of(picture(tmp_path / "b.webp")) == PHOTO
    assert kind_of(tmp_path / "A.MP4") == FILM
    assert kind_of(tmp_path / "a.heic") is None


@pytest.mark.parametrize(
    ("original", "output", "message"),
    [
        ("nowhere", "b", "no such file"),
        ("a", "nowhere", "no such file"),
        ("a", "b/one.jpg", "is none"),
        ("a/notes.txt", "b", "neither a picture nor a film"),
        ("b/.film.mp4.unfinished", "b", "no pictures and no films"),
    ],
)
def test_what_cannot_be_compared(original, output, message, folders):
    with pytest.raises(OptionError, match=message):
        make_pairs(folders / original, folders / output)
