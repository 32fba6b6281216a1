import json
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from deepanon.data.batch import BatchRequest
from deepanon.data.fdf.crops import FdfCrops
from deepanon.detections import COCO7
from deepanon.errors import DataError, OptionError

N = 12


def pictures(folder, numbers, side, suffix=".png"):
    """Flat pictures, the red value of which is 10 times their number, the green value their side."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image = np.empty((side, side, 3), np.uint8)
        image[:] = (10 * number, min(side, 255), 0)
        Image.fromarray(image).save(folder / f"{number}{suffix}")


def annotations(n=N, seed=0):
    """(n, 4) boxes and (n, 7, 2) keypoints as fractions."""
    rng = np.random.default_rng(seed)
    low = 0.2 + 0.1 * rng.random((n, 2))
    return np.concatenate([low, low + 0.5], 1), rng.random((n, 7, 2)) * 0.8 + 0.1


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def downloaded(root, sizes=(8, 32)):
    boxes, keypoints = annotations()
    for side in sizes:
        pictures(root / "images" / str(side), range(N), side)
        save(root / "bounding_box" / f"{side}.npy", (boxes * side).round().astype(np.int64))
        save(root / "landmarks" / f"{side}.npy", (keypoints * side).reshape(N, 14))
    return root


def as_generated(root):
    """What FDF's own generator script writes: torch files and JPEG."""
    boxes, keypoints = annotations()
    pictures(root / "images" / "32", range(N), 32, ".jpg")
    for name, values in (("bounding_box", (boxes * 32).round()), ("landmarks", keypoints * 32)):
        (root / name).mkdir()
        torch.save(torch.from_numpy(values).float(), root / name / "32.torch")
    return root


def split(root):
    """The last four are held out; files keep their numbers, which have gaps."""
    boxes, keypoints = annotations()
    for name, rows in (("train", np.arange(8)), ("val", np.arange(8, N))):
        for side in (8, 32):
            pictures(root / name / "images" / str(side), rows * 2, side)
            (root / name / "bounding_box").mkdir(exist_ok=True)
            torch.save(
                torch.from_numpy((boxes[rows] * side).round().astype(np.int64)),
                root / name / "bounding_box" / f"{side}.torch",
            )
        save(root / name / "landmarks.npy", keypoints[rows].astype(np.float32))
    return root


def fdf256(root):
    boxes, keypoints = annotations()
    for name, rows in (("train", np.arange(8)), ("val", np.arange(8, N))):
        pictures(root / name / "images", rows, 256)
        save(root / name / "bounding_box.npy", (boxes[rows] * 256).round().astype(np.int32))
        save(root / name / "landmarks.npy", keypoints[rows].reshape(-1, 14))
    return root


FORMS = [(downloaded, 32), (as_generated, 32), (split, 32), (fdf256, 256)]


@pytest.mark.parametrize(("form", "side"), FORMS)
def test_every_layout_reads_the_same_faces(tmp_path, form, side, caplog):
    boxes, keypoints = annotations()
    form(tmp_path)
    with caplog.at_level(logging.INFO):
        train = FdfCrops(tmp_path, "train", 32, val_rows=4)
        val = FdfCrops(tmp_path, "val", 32, val_rows=4)
    name = {"as_generated": "downloaded"}.get(form.__name__, form.__name__)
    assert f"FDF in layout '{name}'" in caplog.text
    for data, rows in ((train, np.arange(8)), (val, np.arange(8, N))):
        assert (len(data), data.schema, data.resolution) == (len(rows), COCO7, 32)
        np.testing.assert_allclose(data.boxes, (boxes[rows] * side).round() / side, atol=1e-6)
        np.testing.assert_allclose(data.keypoints, keypoints[rows], atol=1e-6)
        batch = data.read(range(len(rows)), 32)
        red = batch.images[:, 0].float().mean((1, 2))
        np.testing.assert_allclose(red, 10 * rows * (2 if form is split else 1), atol=2)


def test_a_resolution_is_read_from_the_smallest_file_that_is_enough(tmp_path, monkeypatch):
    data = FdfCrops(downloaded(tmp_path, (8, 16, 64, 128)), "train", 60, val_rows=4, cache_gib=0)
    opened = []
    monkeypatch.setattr(
        "builtins.open", lambda path, *rest, real=open, **more: (opened.append(path), real(path, *rest, **more))[1]
    )
    green = [int(data.__getitems__(BatchRequest([3], size)).images[0, 1, 0, 0]) for size in (4, 8, 9, 16, 17, 60)]
    assert green == [8, 8, 16, 16, 64, 64]
    assert [path.split("/")[-2] for path in opened] == ["8", "8", "16", "16", "64", "64"]


def test_keypoints_and_boxes_come_from_the_largest_size(tmp_path):
    """8 px boxes are rounded to an eighth of the crop."""
    boxes, _ = annotations()
    data = FdfCrops(downloaded(tmp_path, (8, 128)), "train", 8, val_rows=4)
    np.testing.assert_allclose(data.boxes, boxes[:8], atol=0.5 / 128 + 1e-6)


def test_two_layouts_in_one_folder(tmp_path):
    downloaded(split(tmp_path))
    with pytest.raises(DataError, match=r"several layouts of FDF \(downloaded, split\); choose with layout="):
        FdfCrops(tmp_path, "train", 8, val_rows=4)
    assert len(FdfCrops(tmp_path, "train", 8, val_rows=3, layout="downloaded")) == 9
    assert len(FdfCrops(tmp_path, "train", 8, val_rows=3, layout="split")) == 8
    with pytest.raises(DataError, match="several layouts"):
        FdfCrops(tmp_path, "train", 8, layout="fdf256")
    with pytest.raises(OptionError, match="unknown layout 'mine'"):
        FdfCrops(tmp_path, "train", 8, layout="mine")


def test_no_layout_lists_those_that_are_known(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder; data.root"):
        FdfCrops(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"(?s)no layout of FDF.*downloaded: images/<size>.*fdf256:"):
        FdfCrops(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="no folders of pictures named by their size"):
        FdfCrops(tmp_path)


def resave(path, change):
    np.save(path, change(np.load(path)))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("bounding_box/32.npy", lambda a: a[:9], r"bounding_box/8.npy has 12 rows, .*32.npy has 9"),
        ("landmarks/8.npy", lambda a: a[:9], r"landmarks/8.npy has 9 rows, .*bounding_box/32.npy has 12"),
        ("bounding_box/32.npy", lambda a: a[:, :3], r"shape \(12, 3\), expected \(12, 4\)"),
        ("landmarks/32.npy", lambda a: a[:, :10], r"shape \(12, 10\), expected \(12, 14\) or \(12, 7, 2\)"),
        ("landmarks/32.npy", lambda a: a.astype(str), "holds <U.*not a table of numbers"),
        ("landmarks/32.npy", lambda a: a.astype(object), "not a readable array"),
        ("bounding_box/32.npy", lambda a: a / 32, r"must be pixels of 32 px pictures .*half of them lie below 0\.[45]"),
        ("bounding_box/32.npy", lambda a: a * 4, "must be pixels of 32 px pictures"),
        ("landmarks/32.npy", lambda a: a / 32, "must be pixels of 32 px pictures in layout 'downloaded'"),
        ("landmarks/32.npy", lambda a: np.where(np.arange(12)[:, None] == 5, np.nan, a), "row 5 holds .* not finite"),
        ("bounding_box/32.npy", lambda a: np.where(np.arange(12)[:, None] == 2, [[40, 3, 50, 9]], a),
         r"1 boxes hide nothing, the first in row 2: \[40, 3, 50, 9\].*'face: 2'"),
        ("bounding_box/32.npy", lambda a: np.where(np.arange(12)[:, None] == 2, [[20, 3, 10, 9]], a), "hide nothing"),
        ("bounding_box/32.npy", lambda a: np.where(np.arange(12)[:, None] == 2, [[20, 3, 60, 39]], a), "reach out"),
    ],
)  # fmt: skip
def test_damaged_arrays_are_named(tmp_path, name, change, message):
    resave(downloaded(tmp_path) / name, change)
    with pytest.raises(DataError, match=message):
        FdfCrops(tmp_path, "train", 32, val_rows=4)


def test_units_of_the_later_layouts(tmp_path):
    split(tmp_path)
    resave(tmp_path / "train" / "landmarks.npy", lambda a: a * 128)
    with pytest.raises(DataError, match=r"landmarks.npy: coordinates must be fractions in layout 'split', but half of"):
        FdfCrops(tmp_path, "train", 32)


@pytest.mark.parametrize(
    ("form", "name"),
    [(downloaded, "bounding_box/8.npy"), (downloaded, "landmarks/32.npy"), (split, "train/bounding_box/32.torch"),
     (split, "train/landmarks.npy"), (fdf256, "train/bounding_box.npy")],
)  # fmt: skip
def test_missing_and_unreadable_arrays_are_named(tmp_path, form, name):
    path = form(tmp_path) / name
    content = path.read_bytes()
    path.write_bytes(content[:40])
    with pytest.raises(DataError, match=f"{name}: not a readable array"):
        FdfCrops(tmp_path, "train", 32, val_rows=4)
    path.unlink()
    with pytest.raises(DataError, match=f"{name.partition('.')[0]}.npy does not exist"):
        FdfCrops(tmp_path, "train", 32, val_rows=4)


def test_a_torch_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"x": print}, split(tmp_path) / "train" / "bounding_box" / "32.torch")
    with pytest.raises(DataError, match=r"32.torch: not a readable array"):
        FdfCrops(tmp_path, "train", 32)


def test_missing_and_superfluous_pictures(tmp_path):
    downloaded(tmp_path / "a")
    (tmp_path / "a" / "images" / "8" / "5.png").unlink()
    with pytest.raises(DataError, match=r"images/8: 1 of 8 pictures are missing, the first is 5.png; .*licences="):
        FdfCrops(tmp_path / "a", "train", 32, val_rows=4)
    assert len(FdfCrops(tmp_path / "a", "train", 32, limit=5, val_rows=4)) == 5
    pictures(downloaded(tmp_path / "b") / "images" / "32", [N], 32)
    with pytest.raises(DataError, match=r"12.png has no row in .*bounding_box/32.npy of 12 rows"):
        FdfCrops(tmp_path / "b", "train", 32, val_rows=4)
    (split(tmp_path / "c") / "train" / "images" / "32" / "4.png").unlink()
    with pytest.raises(DataError, match=r"holds 7 pictures, .*bounding_box/32.torch 8 rows; .*all must be there"):
        FdfCrops(tmp_path / "c", "train", 32)
    pictures(fdf256(tmp_path / "d") / "train" / "images", [0], 128)
    with pytest.raises(DataError, match=r"0.png: 128x128 px; pictures of this folder must be 256x256 px"):
        FdfCrops(tmp_path / "d", "train", 32)


def test_a_corrupt_picture_in_an_epoch(tmp_path, caplog):
    data = FdfCrops(downloaded(tmp_path), "train", 32, val_rows=4, max_corrupt=1)
    path = tmp_path / "images" / "32" / "2.png"
    path.write_bytes(path.read_bytes()[:-20])
    (tmp_path / "images" / "32" / "6.png").unlink()  # since the set was opened
    batch = data.read([1, 2, 3], 32)
    assert batch.images[:, 0, 0, 0].tolist() == [10, 30, 30]
    assert torch.equal(batch.boxes, data.boxes[[1, 3, 3]])
    assert "images/32/2.png: not a readable picture (PNG that ends too early); the next row" in caplog.text
    with pytest.raises(DataError, match=r"2 of 8 crops .* more than max_corrupt=1: .*2.png, .*6.png; .*No such file"):
        data.read([6], 32)


def describe(path, numbers, **changes):
    """Metainfo in FDF's form: two authors, three licences, one photo each."""
    table = {}
    for number in numbers:
        kind = ["by", "by-nc", "by-nc-sa"][number % 3]
        table[str(number)] = {
            "author": ["Ann+Lee", "Bob"][number % 2],
            "bounding_box": [0.2, 0.2, 0.7, 0.7],
            "category": "training",
            "license": "Attribution License",
            "license_url": f"http://creativecommons.org/licenses/{kind}/2.0/",
            "photo_url": f"http://www.flickr.com/photos/{[f'1{number}@N00', 'bobs-alias'][number % 2]}/55{number}/",
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table | changes))


def numbers_of(data):
    return data.numbers.tolist()


def test_licences_choose(tmp_path):
    describe(downloaded(tmp_path) / "fdf_metainfo.json", range(N))
    data = FdfCrops(tmp_path, "train", 32, val_rows=4, licences=["cc-by-2", "cc-by-nc-sa-2"])
    assert numbers_of(data) == [0, 2, 3, 5, 6]
    assert data.read([1], 32).images[0, 0, 0, 0] == 20
    assert numbers_of(FdfCrops(tmp_path, "val", 32, val_rows=4, licences="cc-by-2")) == [9]
    with pytest.raises(DataError, match="no face under cc0-1; there are cc-by-2, cc-by-nc-2, cc-by-nc-sa-2"):
        FdfCrops(tmp_path, "train", 32, val_rows=4, licences=["cc0-1"])
    with pytest.raises(OptionError, match="at least one licence"):
        FdfCrops(tmp_path, "train", 32, val_rows=4, licences=[])
    (tmp_path / "fdf_metainfo.json").unlink()
    with pytest.raises(DataError, match=r"fdf_metainfo.json does not exist"):
        FdfCrops(tmp_path, "train", 32, val_rows=4, licences=["cc-by-2"])


def test_only_the_archives_that_were_unpacked(tmp_path):
    """With licences= chosen, pictures of the others need not be there."""
    describe(downloaded(tmp_path) / "fdf_metainfo.json", range(N))
    for side in (8, 32):
        for number in range(N):
            if number % 3:
                (tmp_path / "images" / str(side) / f"{number}.png").unlink()
    assert numbers_of(FdfCrops(tmp_path, "train", 32, val_rows=4, licences=["cc-by-2"])) == [0, 3, 6]


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ("author: ann lee", [1, 3, 5, 7]),
        ("author: Ann+Lee\nface: 3\n", [1, 5, 7]),
        ("author: 12@N00", [0, 1, 3, 4, 5, 6, 7]),
        ("author: bobs-alias", [0, 2, 4, 6]),
        ("photo: 553\nphoto: https://www.flickr.com/photos/anyone/554/in/album-9/", [0, 1, 2, 5, 6, 7]),
        ("# left today\n\nhttps://live.staticflickr.com/65535/550_0a1b2c3d4e_b.jpg", [1, 2, 3, 4, 5, 6, 7]),
        ("face: 0\nface: 7", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_opt_out(tmp_path, lines, left):
    describe(downloaded(tmp_path) / "fdf_metainfo.json", range(N))
    (tmp_path / "out.txt").write_text(lines)
    assert numbers_of(FdfCrops(tmp_path, "train", 32, val_rows=4, opt_out=tmp_path / "out.txt")) == left


def test_opt_out_by_number_needs_no_metainfo(tmp_path):
    (split(tmp_path) / "out.txt").write_text("face: 4\nface: 99")
    assert numbers_of(FdfCrops(tmp_path, "train", 32, opt_out=tmp_path / "out.txt")) == [0, 2, 6, 8, 10, 12, 14]


def test_a_box_outside_can_be_opted_out(tmp_path):
    resave(downloaded(tmp_path) / "bounding_box/32.npy", lambda a: np.where(np.arange(12)[:, None] == 2, 90, a))
    (tmp_path / "out.txt").write_text("face: 2")
    assert len(FdfCrops(tmp_path, "train", 32, val_rows=4, opt_out=tmp_path / "out.txt")) == 7


def test_faces_without_metainfo_are_not_used_when_it_decides(tmp_path):
    describe(fdf256(tmp_path) / "train" / "fdf_metainfo.json", range(7))
    assert numbers_of(FdfCrops(tmp_path, "train", 32, licences=["cc-by-2"])) == [0, 3, 6]
    (tmp_path / "out.txt").write_text("author: Bob")
    assert numbers_of(FdfCrops(tmp_path, "train", 32, opt_out=tmp_path / "out.txt")) == [0, 2, 4, 6]


@pytest.mark.parametrize(
    ("options", "error"),
    [({"resolution": "x"}, TypeError), ({"limit": 0}, OptionError), ({"val_rows": 0}, OptionError),
     ({"split": "test"}, OptionError), ({"resolution": 33}, OptionError), ({"max_corrupt": -1}, OptionError)],
)  # fmt: skip
def test_impossible_options(tmp_path, options, error):
    with pytest.raises(error, match=next(iter(options))):
        FdfCrops(downloaded(tmp_path), **{"val_rows": 4, "resolution": 32} | options)


def test_more_held_out_than_there_are(tmp_path):
    with pytest.raises(DataError, match="12 rows, of which the last 50000 cannot be held out"):
        FdfCrops(downloaded(tmp_path), "train", 32)
