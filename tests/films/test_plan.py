"""What was done with a film, as a file: read again, edited, done again."""

import json

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.errors import FilmError
from deepanon.films import Encoding, Film, FilmAnonymizer, FilmOptions, FilmPlan
from deepanon.seeds import Seeds

FAST = FilmOptions(Encoding(preset="ultrafast"))


def anonymizer(kit):
    return FilmAnonymizer(kit.Detector(), build_anonymizer("gan"), Seeds.from_seed(1))


@pytest.fixture
def done(tmp_path, kit):
    """A film with two faces, done, and the file about it."""
    boxes = [[(20 + i, 30, 44 + i, 54), (100, 20 + i, 124, 44 + i)] for i in range(30)]
    pictures = [kit.draw(two, [kit.BLIND if i == 9 else kit.FACE] * 2) for i, two in enumerate(boxes)]
    source = kit.write(tmp_path / "in.mp4", pictures)
    outcome = anonymizer(kit)(source, tmp_path / "out.mp4", FAST)
    (tmp_path / "out.json").write_text(json.dumps(outcome.to_json()))
    return source, tmp_path / "out.json", outcome


def test_it_comes_back_as_it_was(done):
    source, path, outcome = done
    with Film(source) as film:
        again = FilmPlan.read(path, film)
    for name in ("pts", "durations", "damaged"):
        np.testing.assert_array_equal(getattr(again, name), getattr(outcome.plan, name))
    for name in ("frames", "tracks", "boxes", "scores", "keypoints", "labels", "why"):
        before, after = getattr(outcome.plan.covers, name), getattr(again.covers, name)
        np.testing.assert_array_equal(after, before)
    assert again.doubts == outcome.plan.doubts


def test_it_says_with_what_and_holds_no_secret(done):
    _, path, outcome = done
    stored = json.loads(path.read_text())
    assert (stored["film"], stored["method"], stored["detector"]) == ("in.mp4", "gan", "squares")
    assert len(stored["seeds"]) == 64
    assert "SHA-256" in stored["drawn_by"]
    assert "seed 1" not in path.read_text()
    assert [len(track["faces"]) >= 30 for track in stored["tracks"]] == [True, True]
    assert outcome.plan.tracks == 2


def test_it_is_done_again_without_looking(tmp_path, kit, done):
    source, path, _ = done
    film = anonymizer(kit)
    film(source, tmp_path / "again.mp4", FAST, given=path)
    assert film.detector.calls == 0
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()


def test_what_is_struck_out_is_left_as_it_is_and_what_is_added_is_replaced(tmp_path, kit, done):
    source, path, _ = done
    stored = json.loads(path.read_text())
    del stored["tracks"][0]
    hand = {"frame": 3, "box": [60, 60, 80, 80], "redacted": "found without keypoints"}
    stored["tracks"].append({"number": 7, "faces": [hand]})
    path.write_text(json.dumps(stored))
    anonymizer(kit)(source, tmp_path / "again.mp4", FAST, given=path)
    got = [pixels.astype(int) for _, pixels in kit.shown(tmp_path / "again.mp4")]
    assert np.abs(got[20][32:52, 42:62] - kit.FACE).max() < 90  # the first face is to be seen
    assert np.abs(got[20][42:62, 102:122] - kit.FACE).max() > 90  # the other is not
    assert got[3][62:78, 62:78].max() < 20  # and the box drawn by hand is black


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.update(format=9), "format 1"),
        (lambda s: s.update(schema="six"), "unknown keypoint schema 'six'"),
        (lambda s: s.pop("tracks"), "'tracks' is missing"),
        (lambda s: s["tracks"][0]["faces"][0].pop("box"), "'box' is missing"),
        (lambda s: s["tracks"][0]["faces"][0].update(redacted="because"), "because"),
        (lambda s: s["tracks"][0]["faces"][0].update(frame=99), "not among the 30"),
        (lambda s: s["tracks"][0]["faces"][0].update(box=[5, 5]), "reshape|inhomogeneous"),
        (lambda s: s["pts"].__setitem__(4, 1), "frame 4 is shown at another time"),
        (lambda s: (s["pts"].pop(), s["durations"].pop()), "not the film that was looked at|not among the 29"),
    ],
)
def test_a_file_that_does_not_go_with_the_film_is_refused(tmp_path, kit, done, change, message):
    source, path, _ = done
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(FilmError, match=message):
        anonymizer(kit)(source, tmp_path / "again.mp4", FAST, given=path)
    assert not (tmp_path / "again.mp4").exists()


def test_a_missing_or_broken_file_is_refused(tmp_path, kit, done):
    source, path, _ = done
    path.write_text("{")
    for wrong in (path, tmp_path / "none.json"):
        with pytest.raises((FilmError, OSError)):
            anonymizer(kit)(source, tmp_path / "again.mp4", FAST, given=wrong)
