import stat
import zipfile

import pytest

from deepanon.data.fdf.unzip import unzip
from deepanon.errors import DataError


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


def files(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_members_land_below_the_root_and_the_first_folder_is_renamed(tmp_path):
    zip_file = archive(tmp_path / "a.zip", {"cc-by-2/128/1.png": b"one", "cc-by-2/64/1.png": b"two", "LICENCE": b"x"})
    seen = []
    assert unzip(zip_file, tmp_path / "out", ("cc-by-2", "images"), lambda *at: seen.append(at)) == 3
    assert files(tmp_path / "out") == {"images/128/1.png": b"one", "images/64/1.png": b"two", "LICENCE": b"x"}
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert unzip(archive(tmp_path / "b.zip", {"metainfo/m.json": b"{}"}), tmp_path / "out", ("metainfo", "")) == 1
    assert files(tmp_path / "out")["m.json"] == b"{}"


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil", "C:/evil", "C:\\evil", "..", "a/.."]
)
def test_nothing_lands_outside_and_nothing_is_begun(tmp_path, name):
    zip_file = archive(tmp_path / "a.zip", {"good": b"x", name: b"evil"})
    with pytest.raises(DataError, match="outside the folder; nothing was unpacked"):
        unzip(zip_file, tmp_path / "deep" / "out")
    assert list(tmp_path.rglob("*evil*")) == []
    assert list(tmp_path.rglob("good")) == []


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        unzip(tmp_path / "a.zip", tmp_path / "out")


def test_it_goes_on_and_never_overwrites(tmp_path):
    zip_file = archive(tmp_path / "a.zip", {"one": b"1" * 50, "two": b"2" * 50})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "one").write_bytes(b"1" * 50)
    before = (tmp_path / "out" / "one").stat().st_mtime_ns
    seen = []
    unzip(zip_file, tmp_path / "out", watch=lambda *at: seen.append(at))
    assert seen == [(2, 2)]
    assert (tmp_path / "out" / "one").stat().st_mtime_ns == before
    (tmp_path / "out" / "two").write_bytes(b"my own")
    with pytest.raises(DataError, match="is there and is not what the archive holds"):
        unzip(zip_file, tmp_path / "out")
    assert (tmp_path / "out" / "two").read_bytes() == b"my own"


def test_a_link_in_the_way_is_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "target").write_bytes(b"mine")
    (tmp_path / "out" / "one").symlink_to(tmp_path / "target")
    with pytest.raises(DataError, match="is there and is not"):
        unzip(archive(tmp_path / "a.zip", {"one": b"evil"}), tmp_path / "out")
    assert (tmp_path / "target").read_bytes() == b"mine"


def test_damaged_archives_are_named_and_leave_no_half_file(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"a.zip: not a readable zip file"):
        unzip(tmp_path / "a.zip", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("one", b"plain content" * 100)
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(whole.replace(b"plain content", b"other content", 1))
    with pytest.raises(DataError, match="CRC"):
        unzip(tmp_path / "b.zip", tmp_path / "out")
    assert files(tmp_path / "out") == {}


def test_room_is_checked_before(tmp_path, monkeypatch):
    import shutil

    zip_file = archive(tmp_path / "a.zip", {"one": b"0" * 5000})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=4999))
    with pytest.raises(DataError, match="GB to unpack"):
        unzip(zip_file, tmp_path / "out")
