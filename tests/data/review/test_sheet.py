import io
import tarfile

import numpy as np
import pytest

from deepanon.data.packed_files import read_members
from deepanon.data.review.sheet import EYES, FRAME, GAP, HEAD, MARGIN, TILE, draw_contact_sheet
from deepanon.data.synthetic import write_packed_crops
from deepanon.errors import DataError, OptionError


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_packed_crops(root, "train", 20, seed=1, resolution=64)
    return root


def rgb(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_each_eye_has_its_colour_at_its_place(drawn):
    sheet = np.asarray(draw_contact_sheet(drawn, columns=4, rows=2))
    arrays = np.load(drawn / "train.npz")
    rows = np.linspace(0, 19, 8).round().astype(int)
    for place, row in enumerate(rows):
        top = HEAD + place // 4 * (TILE + 20 + GAP)
        left = MARGIN + place % 4 * (TILE + GAP)
        tile = sheet[top : top + TILE, left : left + TILE]
        for name, (x, y) in zip(("left eye", "right eye"), arrays["keypoints"][row][:2] * TILE, strict=True):
            assert tile[round(float(y)), round(float(x))].tolist() == rgb(EYES[name])
        x0, y0, _, y1 = (arrays["box"][row] * TILE).round().astype(int)
        assert tile[(y0 + y1) // 2, x0 : x0 + 2].tolist().count(rgb(FRAME)) >= 1


def test_a_small_set_and_an_odd_number_fit(drawn, tmp_path):
    write_packed_crops(tmp_path, "val", 3, seed=1, resolution=32)
    wide = draw_contact_sheet(tmp_path, "val", columns=8, rows=6)
    assert wide.height < 2 * TILE + HEAD
    assert draw_contact_sheet(drawn, columns=3, rows=3).width == 2 * MARGIN + 3 * TILE + 2 * GAP


def test_unknown_keypoints_are_left_out(tmp_path):
    write_packed_crops(tmp_path, "train", 2, seed=1, resolution=32)
    arrays = dict(np.load(tmp_path / "train.npz"))
    arrays["keypoints"][:] = np.nan
    np.savez(tmp_path / "train.npz", **arrays)
    sheet = np.asarray(draw_contact_sheet(tmp_path))[HEAD:]
    assert not (sheet == rgb(EYES["left eye"])).all(-1).any()


def test_members_are_found_as_the_reader_finds_them(tmp_path):
    """Sets that others wrote: a folder inside the tar, another suffix."""
    write_packed_crops(tmp_path, "train", 3, seed=1, resolution=32)
    expected = np.asarray(draw_contact_sheet(tmp_path))
    files = dict(read_members(tmp_path / "train-000.tar"))
    with tarfile.open(tmp_path / "train-000.tar", "w") as shard:
        for name, blob in files.items():
            member = tarfile.TarInfo(f"./crops/{name.removesuffix('.jpg')}.jpeg")
            member.size = len(blob)
            shard.addfile(member, io.BytesIO(blob))
    assert (np.asarray(draw_contact_sheet(tmp_path)) == expected).all()


def test_missing_pictures_are_named(tmp_path, drawn):
    write_packed_crops(tmp_path, "train", 2, seed=1, resolution=32)
    arrays = dict(np.load(tmp_path / "train.npz")) | {"key": np.array(["000000", "nobody"])}
    np.savez(tmp_path / "train.npz", **arrays)
    with pytest.raises(DataError, match=r"nobody of 'train' is not in the shards"):
        draw_contact_sheet(tmp_path)
    with pytest.raises(OptionError, match="at least one"):
        draw_contact_sheet(drawn, columns=0)
