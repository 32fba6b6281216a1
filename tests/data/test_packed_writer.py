import json
import tarfile

import numpy as np
import pytest

from deepanon.data.crops import PackedCrops
from deepanon.data.packed_writer import StoredCrop, encode_jpeg, write_meta, write_split
from deepanon.data.synthetic import draw_face
from deepanon.detections import COCO7
from deepanon.errors import DataError


def crops(n, side=32, points=5):
    rng = np.random.default_rng(0)
    for i in range(n):
        image, box, keypoints = draw_face(side, rng)
        more = np.zeros((points - 5, 2), np.float32)
        yield StoredCrop(
            encode_jpeg(image),
            box / side,
            np.concatenate([keypoints / side, more]),
            "drawn",
            f"p{i}",
            0.9,
            70 + i,
            "ab",
            i % 2,
        )


def test_what_is_written_can_be_read(tmp_path):
    assert write_split(tmp_path, "train", crops(5)) == 5
    data = PackedCrops(tmp_path, "train", 32)
    arrays = np.load(tmp_path / "train.npz")
    stored = list(crops(5))
    assert len(data) == 5
    np.testing.assert_array_equal(data.boxes.numpy(), [crop.box for crop in stored])
    np.testing.assert_array_equal(data.keypoints.numpy(), [crop.keypoints for crop in stored])
    assert arrays["identity"].tolist() == ["p0", "p1", "p2", "p3", "p4"]
    assert arrays["crop_side"].tolist() == [70, 71, 72, 73, 74]
    assert arrays["others"].tolist() == [0, 1, 0, 1, 0]
    assert arrays["photo"].tolist() == ["ab"] * 5
    assert arrays["score"].tolist() == [np.float32(0.9)] * 5


def test_no_shard_is_larger_than_allowed_and_none_is_needlessly_small(tmp_path):
    write_split(tmp_path, "train", crops(40), shard_bytes=20480)
    shards = sorted(tmp_path.glob("train-*.tar"))
    assert len(shards) > 2
    assert {path.stat().st_size for path in shards[:-1]} == {20480}
    assert len(PackedCrops(tmp_path, "train", 32)) == 40
    with pytest.raises(DataError, match="does not fit a shard"):
        write_split(tmp_path, "val", crops(1), shard_bytes=1000)
    assert not list(tmp_path.glob("val*"))


def test_the_same_crops_give_the_same_bytes_and_nothing_of_this_machine(tmp_path):
    for folder in ("a", "b"):
        write_split(tmp_path / folder, "train", crops(3))
        write_meta(tmp_path / folder, COCO7, 32, {"by": "test"})
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    with tarfile.open(tmp_path / "a" / "train-000.tar") as shard:
        for member in shard:
            assert (member.mtime, member.uid, member.gid, member.uname, member.mode) == (0, 0, 0, "", 0o644)


def test_no_crop_writes_no_file(tmp_path):
    assert write_split(tmp_path, "val", []) == 0
    assert list(tmp_path.iterdir()) == []


def test_meta_says_what_a_reader_needs(tmp_path):
    write_meta(tmp_path, COCO7, 64, {"detector": {"name": "x"}})
    assert json.loads((tmp_path / "meta.json").read_text()) == {
        "format": 1, "schema": "coco7", "resolution": 64, "made_with": {"detector": {"name": "x"}}}  # fmt: skip


def test_an_error_while_crops_are_made_leaves_no_half_file(tmp_path):
    def broken():
        yield from crops(2)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_split(tmp_path, "train", broken())
    assert list(tmp_path.iterdir()) == []
