"""From photos to a set: what is cut, what is counted, and that no interruption shows in the result."""

import io
import shutil
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from deepanon.data.building.build import Build, summarize
from deepanon.data.building.recipe import Recipe, examine_photo, split_of
from deepanon.data.building.selection import Rules
from deepanon.data.crops import PackedCrops
from deepanon.data.packed_files import read_arrays, read_members, read_meta
from deepanon.data.synthetic import draw_scene
from deepanon.detections import FIVE
from deepanon.detectors.given import write_detections
from deepanon.errors import DataError, OptionError
from deepanon.geometry import crop_region, outward
from deepanon.images import read_image, write_image

NAMES = ("ann/1.png", "ann/2.png", "bob/1.png", "cy/1.png", "cy/2.png", "dee/1.png", "eve/1.png")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder of drawn photos with one large face each, and the file that says where."""
    root = tmp_path_factory.mktemp("photos")
    faces = {}
    for seed, name in enumerate(NAMES):
        image, found = draw_scene(260, 240, 1, seed, face=90)
        write_image(root / "in" / name, image)
        faces[name] = (found, 260, 240)
    write_detections(root / "faces.json", faces, FIVE)
    return root


@pytest.fixture
def photos(drawn, tmp_path):
    """A copy that may be changed."""
    shutil.copytree(drawn / "in", tmp_path / "in")
    return tmp_path / "in"


def listed(root):
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*.png")}


def recipe(drawn, **others):
    usual = {"detector": "given", "options": (("faces", str(drawn / "faces.json")),), "rules": Rules(64, 64, 0.5)}
    return Recipe(**usual | {"val": 0.4, "identities": True} | others)


def made(photos, out, recipe):
    build = Build(photos, out, recipe)
    examined = list(build.examine())
    return examined, build.pack()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_crops_follow_the_papers_rule(drawn, tmp_path):
    """Against the rule spelt out: region of the box, reduced by area from the photo."""
    _, counts = made(listed(drawn / "in"), tmp_path / "out", recipe(drawn, val=0.0))
    arrays = read_arrays(tmp_path / "out" / "train.npz")
    data = PackedCrops(tmp_path / "out", "train", 64)
    members = dict(read_members(tmp_path / "out" / "train-000.tar"))
    assert counts["crops"] == counts["train"] == len(data) == len(NAMES)
    for row, digest in enumerate(arrays["photo"].tolist()):
        name = next(n for n in NAMES if examine_photo((n, drawn / "in" / n, recipe(drawn))).sha256.startswith(digest))
        pixels, truth = read_image(drawn / "in" / name).pixels, draw_scene(260, 240, 1, NAMES.index(name), face=90)[1]
        x0, y0, x1, y1 = crop_region(outward(truth.boxes)[0], 260, 240)
        side = x1 - x0
        window = cv2.resize(pixels[y0:y1, x0:x1], (64, 64), interpolation=cv2.INTER_AREA)
        stored = np.asarray(Image.open(io.BytesIO(members[f"{arrays['key'][row]}.jpg"]))).astype(int)
        assert np.abs(stored - window).mean() < 4  # JPEG
        assert arrays["crop_side"][row] == side
        np.testing.assert_allclose(arrays["box"][row], (outward(truth.boxes)[0] - [x0, y0, x0, y0]) / side, atol=1e-5)
        np.testing.assert_allclose(arrays["keypoints"][row], (truth.points[0] - [x0, y0]) / side, atol=1e-3)
        assert arrays["identity"][row] == name.split("/")[0]
        assert (arrays["source"][row], arrays["others"][row], arrays["score"][row]) == ("photos", 0, 1)


def test_meta_says_how_it_was_made(drawn, tmp_path):
    made(listed(drawn / "in"), tmp_path / "out", recipe(drawn))
    meta = read_meta(tmp_path / "out")
    assert (meta["schema"], meta["resolution"]) == ("five", 64)
    detector = meta["made_with"]["detector"]
    assert (detector["name"], list(detector["sha256"])) == ("given", ["faces.json"])
    assert len(detector["sha256"]["faces.json"]) == 64
    assert meta["made_with"]["settings"]["min_side"] == 64
    assert {"numpy", "cv2", "PIL", "torch"} <= meta["made_with"]["packages"].keys()
    assert str(tmp_path) not in (tmp_path / "out" / "meta.json").read_text()


def test_people_are_never_in_both_splits(drawn, tmp_path):
    _, counts = made(listed(drawn / "in"), tmp_path / "out", recipe(drawn))
    assert counts["train"] > 0
    assert counts["val"] > 0
    people = [set(read_arrays(tmp_path / "out" / f"{split}.npz")["identity"].tolist()) for split in ("train", "val")]
    assert not people[0] & people[1]
    assert people[0] | people[1] == {"ann", "bob", "cy", "dee", "eve"}


def test_the_split_is_decided_by_the_name_alone_and_has_its_share():
    names = [f"person {i}" for i in range(4000)]
    held_out = [split_of(name, 0.1) == "val" for name in names]
    assert 0.08 < np.mean(held_out) < 0.12
    assert all(split_of(name, 0.2) == "val" for name, out in zip(names, held_out, strict=True) if out)
    assert {split_of(name, 0.0) for name in names} == {"train"}


def test_identical_photos_count_once_and_share_a_split(photos, drawn, tmp_path):
    shutil.copy(photos / "ann" / "1.png", photos / "ann" / "3.png")
    faces = {name: (draw_scene(260, 240, 1, i, face=90)[1], 260, 240) for i, name in enumerate(NAMES)}
    write_detections(tmp_path / "f.json", faces | {"ann/3.png": faces["ann/1.png"]}, FIVE)
    options = (("faces", str(tmp_path / "f.json")),)
    _, counts = made(listed(photos), tmp_path / "out", recipe(drawn, options=options, identities=False))
    assert (counts["photos"], counts["duplicates"], counts["crops"]) == (8, 1, 7)
    every = np.concatenate([read_arrays(path)["photo"] for path in (tmp_path / "out").glob("*.npz")])
    assert len(np.unique(every)) == len(every) == 7


def test_a_build_that_was_stopped_goes_on_and_nothing_shows(drawn, tmp_path):
    photos = listed(drawn / "in")
    made(photos, tmp_path / "whole", recipe(drawn))
    for stop in (1, 3):
        build = Build(photos, tmp_path / "parts", recipe(drawn))
        for _ in zip(range(stop), build.examine(), strict=False):
            pass
        build.journal.close()
    (tmp_path / "parts" / "train-007.tar").write_bytes(b"of a run that was killed while packing")
    (tmp_path / "parts" / ".train.abcd1234.part.npz").write_bytes(b"half")
    examined, _ = made(photos, tmp_path / "parts", recipe(drawn))
    assert len(examined) == len(NAMES) - 4
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_build_killed_by_the_system_goes_on_with_other_workers(tmp_path):
    """kill -9 while two processes work; the rest by one process: as if nothing had happened."""
    image, found = draw_scene(300, 280, 1, 0, face=100)
    faces = {}
    for i in range(100):
        image[0, 0] = i
        write_image(tmp_path / "in" / f"{i}.bmp", image)
        faces[f"{i}.bmp"] = (found, 300, 280)
    write_detections(tmp_path / "faces.json", faces, FIVE)
    arguments = [tmp_path / "in", tmp_path / "out", "--detections", tmp_path / "faces.json", "--workers", "2"]
    run = subprocess.Popen([sys.executable, "-m", "deepanon", "data", "build", *map(str, arguments)])
    journal = tmp_path / "out" / "build.sqlite"
    while not (journal.is_file() and journal.stat().st_size > 100_000):
        assert run.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.wait()
    options = (("faces", str(tmp_path / "faces.json")),)
    same = Recipe("given", options, Rules(128, 128, 0.0), source="in")
    photos = {path.name: path for path in (tmp_path / "in").iterdir()}
    examined, _ = made(photos, tmp_path / "out", same)
    assert 0 < len(examined) < 100
    made(photos, tmp_path / "whole", same)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_whole_set_is_left_alone(drawn, tmp_path):
    _, counts = made(listed(drawn / "in"), tmp_path / "out", recipe(drawn))
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "build.sqlite").write_bytes(b"killed before it was removed")
    build = Build(listed(drawn / "in"), tmp_path / "out", recipe(drawn))
    assert build.done
    assert list(build.examine()) == []
    assert build.pack() == counts
    assert contents(tmp_path / "out") == before


def test_other_settings_are_refused_and_named(drawn, tmp_path):
    photos = listed(drawn / "in")
    Build(photos, tmp_path / "begun", recipe(drawn)).journal.close()
    other = recipe(drawn, rules=Rules(64, 80, 0.5), val=0.1)
    with pytest.raises(DataError, match=r"other settings: settings.min_side: 64, now 80; settings.val: 0.4, now 0.1$"):
        Build(photos, tmp_path / "begun", other)
    made(photos, tmp_path / "whole", recipe(drawn))
    with pytest.raises(DataError, match=r"settings.identities: True, now False$"):
        Build(photos, tmp_path / "whole", recipe(drawn, identities=False))
    fewer = {name: path for name, path in photos.items() if name != "bob/1.png"}
    with pytest.raises(DataError, match=r"photos.files: 7, now 6; photos.sha256"):
        Build(fewer, tmp_path / "whole", recipe(drawn))


def test_folders_that_hold_something_else_are_refused(drawn, tmp_path):
    photos = listed(drawn / "in")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"already holds notes.txt"):
        Build(photos, tmp_path, recipe(drawn))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "train-000.tar").write_bytes(b"a set of someone else")
    with pytest.raises(DataError, match=r"already holds train-000.tar"):
        Build(photos, tmp_path / "other", recipe(drawn))
    Build(photos, tmp_path / "begun", recipe(drawn)).journal.close()
    (tmp_path / "begun" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"already holds notes.txt"):
        Build(photos, tmp_path / "begun", recipe(drawn))
    assert (tmp_path / "begun" / "notes.txt").read_text() == "mine"


def test_only_what_a_build_could_have_made_is_removed(drawn, tmp_path):
    """Put into the folder while the build was at work, which takes hours: nothing of it may be lost."""
    build = Build(listed(drawn / "in"), tmp_path / "out", recipe(drawn))
    list(build.examine())
    mine = {"notes.txt", "labels.npz", "train-1.tar", "my-train-000.tar", ".notes.part.json", "train.npz.bak"}
    for name in mine:
        (tmp_path / "out" / name).write_text("mine")
    (tmp_path / "out" / "folder").mkdir()
    (tmp_path / "out" / "train-007.tar").write_text("of a run that was killed")
    counts = build.pack()
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == mine | {"folder", "meta.json", "train-000.tar", "train.npz", "val-000.tar", "val.npz"}
    assert {(tmp_path / "out" / name).read_text() for name in mine} == {"mine"}
    assert Build(listed(drawn / "in"), tmp_path / "out", recipe(drawn)).pack() == counts


def test_photos_that_changed_while_it_was_stopped_are_looked_at_again(photos, drawn, tmp_path):
    build = Build(listed(photos), tmp_path / "out", recipe(drawn))
    list(build.examine())
    build.journal.close()
    write_image(photos / "ann" / "1.png", draw_scene(260, 240, 1, 99, face=90)[0])
    (photos / "bob" / "1.png").unlink()
    examined, counts = made(listed(photos), tmp_path / "out", recipe(drawn))
    assert [photo.name for photo in examined] == ["ann/1.png"]
    assert counts["photos"] == counts["crops"] == 6


def test_a_bad_photo_fails_alone_and_is_tried_again(photos, drawn, tmp_path):
    good = (photos / "cy" / "1.png").read_bytes()
    (photos / "cy" / "1.png").write_bytes(good[: len(good) // 2])
    write_image(photos / "zoe" / "unlisted.png", draw_scene(100, 100, 0, 1)[0])
    names = listed(photos) | {"gone/x.png": photos / "x.png"}
    build = Build(names, tmp_path / "out", recipe(drawn))
    failed = {photo.name: photo.error for photo in build.examine() if photo.error}
    assert failed == build.failed
    assert sorted(failed) == ["cy/1.png", "gone/x.png", "zoe/unlisted.png"]
    assert "not a readable picture" in failed["cy/1.png"]
    assert "no such file" in failed["gone/x.png"]
    assert "no entry for 'zoe/unlisted.png'" in failed["zoe/unlisted.png"]
    build.journal.close()
    (photos / "cy" / "1.png").write_bytes(good)
    examined, counts = made(names, tmp_path / "out", recipe(drawn))
    assert sorted(photo.name for photo in examined) == ["cy/1.png", "gone/x.png", "zoe/unlisted.png"]
    assert (counts["failed"], counts["crops"]) == (2, 7)


def test_faces_that_do_not_fit_are_counted(drawn, tmp_path):
    photos = listed(drawn / "in")
    build = Build(photos, tmp_path / "out", recipe(drawn, rules=Rules(200, 200, 0.5)))
    list(build.examine())
    with pytest.raises(
        DataError, match=r"no crop passed: 7 photos.*\n7 faces: 0 crops, left out: 7 crop smaller than 200"
    ):
        build.pack()
    assert list((tmp_path / "out").glob("*.npz")) == []


def test_counts_can_be_read():
    counts = {"photos": 9, "failed": 1, "duplicates": 2, "without_face": 3, "faces": 8, "crops": 5,
              "dropped": {"found twice": 1, "score below 0.9": 2}}  # fmt: skip
    assert summarize(counts) == (
        "9 photos: 2 duplicates, 3 without a face, 1 failed\n"
        "8 faces: 5 crops, left out: 1 found twice, 2 score below 0.9"
    )


def test_impossible_recipes(drawn, tmp_path):
    with pytest.raises(OptionError, match=r"val must lie in \[0, 1\)"):
        Recipe(val=1.0)
    with pytest.raises(OptionError, match="places no keypoints"):
        Build(listed(drawn / "in"), tmp_path / "out", Recipe("cascade"))
    with pytest.raises(OptionError, match=r"one folder a person; loose.png lies in none"):
        Build({"loose.png": drawn / "in" / "ann" / "1.png"}, tmp_path / "out", recipe(drawn))
    assert not (tmp_path / "out").exists()


def test_mtcnn_finds_judges_and_is_recorded(tmp_path):
    """The whole way with a real detector: the crop shows the drawn face where the drawing put it."""
    image, truth = draw_scene(400, 300, 1, seed=3, face=140)
    write_image(tmp_path / "in" / "a.jpg", image)
    _, counts = made({"a.jpg": tmp_path / "in" / "a.jpg"}, tmp_path / "out", Recipe(val=0.0))
    assert (counts["faces"], counts["crops"]) == (1, 1)
    arrays, meta = read_arrays(tmp_path / "out" / "train.npz"), read_meta(tmp_path / "out")
    assert sorted(meta["made_with"]["detector"]["sha256"]) == ["onet.pt", "pnet.pt", "rnet.pt"]
    side = int(arrays["crop_side"][0])
    seen = arrays["keypoints"][0] * side
    expected = truth.points[0] - truth.points[0].mean(0)
    np.testing.assert_allclose(seen - seen.mean(0), expected, atol=14)  # a tenth of the face
