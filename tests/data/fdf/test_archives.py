"""The catalogue, and the whole download from a server on this machine that has the official layout."""

import hashlib
import io
import json
import re
import threading
import zipfile
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deepanon.data.fdf.archives import BASE_URL, FDF, FDF256, LICENCES, chosen_archives, download_fdf
from deepanon.errors import DataError, OptionError


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return stream.getvalue()


FILES = {
    "metainfo": zipped({"metainfo/fdf_metainfo.json": b"{}", "metainfo/bounding_box/128.npy": b"boxes"}),
    "cc-by-2": zipped({"cc-by-2/128/0.png": b"zero", "cc-by-2/64/0.png": b"small"}),
    "cc-by-sa-2": zipped({"cc-by-sa-2/128/1.png": b"one"}),
}


@pytest.fixture
def server(tmp_path):
    """Serves FILES under the official paths; yields (address, paths asked for)."""
    root, asked = tmp_path / "served", []
    root.mkdir()
    for name, content in FILES.items():
        (root / FDF[name].path).write_bytes(content)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=root)

        def log_message(self, *_):
            asked.append(self.path)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/", asked
    http.shutdown()
    http.server_close()


def small(*names):
    return {name: replace(FDF[name], size=None) for name in names}


def test_the_catalogue_is_whole():
    for catalogue in (FDF, FDF256):
        assert catalogue.keys() == {"metainfo", *LICENCES}
        for archive in catalogue.values():
            assert re.fullmatch(
                r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{20}(-[0-9a-f]{4}){3}-[0-9a-f]{20}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                archive.path,
            )
    assert len({archive.path for catalogue in (FDF, FDF256) for archive in catalogue.values()}) == 10
    assert all(re.fullmatch(r"[0-9a-f]{32}", archive.md5) for archive in FDF256.values())
    assert sum(archive.size or 0 for archive in FDF.values()) == pytest.approx(54.8e9)
    assert BASE_URL.startswith("https://")


def test_what_is_chosen():
    assert list(chosen_archives(None, False, FDF)) == ["metainfo"]
    assert list(chosen_archives(None, True, FDF)) == ["metainfo", *LICENCES]
    assert list(chosen_archives(["cc-by-2"], True, FDF256)) == ["metainfo", "cc-by-2"]
    with pytest.raises(OptionError, match=r"unknown licences \['cc0'\]; choose from: cc-by-2"):
        chosen_archives(["cc0"], True, FDF)


def test_everything_lands_where_readers_look_for_it(server, tmp_path):
    url, asked = server
    seen = []
    out = tmp_path / "fdf"
    assert download_fdf("FDF", small(*FILES), out, url, watch=lambda *at: seen.append(at[0])) == list(FILES)
    found = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert json.loads(found.pop("fdf_download.json")) == {"data_set": "FDF", "unpacked": list(FILES)}
    assert found == {"fdf_metainfo.json": b"{}", "bounding_box/128.npy": b"boxes", "images/128/0.png": b"zero",
                     "images/64/0.png": b"small", "images/128/1.png": b"one"}  # fmt: skip
    assert {"fetching metainfo", "unpacking cc-by-2"} <= set(seen)
    asked.clear()
    assert download_fdf("FDF", small(*FILES), out, url) == []
    assert asked == []


def test_it_goes_on_after_the_metainfo(server, tmp_path):
    url, asked = server
    assert download_fdf("FDF", small("metainfo"), tmp_path / "fdf", url, keep_archives=True) == ["metainfo"]
    assert (tmp_path / "fdf" / "metainfo.zip").read_bytes() == FILES["metainfo"]
    assert download_fdf("FDF", small("metainfo", "cc-by-2"), tmp_path / "fdf", url) == ["cc-by-2"]
    assert len(asked) == 2


def test_a_wrong_sum_stops_before_anything_is_unpacked(server, tmp_path):
    url, _ = server
    right = hashlib.md5(FILES["metainfo"]).hexdigest()
    wrong = {"metainfo": replace(FDF["metainfo"], md5="0" * 32)}
    with pytest.raises(DataError, match=f"md5 {right}, expected 000"):
        download_fdf("FDF", wrong, tmp_path / "fdf", url)
    assert [path.name for path in (tmp_path / "fdf").iterdir()] == ["fdf_download.json"]
    download_fdf("FDF", {"metainfo": replace(FDF["metainfo"], md5=right)}, tmp_path / "fdf", url)


def test_a_folder_is_of_one_data_set(server, tmp_path):
    """Archives of both have the same names: what is done, what is begun and what was kept must not be mixed up."""
    url, asked = server
    both = {name: replace(archive, size=None, md5=None) for name, archive in FDF256.items()}
    download_fdf("FDF", small("metainfo"), tmp_path / "done", url, keep_archives=True)
    with pytest.raises(DataError, match=r"404"):
        download_fdf("FDF", small("cc-by-nc-2"), tmp_path / "begun", url)
    asked.clear()
    for folder in ("done", "begun"):
        before = {path: path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()}
        with pytest.raises(DataError, match=rf"{folder} holds FDF, .*; fetch FDF256 into a folder of its own"):
            download_fdf("FDF256", {"metainfo": both["metainfo"]}, tmp_path / folder, url)
        assert before == {path: path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()}
    assert asked == []
    assert download_fdf("FDF", small("metainfo", "cc-by-2"), tmp_path / "done", url) == ["cc-by-2"]
    with pytest.raises(OptionError, match="unknown data set 'FDF512'; choose one of: FDF, FDF256"):
        download_fdf("FDF512", small("metainfo"), tmp_path / "other", url)


def test_an_archive_that_is_not_there_is_named(server, tmp_path):
    url, _ = server
    with pytest.raises(DataError, match=f"{FDF['cc-by-nc-2'].path}: the server answers 404"):
        download_fdf("FDF", small("metainfo", "cc-by-nc-2"), tmp_path / "fdf", url)
    assert (tmp_path / "fdf" / "fdf_metainfo.json").is_file()  # what came before stays


def test_room_is_reckoned_before_the_first_request(server, tmp_path, monkeypatch):
    import shutil

    url, asked = server
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=60 * 10**9))
    with pytest.raises(DataError, match="about 78 GB needed and 60 GB free"):
        download_fdf("FDF", FDF, tmp_path / "not" / "yet" / "there", url)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=100 * 10**9))
    with pytest.raises(DataError, match="about 110 GB needed and 100 GB free"):
        download_fdf("FDF", FDF, tmp_path / "not" / "yet" / "there", url, keep_archives=True)
    assert not (tmp_path / "not").exists()
    assert asked == []


def test_a_damaged_note_of_what_is_done_is_named(tmp_path):
    for text in ("{", "[]", '{"unpacked": ["metainfo"]}', '{"data_set": "FDF", "unpacked": 3}'):
        (tmp_path / "fdf_download.json").write_text(text)
        with pytest.raises(DataError, match=r"fdf_download.json: not readable .*; delete it to begin again"):
            download_fdf("FDF", small("metainfo"), tmp_path, "http://127.0.0.1:9")
