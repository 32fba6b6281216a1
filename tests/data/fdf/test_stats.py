"""What is said of a folder of FDF that is whole, that lacks parts, or that holds nothing but licences."""

import json
import shutil

import numpy as np
import pytest
import torch

from deepanon.data.fdf.stats import describe_fdf, fdf_table, is_fdf
from deepanon.errors import DataError

PARTS = {f"{kind}/{side}": 6 for kind in ("images", "bounding_box", "landmarks") for side in (8, 32)}


def metainfo(folder, n=6):
    folder.mkdir(parents=True, exist_ok=True)
    entry = {"author": "ann", "license_url": "http://creativecommons.org/licenses/by/2.0/"}
    (folder / "fdf_metainfo.json").write_text(json.dumps({str(i): entry for i in range(n)}))


@pytest.fixture
def whole(fdf, tmp_path):
    """A copy with metainfo that may be changed."""
    shutil.copytree(fdf, tmp_path / "fdf")
    metainfo(tmp_path / "fdf")
    return tmp_path / "fdf"


def test_a_whole_folder(whole):
    facts = describe_fdf(whole)
    assert facts == {"parts": PARTS, "missing": [], "faces": 6, "licences": {"cc-by-2": 6}, "authors": {"ann": 6}}
    text = fdf_table(facts)
    assert "missing: nothing" in text
    assert "cc-by-2" in text
    assert ["images/32", "6"] in [line.split() for line in text.splitlines()]


def test_metainfo_alone(tmp_path):
    """What `fdf-download` is cut off after, at the worst."""
    metainfo(tmp_path)
    facts = describe_fdf(tmp_path)
    assert facts["parts"] == {"images": None, "bounding_box": None, "landmarks": None}
    assert facts["missing"] == [
        "images: not there; deepanon data fdf-download --images fetches it",
        "bounding_box: not there; deepanon data fdf-download fetches it",
        "landmarks: not there; deepanon data fdf-download fetches it",
    ]
    assert facts["faces"] == 6
    assert "images: not there; deepanon data fdf-download --images" in fdf_table(facts)


def test_without_pictures(whole):
    """What `fdf-download` without --images leaves."""
    shutil.rmtree(whole / "images")
    facts = describe_fdf(whole)
    assert [line.partition(":")[0] for line in facts["missing"]] == ["images/8", "images/32"]
    assert facts["parts"]["landmarks/32"] == 6


def test_some_parts_are_missing_damaged_or_short(whole):
    for number in (1, 4):
        (whole / "images" / "32" / f"{number}.png").unlink()
    (whole / "bounding_box" / "32.npy").unlink()
    (whole / "landmarks" / "8.npy").write_bytes(b"no array")
    np.save(whole / "landmarks" / "32.npy", np.load(whole / "landmarks" / "32.npy")[:5])
    (whole / "fdf_metainfo.json").unlink()
    facts = describe_fdf(whole)
    changed = {"images/32": 4, "bounding_box/32": None, "landmarks/8": None, "landmarks/32": 5}
    assert facts["parts"] == PARTS | changed
    assert facts["missing"][0] == "images/32: 2 of 6 pictures are not there"
    assert facts["missing"][1] == "bounding_box/32: not there; deepanon data fdf-download fetches it"
    assert "landmarks/8.npy: not a readable array" in facts["missing"][2]
    assert facts["missing"][3] == "landmarks/32: 1 of 6 rows are not there"
    assert facts["missing"][4].startswith("fdf_metainfo.json: not there, so licences and authors are unknown")
    assert "faces" not in facts
    assert fdf_table(facts).count("not there") == 4


def test_pictures_that_were_never_unpacked(whole):
    for path in (whole / "images" / "8").iterdir():
        path.unlink()
    (line,) = describe_fdf(whole)["missing"]
    assert line.endswith("images/8: no pictures N.png")


def test_layouts_with_splits(whole, tmp_path):
    """Later layouts: sizes only of pictures and boxes, or none at all; metainfo at the top belongs to both splits."""
    split = tmp_path / "split"
    shutil.copytree(whole / "images", split / "train" / "images")
    (split / "train" / "bounding_box").mkdir()
    for side in (8, 32):
        torch.save(torch.zeros(6, 4), split / "train" / "bounding_box" / f"{side}.torch")
    np.save(split / "train" / "landmarks.npy", np.zeros((6, 7, 2)))
    metainfo(split)
    facts = describe_fdf(split)
    names = ("images/8", "images/32", "bounding_box/8", "bounding_box/32", "landmarks")
    assert facts["parts"] == {f"train/{name}": 6 for name in names}
    assert facts["missing"] == ["val: nothing of this split is there"]
    assert facts["faces"] == 6
    large = tmp_path / "fdf256"
    for name in ("train", "val"):
        shutil.copytree(whole / "images" / "32", large / name / "images")
        np.save(large / name / "bounding_box.npy", np.zeros((6, 4)))
    facts = describe_fdf(large)
    assert facts["parts"]["val/images"] == facts["parts"]["val/bounding_box"] == 6
    assert [line.partition(":")[0] for line in facts["missing"]] == [
        "train/landmarks", "val/landmarks", "fdf_metainfo.json"]  # fmt: skip


def test_folders_that_hold_nothing_of_it(tmp_path, packed):
    for root in (tmp_path, tmp_path / "nowhere", packed):
        assert not is_fdf(root)
        with pytest.raises(DataError, match=r"no part of FDF \(fdf_metainfo.json, images"):
            describe_fdf(root)
