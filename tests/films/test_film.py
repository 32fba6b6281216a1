"""Whole films: nobody is exposed, nothing is lost, and a run that was stopped goes on."""

import json
import os
from itertools import pairwise

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.errors import FilmError, NoFaceError, OptionError
from deepanon.films import FilmAnonymizer, FilmOptions, rendering, work_folder
from deepanon.films.encoding import Encoding
from deepanon.seeds import Seeds

FAST = Encoding(preset="ultrafast")


def anonymizer(kit, method="blackout", seed=1, **detector):
    return FilmAnonymizer(kit.Detector(**detector), build_anonymizer(method), Seeds.from_seed(seed))


def exposed(path, boxes, kit):
    """Frames in which a tenth of a face or more is still to be seen, by its colours."""
    found = []
    for i, (_, pixels) in enumerate(kit.shown(path)):
        x0, y0, x1, y1 = (max(edge, 0) for edge in boxes[i])
        part = pixels[y0:y1, x0:x1].reshape(-1, 3).astype(int)
        near = np.zeros(len(part), dtype=bool)
        for colour in (kit.FACE, kit.BLIND):
            near |= np.abs(part - colour).max(1) < 90
        if len(part) and near.mean() > 0.1:
            found.append(i)
    return found


@pytest.mark.parametrize("method", ["blackout", "gan"])
@pytest.mark.parametrize("blind", [(), (12,), range(10, 30), [*range(8), 15, 16, 17, 30, *range(35, 50)]])
def test_nobody_is_exposed_though_the_detector_blinks(tmp_path, kit, method, blind):
    pictures, boxes = kit.walk(50, blind)
    source = kit.write(tmp_path / "in.mp4", pictures)
    outcome = anonymizer(kit, method)(source, tmp_path / "out.mp4", FilmOptions(FAST))
    assert exposed(tmp_path / "out.mp4", boxes, kit) == []
    assert exposed(source, boxes, kit) == list(range(50))  # the measure itself sees them
    assert len(outcome.plan) == 50
    assert kit.heard(tmp_path / "out.mp4") == kit.heard(source)
    assert [t for t, _ in kit.shown(tmp_path / "out.mp4")] == [t for t, _ in kit.shown(source)]
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_a_cut_scene_a_shrinking_and_a_leaving_face(tmp_path, kit):
    boxes = [(20, 30, 44, 54)] * 20
    pictures = [kit.draw([box]) for box in boxes]
    small = [(100, 40, 100 + side, 40 + side) for side in range(40, 23, -1)]
    other = {"seed": 7}
    pictures += [np.ascontiguousarray(255 - kit.draw([], **other)) for _ in small]
    for picture, (x0, y0, x1, y1) in zip(pictures[20:], small, strict=True):
        picture[y0:y1, x0:x1] = kit.FACE
    out = [(132 + 3 * i, 40, 156 + 3 * i, 64) for i in range(10)]
    pictures += [kit.draw([(x0, y0, min(x1, 160), y1)], seed=3) for x0, y0, x1, y1 in out]
    source = kit.write(tmp_path / "in.mp4", pictures)
    anonymizer(kit)(source, tmp_path / "out.mp4", FilmOptions(FAST))
    assert exposed(tmp_path / "out.mp4", boxes + small + out, kit) == []


def test_the_rest_of_the_picture_stays(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", kit.walk(20)[0])
    anonymizer(kit)(source, tmp_path / "out.mp4")
    for (_, before), (_, after) in zip(kit.shown(source), kit.shown(tmp_path / "out.mp4"), strict=True):
        assert np.abs(before[64:].astype(int) - after[64:]).mean() < 2


class Told:
    """A detector that knows where the face is and does not look."""

    name = description = "told"

    def __call__(self, image, name=""):
        from deepanon.detections import FIVE, Detections

        box = np.array([[40, 24, 72, 56]], dtype=np.float32)
        return Detections(box, np.ones(1), (np.array(FIVE.template) * 32 + box[0, :2])[None])


@pytest.mark.parametrize(
    ("method", "same"), [("gan", True), ("blackout", True), ("gan+layered_strong", True), ("gaussian9", False)]
)
def test_what_was_in_the_box_does_not_matter(tmp_path, kit, method, same):
    """Other pixels inside the box, lossless source: the very same film comes out, but for methods that see the face."""
    results = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        pictures = [kit.street() for _ in range(6)]
        for picture in pictures:
            picture[28:52, 44:68] = rng.integers(0, 256, (24, 24, 3))
        source = tmp_path / f"{method}{seed}" / "in.mkv"
        source.parent.mkdir()
        kit.write(source, pictures, codec="ffv1", options={}, sound=False)
        film = FilmAnonymizer(Told(), build_anonymizer(method), Seeds.from_seed(1))
        film(source, source.with_name("out.mkv"), FilmOptions(Encoding("ffv1")))
        results.append([pixels for _, pixels in kit.shown(source.with_name("out.mkv"))])
    assert all((a == b).all() for a, b in zip(*results, strict=True)) is same


def test_a_track_keeps_its_face_and_another_run_gives_another(tmp_path, kit):
    """Every frame is the same picture: with one seed a track the drawn face does not change within a run."""
    source = kit.write(tmp_path / "in.mp4", [kit.draw([(60, 30, 92, 62)])] * 8, sound=False)
    faces = []
    for name in ("a.mp4", "b.mp4"):
        film = FilmAnonymizer(kit.Detector(), build_anonymizer("gan"))
        film(source, tmp_path / name, FilmOptions(Encoding(crf=5, preset="ultrafast")))
        faces.append([pixels[30:62, 60:92].astype(int) for _, pixels in kit.shown(tmp_path / name)])
    within = max(np.abs(a - b).mean() for a, b in pairwise(faces[0]))
    between = np.abs(faces[0][4] - faces[1][4]).mean()
    assert within < 0.5 * between


class Stop(Exception):
    pass


def stopping(function, after):
    """The function, until it has been called so often."""
    calls = 0

    def call(*arguments, **named):
        nonlocal calls
        calls += 1
        if calls > after:
            raise Stop
        return function(*arguments, **named)

    return call


@pytest.mark.parametrize("stage", ["looking", "replacing"])
@pytest.mark.parametrize("after", [0, 1, 17, 38])
def test_a_run_that_was_stopped_goes_on_and_ends_the_same(tmp_path, kit, monkeypatch, stage, after):
    monkeypatch.setattr(rendering, "PIECE", 7)
    source = kit.write(tmp_path / "in.mp4", kit.walk(40, blind=range(10, 14))[0])
    options = FilmOptions(FAST)
    anonymizer(kit, "gan")(source, tmp_path / "whole.mp4", options)

    film, target = anonymizer(kit, "gan"), tmp_path / "out.mp4"
    progress = stopping(lambda *_: None, after + (40 if stage == "replacing" else 0))
    with pytest.raises(Stop):
        film(source, target, options, progress)
    assert not target.exists()
    looked = film.detector.calls
    again = anonymizer(kit, "gan")
    again(source, target, options)
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert again.detector.calls == 40 - looked
    assert not work_folder(target).exists()


def test_half_a_line_is_looked_at_again(tmp_path, kit):
    source, target = kit.write(tmp_path / "in.mp4", kit.walk(20)[0]), tmp_path / "out.mp4"
    anonymizer(kit)(source, tmp_path / "whole.mp4", FilmOptions(FAST))
    with pytest.raises(Stop):
        anonymizer(kit)(source, target, FilmOptions(FAST), stopping(lambda *_: None, 9))
    journal = work_folder(target) / "sightings.jsonl"
    journal.write_bytes(journal.read_bytes()[:-10])
    anonymizer(kit)(source, target, FilmOptions(FAST))
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.parametrize("change", ["detector", "seed", "source", "options"])
def test_what_was_done_for_another_job_is_not_used(tmp_path, kit, change):
    source, target = kit.write(tmp_path / "in.mp4", kit.walk(20)[0]), tmp_path / "out.mp4"
    with pytest.raises(Stop):
        anonymizer(kit)(source, target, FilmOptions(FAST), stopping(lambda *_: None, 9))
    options, film = FilmOptions(FAST), anonymizer(kit)
    if change == "detector":
        film = anonymizer(kit, description="another")
    elif change == "seed":
        film = anonymizer(kit, seed=2)
    elif change == "source":
        kit.write(source, kit.walk(20, start=22)[0])
    else:
        options = FilmOptions(FAST, start=0.04)
    film(source, target, options)
    assert film.detector.calls == len(kit.shown(target))


def test_a_run_without_key_goes_on_with_its_own_secret(tmp_path, kit):
    source, target = kit.write(tmp_path / "in.mp4", kit.walk(20)[0]), tmp_path / "out.mp4"

    def film():
        return FilmAnonymizer(kit.Detector(), build_anonymizer("blackout"))

    with pytest.raises(Stop):
        film()(source, target, FilmOptions(FAST), stopping(lambda *_: None, 9))
    job = work_folder(target) / "job.json"
    assert len(json.loads(job.read_text())["secret"]) == 64
    assert job.stat().st_mode & 0o077 == 0
    again = film()
    again(source, target, FilmOptions(FAST))
    assert again.detector.calls == 20 - 10


def test_what_is_left_behind_shows_no_face(tmp_path, kit):
    source, target = kit.write(tmp_path / "in.mp4", kit.walk(20)[0]), tmp_path / "out.mp4"
    with pytest.raises(Stop):
        anonymizer(kit)(source, target, FilmOptions(FAST), stopping(lambda *_: None, 30))
    assert {path.suffix for path in work_folder(target).iterdir()} <= {".json", ".jsonl", ".npz"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [work_folder(target).name, "in.mp4"]


def test_strict_refuses_and_lists_the_times(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", kit.walk(50, blind=range(25, 50))[0])
    with pytest.raises(FilmError, match=r"1 unresolved spans: 1\.00-2\.00 s not found before or after; nothing was"):
        anonymizer(kit)(source, tmp_path / "out.mp4", FilmOptions(FAST, strict=True))
    assert not (tmp_path / "out.mp4").exists()
    sure = kit.write(tmp_path / "sure.mp4", kit.walk(50)[0])
    anonymizer(kit)(sure, tmp_path / "out.mp4", FilmOptions(FAST, strict=True))
    assert (tmp_path / "out.mp4").exists()


def test_a_film_without_a_face_is_refused_unless_a_copy_is_asked_for(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", [kit.street()] * 5)
    with pytest.raises(NoFaceError, match="no face found in 5 frames"):
        anonymizer(kit)(source, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    anonymizer(kit)(source, tmp_path / "out.mp4", FilmOptions(on_no_face="copy"))
    assert len(kit.shown(tmp_path / "out.mp4")) == 5


def test_a_frame_that_cannot_be_decoded_is_black_and_said(tmp_path, kit):
    options = {"crf": "10", "preset": "ultrafast", "tune": "zerolatency"}
    source = kit.write(tmp_path / "in.mp4", kit.walk(20)[0], options=options)
    kit.damage(source, 8)
    outcome = anonymizer(kit)(source, tmp_path / "out.mp4", FilmOptions(FAST))
    got = kit.shown(tmp_path / "out.mp4")
    assert len(got) == 20
    assert got[8][1].max() < 12
    assert "1 of 20 frames could not be decoded and are black" in outcome.notes
    assert "could not be decoded" in {doubt.reason for doubt in outcome.plan.doubts}


def test_a_span_is_a_film_of_its_own(tmp_path, kit):
    pictures, boxes = kit.walk(50)
    source = kit.write(tmp_path / "in.mp4", pictures)
    anonymizer(kit)(source, tmp_path / "out.mp4", FilmOptions(FAST, start=0.4, end=1.2))
    assert exposed(tmp_path / "out.mp4", boxes[10:30], kit) == []
    assert len(kit.shown(tmp_path / "out.mp4")) == 20
    with pytest.raises(FilmError, match="no frames in that span"):
        anonymizer(kit)(source, tmp_path / "other.mp4", FilmOptions(FAST, start=10.0))


def test_notes_say_that_a_voice_identifies(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", kit.walk(5)[0])
    assert "voice" in anonymizer(kit)(source, tmp_path / "a.mp4", FilmOptions(FAST)).notes[0]
    silent = anonymizer(kit)(source, tmp_path / "b.mp4", FilmOptions(FAST, sound=False))
    assert silent.notes == []
    assert kit.heard(tmp_path / "b.mp4") == []


def test_wrong_wishes_are_said_before_the_work(tmp_path, kit):
    source = kit.write(tmp_path / "in.mp4", kit.walk(5)[0])
    film = anonymizer(kit)
    with pytest.raises(OptionError, match="same file"):
        film(source, source)
    with pytest.raises(OptionError, match="cannot write"):
        film(source, tmp_path / "out.avi")
    with pytest.raises(FilmError, match="does not hold aac"):
        film(source, tmp_path / "out.webm")
    with pytest.raises(OptionError, match="must lie before"):
        FilmOptions(start=2, end=1)
    with pytest.raises(OptionError, match="on_no_face"):
        FilmOptions(on_no_face="ignore")
    with pytest.raises(OptionError, match="sees the face"):
        FilmAnonymizer(kit.Detector(), build_anonymizer("gan"), redactor=build_anonymizer("gaussian"))
    assert film.detector.calls == 0
    assert os.listdir(tmp_path) == ["in.mp4"]
