import numpy as np
import pytest
import torch

from deepanon.data.crops import PackedCrops, as_is
from deepanon.detections import COCO7
from deepanon.errors import DataError, OptionError


def test_reads_what_was_packed(packed):
    data = PackedCrops(packed, "train", 32)
    stored = np.load(packed / "train.npz")
    batch = data.__getitems__([5, 0, 23])
    assert (len(data), batch.images.shape, batch.images.dtype) == (24, (3, 3, 32, 32), torch.uint8)
    np.testing.assert_array_equal(batch.boxes, stored["box"][[5, 0, 23]])
    np.testing.assert_array_equal(batch.keypoints, stored["keypoints"][[5, 0, 23]])
    assert torch.equal(data[5].images, batch.images[:1])
    assert as_is(batch) is batch
    assert torch.equal(batch.to("cpu").images, batch.images)


def test_every_picture_stands_at_its_key(tmp_path, packer, jpeg):
    """Pictures of one flat colour each, the shards' order not that of the arrays."""

    def flat(files):
        pictures = {key: jpeg(np.full((16, 16, 3), 10 * int(key), np.uint8)) for key in files}
        return dict(reversed(pictures.items()))

    packer(tmp_path, "train", 9, side=16, shards=3, members=flat, shard=np.arange(9)[::-1] % 3)
    means = PackedCrops(tmp_path, "train", 8).images.float().mean((1, 2, 3))
    np.testing.assert_allclose(means, 10 * np.arange(9), atol=1)


def test_reduces_by_area(packed):
    full, small = PackedCrops(packed, "val", 32).images.float(), PackedCrops(packed, "val", 8).images.float()
    mean = torch.nn.functional.avg_pool2d(full, 4)
    assert (small - mean).abs().max() <= 1


def test_sources_and_limit(packed):
    everything = PackedCrops(packed, "train", 8)
    chosen = PackedCrops(packed, "train", 8, sources=["b"], limit=3)
    assert torch.equal(chosen.images, everything.images[[1, 3, 5]])
    assert len(PackedCrops(packed, "train", 8, sources="a")) == 12
    assert len(PackedCrops(packed, "train", 8, limit=1000)) == 24
    with pytest.raises(DataError, match=r"unknown sources \['c'\]; there are \['a', 'b'\]"):
        PackedCrops(packed, "train", 8, sources=["a", "c"])
    with pytest.raises(DataError, match="no crops"):
        PackedCrops(packed, "train", 8, sources=[])


@pytest.mark.parametrize(
    "options", [{"resolution": "x"}, {"resolution": 0}, {"limit": "x"}, {"limit": 0}, {"limit": -5}, {"limit": 1.5}]
)
def test_impossible_options(packed, options):
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be a positive whole number"):
        PackedCrops(packed, "val", **options)


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
        ({"shard": np.array([0, 1, 0, 7])}, r"train-007.tar does not exist"),
        ({"key": np.array(["000000", "000001", "nobody", "000003"])}, "1 of 4 crops .* the first is nobody.jpg"),
        ({"key": np.array([{}, {}, {}, {}])}, "not a readable npz"),
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


@pytest.mark.parametrize("damage", [lambda blob: blob[: len(blob) // 2], lambda blob: b"", lambda blob: b"text"])
def test_corrupt_pictures_are_named(tmp_path, packer, damage):
    packer(tmp_path, "train", 4, members=lambda files: files | {"000002": damage(files["000002"])})
    with pytest.raises(DataError, match=r"train-000.tar:000002.jpg: not a readable picture"):
        PackedCrops(tmp_path, "train", 8)


def test_pictures_of_another_form_are_named(tmp_path, packer, jpeg):
    packer(tmp_path, "train", 2, members=lambda files: files | {"000001": jpeg(np.zeros((16, 20, 3), np.uint8))})
    with pytest.raises(DataError, match=r"000001.jpg: 20x16 px; crops must be square"):
        PackedCrops(tmp_path, "train", 8)
    packer(tmp_path, "val", 2, side=16)
    with pytest.raises(DataError, match="16x16 px; crops must be square and at least 32 px"):
        PackedCrops(tmp_path, "val", 32)


def test_real_crops_have_eyes_where_eyes_are(deepanon_data):
    if not (deepanon_data / "faces128" / "val.npz").is_file():
        pytest.skip("no faces128 in DEEPANON_DATA")
    data = PackedCrops(deepanon_data / "faces128", "val", 32, limit=200)
    low, high = data.boxes[:, :2], data.boxes[:, 2:]
    assert (high > low).all()
    eyes, mouth = data.keypoints[:, :2].mean(1), data.keypoints[:, 3:].mean(1)
    assert (eyes[:, 1] < mouth[:, 1]).float().mean() > 0.99
    assert (data.keypoints[:, 0, 0] < data.keypoints[:, 1, 0]).float().mean() > 0.99
    assert 40 < data.images.float().mean() < 215
