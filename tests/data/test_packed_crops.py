import io
import json
import os
import pickle

import numpy as np
import pytest
import simplejpeg
import torch
from PIL import Image

from deepanon.data.batch import BatchRequest, as_is
from deepanon.data.crops import PackedCrops
from deepanon.data.synthetic import write_packed_crops
from deepanon.detections import COCO7, FIVE
from deepanon.errors import DataError, OptionError, SchemaError


def everything(data, resolution):
    return data.read(range(len(data)), resolution)


def test_reads_what_was_packed(packed):
    data = PackedCrops(packed, "train", 32)
    stored = np.load(packed / "train.npz")
    batch = data.read([5, 0, 23], 32)
    assert (len(data), batch.images.shape, batch.images.dtype) == (24, (3, 3, 32, 32), torch.uint8)
    np.testing.assert_array_equal(batch.boxes, stored["box"][[5, 0, 23]])
    np.testing.assert_array_equal(batch.keypoints, stored["keypoints"][[5, 0, 23]])
    assert torch.equal(data[5].images, batch.images[:1])
    assert torch.equal(data.__getitems__([5, 0, 23]).images, batch.images)
    small = data.__getitems__(BatchRequest([5], 16))
    assert small.images.shape == (1, 3, 16, 16)
    assert torch.equal(small.boxes, batch.boxes[:1])  # fractions at any size
    assert as_is(batch) is batch
    assert torch.equal(batch.to("cpu").images, batch.images)


def test_every_picture_stands_at_its_key(tmp_path, packer, jpeg):
    """Pictures of one flat colour each, the shards' order not that of the arrays."""

    def flat(files):
        pictures = {key: jpeg(np.full((16, 16, 3), 10 * int(key), np.uint8)) for key in files}
        return dict(reversed(pictures.items()))

    packer(tmp_path, "train", 9, side=16, shards=3, members=flat, shard=np.arange(9)[::-1] % 3)
    means = everything(PackedCrops(tmp_path, "train", 8), 8).images.float().mean((1, 2, 3))
    np.testing.assert_allclose(means, 10 * np.arange(9), atol=1)


@pytest.mark.parametrize("resolution", [32, 16, 8, 4])
def test_a_small_picture_is_the_large_one_reduced(tmp_path, resolution):
    """Not bit for bit: a JPEG is decoded small from its low frequencies. Below an eighth by area too."""
    write_packed_crops(tmp_path, "val", 4, seed=3, resolution=64)
    data = PackedCrops(tmp_path, "val", 64)
    full, small = everything(data, 64).images.float(), everything(data, resolution).images.float()
    reduced = torch.nn.functional.avg_pool2d(full, 64 // resolution)
    assert (small - reduced).abs().mean() < 2
    shifted = reduced.roll(1, dims=-1)
    assert (small - shifted).abs().mean() > 2 * (small - reduced).abs().mean()


def test_sources_and_limit(packed):
    chosen = PackedCrops(packed, "train", 8, sources=["b"], limit=3)
    expected = PackedCrops(packed, "train", 8).read([1, 3, 5], 8)
    assert torch.equal(everything(chosen, 8).images, expected.images)
    assert torch.equal(chosen.boxes, expected.boxes)
    assert len(PackedCrops(packed, "train", 8, sources="a")) == 12
    assert len(PackedCrops(packed, "train", 8, limit=1000)) == 24
    with pytest.raises(DataError, match=r"unknown sources \['c'\]; there are \['a', 'b'\]"):
        PackedCrops(packed, "train", 8, sources=["a", "c"])
    with pytest.raises(DataError, match="no crops"):
        PackedCrops(packed, "train", 8, sources=[])


@pytest.mark.parametrize("name", ["resolution", "limit"])
@pytest.mark.parametrize(("value", "error"), [("x", TypeError), (1.5, TypeError), (0, OptionError), (-5, OptionError)])
def test_impossible_options(packed, name, value, error):
    with pytest.raises(error, match=f"{name} must be (a whole number|positive), got"):
        PackedCrops(packed, "val", **{name: value})


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"box": None}, "arrays missing: box"),
        ({"box": np.zeros((4, 3), np.float32)}, r"box has shape \(4, 3\), expected \(4, 4\)"),
        (
            {"keypoints": np.zeros((4, 7, 2), np.float32)},
            r"keypoints has shape .*expected \(4, 5, 2\) for schema 'five'",
        ),
        ({"key": np.array(["000000"])}, r"shard has shape"),
        ({"key": np.array(["000000"] * 4)}, "3 keys of 'train' are not unique"),
        ({"shard": np.zeros(4)}, "shard must hold whole numbers"),
        ({"box": np.full((4, 4), np.nan, np.float32)}, "box holds values that are not finite"),
        ({"box": np.tile(np.float32([30, 30, 90, 90]), (4, 1))}, r"box 0 .* hides nothing; boxes are .* fractions"),
        ({"box": np.tile(np.float32([0.5, 0.5, 0.2, 0.9]), (4, 1))}, "hides nothing"),
        ({"box": np.tile(np.float32([0, 0, 30, 30]), (4, 1))}, r"train.npz: box must hold fractions .* lie below 15"),
        (
            {"keypoints": np.full((4, 5, 2), 18, np.float32)},
            r"train.npz: keypoints must hold fractions of the crop .* half of them lie below 18",
        ),
        ({"keypoints": np.where(np.arange(10).reshape(5, 2) % 3, np.nan, np.full((4, 5, 2), 18.0))}, "lie below 18"),
        ({"shard": np.array([0, 1, 0, 7])}, r"train-007.tar does not exist"),
        ({"key": np.array(["000000", "000001", "nobody", "000003"])}, "1 of 4 crops .* the first is nobody.jpg"),
        ({"key": np.array([{}, {}, {}, {}])}, "not a readable npz"),
        ({"key": np.arange(4)}, "key must hold text"),
        ({"source": np.array(["a"])}, r"source has shape \(1,\), expected \(4,\)"),
        ({"keypoints": np.full((4, 5, 2), np.inf, np.float32)}, "keypoints holds infinite values"),
        ({"shard": np.array([1, 1, 0, 1])}, r"1 of 4 crops .* the first is 000000.jpg"),
    ],
)
def test_damaged_arrays_are_named(tmp_path, packer, arrays, message):
    packer(tmp_path, "train", 4, **arrays)
    with pytest.raises(DataError, match=message):
        PackedCrops(tmp_path, "train", 8)


def test_other_schemas(tmp_path, packer):
    packer(tmp_path, "train", 4, points=7)
    assert PackedCrops(tmp_path, "train", 8, schema=COCO7).keypoints.shape == (4, 7, 2)
    with pytest.raises(DataError, match="schema 'five'"):
        PackedCrops(tmp_path, "train", 8)


def test_missing_files_are_named(tmp_path, packer):
    with pytest.raises(DataError, match=r"train.npz does not exist; data.root must be a folder"):
        PackedCrops(tmp_path / "nowhere")
    packer(tmp_path, "train", 4)
    (tmp_path / "train-001.tar").unlink()
    with pytest.raises(DataError, match=r"train-001.tar does not exist"):
        PackedCrops(tmp_path, "train", 8)
    (tmp_path / "train-001.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(DataError, match=r"train-001.tar: not a readable tar"):
        PackedCrops(tmp_path, "train", 8)
    (tmp_path / "train.npz").write_bytes(b"no npz")
    with pytest.raises(DataError, match=r"train.npz: not a readable npz"):
        PackedCrops(tmp_path, "train", 8)


def test_a_set_without_held_out_crops_says_so(tmp_path, packer):
    packer(tmp_path / "a", "train", 4)
    with pytest.raises(DataError, match=r"a: no held-out crops, as train.npz is there but val.npz is not; .*--val"):
        PackedCrops(tmp_path / "a", "val", 8)
    packer(tmp_path / "b", "val", 4)
    with pytest.raises(DataError, match=r"b: no crops of split 'train', as val.npz is there but train.npz is not"):
        PackedCrops(tmp_path / "b", "train", 8)


def test_unknown_keypoints_have_no_unit(tmp_path, packer):
    packer(tmp_path, "train", 4, keypoints=np.full((4, 5, 2), np.nan, np.float32))
    assert len(PackedCrops(tmp_path, "train", 8)) == 4


def test_a_set_of_crops_that_are_too_small_is_refused_before_training(tmp_path, packer, jpeg):
    packer(tmp_path, "val", 2, side=16)
    with pytest.raises(DataError, match=r"val-000.tar:000000.jpg: 16x16 px; crops must be square and at least 32 px"):
        PackedCrops(tmp_path, "val", 32)
    packer(tmp_path, "train", 2, members=lambda files: files | {"000001": jpeg(np.zeros((16, 20, 3), np.uint8))})
    with pytest.raises(DataError, match=r"000001.jpg: 20x16 px; crops must be square"):
        PackedCrops(tmp_path, "train", 8)


def describe(root, **facts):
    (root / "meta.json").write_text(json.dumps({"format": 1, "schema": "coco7", "resolution": 32} | facts))


def test_the_description_names_the_schema(tmp_path, packer):
    packer(tmp_path, "train", 4, points=7)
    describe(tmp_path)
    assert PackedCrops(tmp_path, "train", 8).schema == COCO7
    assert PackedCrops(tmp_path, "train", 8, schema="coco7").schema == COCO7
    with pytest.raises(SchemaError, match="have keypoint schema 'coco7', 'five' was asked for"):
        PackedCrops(tmp_path, "train", 8, schema=FIVE)
    describe(tmp_path, format=2)
    with pytest.raises(DataError, match=r"meta.json: format 2 is not known"):
        PackedCrops(tmp_path, "train", 8)
    (tmp_path / "meta.json").write_text("[]")
    with pytest.raises(DataError, match=r"meta.json: not a description"):
        PackedCrops(tmp_path, "train", 8)


def test_png_members_and_long_names(tmp_path, packer):
    """What others may write: another suffix, folders inside the tar, names beyond a tar header's 100 characters."""
    import tarfile

    packer(tmp_path, "train", 2, shards=1, key=np.array(["k" * 150, "b"]))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    with tarfile.open(tmp_path / "train-000.tar", "w") as shard:
        for key, image in zip(["k" * 150, "b"], pixels, strict=True):
            stream = io.BytesIO()
            Image.fromarray(image).save(stream, "PNG")
            member = tarfile.TarInfo(f"./crops/{key}.png")
            member.size = stream.tell()
            stream.seek(0)
            shard.addfile(member, stream)
    data = PackedCrops(tmp_path, "train", 16)
    np.testing.assert_array_equal(everything(data, 16).images.permute(0, 2, 3, 1), pixels)
    assert data.name(1).endswith("train-000.tar:b.png")


def test_low_resolutions_are_decoded_small(tmp_path, packer, monkeypatch):
    """What the decoder hands out is never the full 128 px in a low phase."""
    packer(tmp_path, "train", 3, side=128)
    data, sides = PackedCrops(tmp_path, "train", 128, cache_gib=0), []
    real = simplejpeg.decode_jpeg

    def spy(*args, **options):
        image = real(*args, **options)
        sides.append(image.shape[0])
        return image

    monkeypatch.setattr(simplejpeg, "decode_jpeg", spy)
    for resolution in (8, 16, 32, 64, 128):
        everything(data, resolution)
    assert sides == 3 * [16] + 3 * [16] + 3 * [32] + 3 * [64] + 3 * [128]  # an eighth is the least that JPEG offers


def test_a_pickled_set_reads_the_same(packed):
    """What a worker that is not forked gets."""
    data = PackedCrops(packed, "train", 32)
    expected = everything(data, 16)
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(everything(again, 16).images, expected.images)


def test_reading_moves_no_position_in_the_file(packed):
    """Forked workers share their parent's open files: a position that moves would hand one the bytes of another."""
    shards = PackedCrops(packed, "train", 32).shards
    file = shards._file(shards.numbers[5]).fileno()
    os.lseek(file, 7, os.SEEK_SET)
    blobs = [shards.read(row) for row in (5, 1, 5) if shards.numbers[row] == shards.numbers[5]]
    assert blobs[0] == blobs[2] != blobs[1]
    assert os.lseek(file, 0, os.SEEK_CUR) == 7


def test_many_shards_keep_few_files_open(tmp_path, packer, monkeypatch):
    monkeypatch.setattr("deepanon.data.shards.OPEN_FILES", 3)
    packer(tmp_path, "train", 12, shards=8)
    data = PackedCrops(tmp_path, "train", 16, cache_gib=0)
    first, second = everything(data, 16), everything(data, 16)
    assert torch.equal(first.images, second.images)
    assert len(data.shards._open) == 3


def test_real_crops_have_eyes_where_eyes_are(deepanon_data):
    if not (deepanon_data / "faces128" / "val.npz").is_file():
        pytest.skip("no faces128 in DEEPANON_DATA")
    data = PackedCrops(deepanon_data / "faces128", "val", 32, limit=200)
    low, high = data.boxes[:, :2], data.boxes[:, 2:]
    assert (high > low).all()
    eyes, mouth = data.keypoints[:, :2].mean(1), data.keypoints[:, 3:].mean(1)
    assert (eyes[:, 1] < mouth[:, 1]).float().mean() > 0.99
    assert (data.keypoints[:, 0, 0] < data.keypoints[:, 1, 0]).float().mean() > 0.99
    assert 40 < everything(data, 32).images.float().mean() < 215
