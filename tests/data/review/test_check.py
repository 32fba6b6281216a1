import json

import numpy as np
import pytest
from PIL import Image

from deepanon.data.review.check import SHOWN, check_set
from deepanon.data.synthetic import write_packed_crops
from deepanon.errors import DataError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = tmp_path_factory.mktemp("sound")
    write_packed_crops(root, "train", 6, seed=1, resolution=32)
    write_packed_crops(root, "val", 2, seed=2, resolution=32)
    return root


def test_a_sound_set_has_no_problem_and_nothing_to_note(sound):
    findings = check_set(sound)
    assert findings.crops == {"train": 6, "val": 2}
    assert findings.lines() == []


BOXES = np.tile(np.float32([0.2, 0.2, 0.8, 0.8]), (4, 1))
POINTS = np.tile(np.float32([[0.35, 0.4], [0.65, 0.4], [0.5, 0.55], [0.4, 0.7], [0.6, 0.7]]), (4, 1, 1))


def with_row(array, row, value):
    changed = array.copy()
    changed[row] = value
    return changed


DAMAGE = {
    "array missing": {"box": None},
    "array of another form than schema 'five' needs": {"keypoints": np.zeros((4, 7, 2), np.float32)},
    "array of another length": {"score": np.ones(3, np.float32)},
    "key twice": {"key": np.array(["000000", "000001", "000001", "000003"])},
    "picture missing in the shards": {"key": np.array(["000000", "000001", "000009", "000003"])},
    "member twice or in no array": {"shard": np.array([0, 0, 0, 1])},
    "shard not readable": {"shard": np.array([0, 1, 7, 1])},
    "shard that no array names": {"shard": np.array([0, 0, 0, 0])},
    "box not finite": {"box": with_row(BOXES, 2, np.nan)},
    "box hides nothing of its crop (boxes are fractions x0 y0 x1 y1)": {"box": BOXES * 128},
    "keypoint infinite": {"keypoints": with_row(POINTS, 1, np.inf)},
    "eyes on the wrong sides": {"keypoints": POINTS[:, [1, 0, 2, 4, 3]]},
    "eye or nose out of the crop": {"keypoints": POINTS * 32},
    "keypoints: no fractions of the crop": {"keypoints": POINTS / 32},
    "box: no fractions of the crop": {"box": BOXES * 0 + np.float32([0, 0, 30, 30])},
    "split missing": {},
}


@pytest.mark.parametrize(("kind", "arrays"), DAMAGE.items(), ids=DAMAGE)
def test_damaged_arrays_are_problems(tmp_path, packer, kind, arrays):
    packer(tmp_path, "train", 4, **{"box": BOXES, "keypoints": POINTS} | arrays)
    findings = check_set(tmp_path)
    assert kind in findings.problems
    assert any(line.startswith(f"PROBLEM: {kind}: ") for line in findings.lines())


ODD = {
    "box reaches out of its crop": {"box": with_row(BOXES, 3, [0.2, 0.2, 0.8, 1.1])},
    "keypoints unknown": {"keypoints": with_row(POINTS, 3, np.nan)},
    "eye or nose out of the crop": {"keypoints": with_row(POINTS, 3, POINTS[0] - [0.4, 0])},
    "eye or nose out of the box": {"keypoints": with_row(POINTS, 3, POINTS[0] - [0.2, 0])},
    "eyes on the wrong sides": {"keypoints": with_row(POINTS, 3, POINTS[0, [1, 0, 2, 4, 3]])},
}


@pytest.mark.parametrize(("kind", "arrays"), ODD.items(), ids=ODD)
def test_odd_rows_are_notes_that_name_the_culprit(tmp_path, packer, kind, arrays):
    packer(tmp_path, "train", 4, **{"box": BOXES, "keypoints": POINTS} | arrays)
    packer(tmp_path, "val", 4, seed=9, box=BOXES, keypoints=POINTS)
    findings = check_set(tmp_path)
    assert not findings.problems
    assert findings.notes[kind] == 1
    assert findings.examples[kind] == ["train/000003"]


def test_crops_without_damage_in_their_places_are_not_noted(tmp_path, packer):
    packer(tmp_path, "train", 4, box=BOXES, keypoints=POINTS)
    findings = check_set(tmp_path)
    assert set(findings.notes) == {"no meta.json, schema 'five' assumed"}
    assert findings.problems == {"split missing": 1}
    assert findings.examples["split missing"] == ["val"]


def test_few_known_points_out_of_the_crop_are_a_problem_too(tmp_path, packer):
    """Those that are unknown do not count as inside."""
    points = with_row(POINTS, slice(1, 4), np.nan)
    packer(tmp_path, "train", 4, box=BOXES, keypoints=points + np.float32([0.7, 0]))
    assert check_set(tmp_path).problems["eye or nose out of the crop"] == 1


def test_pictures_are_decoded_to_the_last_pixel(tmp_path, packer, jpeg):
    def damage(files):
        tall, small = np.zeros((16, 20, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)
        half = files["000001"][: len(files["000001"]) // 2]
        return files | {"000001": half, "000002": jpeg(tall), "000003": jpeg(small)}

    packer(tmp_path, "train", 8, members=damage)
    findings = check_set(tmp_path)
    assert findings.problems["picture not readable"] == 1
    assert "train-001.tar:000001.jpg" in findings.examples["picture not readable"][0]
    assert findings.examples["picture not square"] == ["train-000.tar:000002.jpg (20x16)"]
    assert sorted(findings.examples["pictures of another size"]) == ["1 in train of 16 px", "1 in train of 20 px"]


def test_a_jpeg_that_ends_in_its_middle_is_found(tmp_path):
    """Most decoders give a picture that is grey from there on, and say nothing."""
    write_packed_crops(tmp_path, "train", 2, seed=1, resolution=64)
    write_packed_crops(tmp_path, "val", 2, seed=2, resolution=64)
    shard = bytearray((tmp_path / "train-000.tar").read_bytes())
    shard[1400:1402] = b"\xff\xd9"  # "the picture ends here"
    (tmp_path / "train-000.tar").write_bytes(shard)
    assert check_set(tmp_path).problems == {"picture not readable": 1}


def test_what_train_and_val_share_is_a_problem(tmp_path, packer):
    packer(tmp_path, "train", 4, seed=1, identity=np.array(["a", "b", "c", "d"]), photo=np.array(["1", "2", "", "4"]))
    packer(tmp_path, "val", 3, seed=1, identity=np.array(["x", "c", "y"]), photo=np.array(["7", "", "2"]))
    findings = check_set(tmp_path)
    assert findings.examples["identity in train and val"] == ["c"]
    assert findings.examples["photo in train and val"] == ["2"]
    assert findings.problems["same pixels in train and val"] > 0


def test_pixels_that_repeat_are_noted(tmp_path, packer):
    packer(tmp_path, "train", 4, members=lambda files: files | {"000003": files["000000"]})
    findings = check_set(tmp_path)
    assert findings.examples["same pixels twice in one split"] == ["train/000000 = train/000003"]


def test_all_are_counted_and_few_are_shown(tmp_path, packer):
    packer(tmp_path, "train", 40, members=lambda files: dict.fromkeys(files, b"no picture"))
    findings = check_set(tmp_path)
    assert findings.problems["picture not readable"] == 40
    assert len(findings.examples["picture not readable"]) == SHOWN


@pytest.mark.parametrize(
    ("meta", "kind"),
    [
        ("{", "meta.json"),
        ({"format": 2}, "meta.json"),
        ({"format": 1, "schema": "nine", "resolution": 32}, "meta.json"),
        ({"format": 1, "schema": "five", "resolution": "32"}, "meta.json: resolution is no positive whole number"),
        ({"format": 1, "schema": "five", "resolution": 64}, "pictures of another size"),
        ({"format": 1, "schema": "coco7", "resolution": 32}, "array of another form than schema 'coco7' needs"),
    ],
)
def test_a_wrong_meta_is_a_problem(tmp_path, packer, meta, kind):
    packer(tmp_path, "train", 4)
    (tmp_path / "meta.json").write_text(meta if isinstance(meta, str) else json.dumps(meta))
    assert kind in check_set(tmp_path).problems


def test_enlarged_crops_are_noted(tmp_path):
    write_packed_crops(tmp_path, "train", 3, seed=1, resolution=32)
    arrays = dict(np.load(tmp_path / "train.npz")) | {"crop_side": np.array([32, 31, 40])}
    np.savez(tmp_path / "train.npz", **arrays)
    assert check_set(tmp_path).examples["crop enlarged from a smaller source"] == ["train/000001"]


def test_damaged_files_do_not_stop_the_check(tmp_path, packer):
    packer(tmp_path, "train", 4)
    packer(tmp_path, "val", 4)
    (tmp_path / "train.npz").write_bytes(b"no npz")
    (tmp_path / "val-001.tar").write_bytes((tmp_path / "val-001.tar").read_bytes()[:700])
    findings = check_set(tmp_path)
    assert {"arrays not readable", "shard not readable"} <= findings.problems.keys()
    assert findings.crops == {"val": 4}


def test_no_set_is_an_error(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"no packed crops .*; see data/README.md"):
        check_set(tmp_path)
