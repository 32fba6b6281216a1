import json
import logging
import tracemalloc

import numpy as np
import pytest

from deepanon.data.fdf import json_stream
from deepanon.data.fdf.meta import OptOut, kept_faces, licence_report, read_metainfo
from deepanon.errors import DataError


def entry(author="ann", kind="by", photo=7, **more):
    return {
        "author": author,
        "license": "Attribution License",
        "license_url": f"http://creativecommons.org/licenses/{kind}/2.0/",
        "photo_url": f"http://www.flickr.com/photos/1@N02/{photo}/",
    } | more


def write(path, table):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
    return path


def test_entries_are_read_with_what_is_needed(tmp_path):
    table = {
        "5": entry("Åse", "by-nc-sa", 12, user_nsid="9@N00", title='quote " brace } comma ,'),
        "0": {"license": "No known copyright restrictions"},
        "1": {},
    }
    first, second, third = read_metainfo(write(tmp_path / "m.json", table))
    assert (first.number, first.licence, first.photo) == (5, "cc-by-nc-sa-2", "12")
    assert first.authors == ("Åse", "9@N00", "1@N02")
    assert (second.number, second.licence, second.authors, second.photo) == (
        0,
        "No known copyright restrictions",
        (),
        "",
    )
    assert third.licence == "unknown"


@pytest.mark.parametrize("chunk", [1, 7, 64, 10_000])
def test_pieces_of_any_length_give_the_same(tmp_path, monkeypatch, chunk):
    table = {str(i): entry(f"naïve {i}", deep={"list": [1, [2, {"}": "{"}]]}) for i in range(20)}
    path = write(tmp_path / "m.json", table)
    path.write_text(json.dumps(table, indent=2))
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    assert dict(json_stream.object_entries(path)) == table


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not hold a JSON object"),
        ("[1]", "does not hold a JSON object"),
        ('{"0": {"author": "a"', "malformed or cut off near character 1"),
        ('{"0": {}, "1" {}}', "malformed or cut off near character 8"),
        ('{"0": {}', "malformed or cut off"),
        ('{"a": {}}', "entry 'a' is not a face"),
        ('{"0": 3}', "entry '0' is not a face"),
    ],
)
def test_malformed_metainfo(tmp_path, text, message):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(DataError, match=message):
        list(read_metainfo(tmp_path / "m.json"))


def test_metainfo_that_is_no_text(tmp_path):
    (tmp_path / "m.json").write_bytes(b'{"0": {"author": "\xff\xfe"}}')
    with pytest.raises(DataError, match="not UTF-8"):
        list(read_metainfo(tmp_path / "m.json"))


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "CHUNK", 2**14)
    path = write(tmp_path / "m.json", {str(i): entry(landmark=[[0.123456789, 0.5]] * 7) for i in range(8000)})
    assert path.stat().st_size > 2_000_000
    tracemalloc.start()
    numbers = sum(1 for _ in read_metainfo(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert numbers == 8000
    assert peak < 400_000


def test_licence_report(tmp_path):
    write(
        tmp_path / "fdf_metainfo.json", {"0": entry(), "1": entry("bob", "by-nc"), "2": entry("ann", "by-nc"), "3": {}}
    )
    report = licence_report(tmp_path)
    assert report.licences == {"cc-by-nc-2": 2, "cc-by-2": 1, "unknown": 1}
    assert report.authors == {"ann": 2, "bob": 1, "unknown": 1}
    assert str(report).splitlines()[0].split() == ["2", "50.0%", "cc-by-nc-2"]
    assert str(report).splitlines()[-1].split()[:2] == ["4", "faces"]


def test_licence_report_over_both_splits(tmp_path):
    for split, n in (("train", 3), ("val", 2)):
        write(tmp_path / split / "fdf_metainfo.json", {str(i): entry() for i in range(n)})
    assert licence_report(tmp_path).faces == 5
    with pytest.raises(DataError, match=r"fdf_metainfo.json does not exist"):
        licence_report(tmp_path / "nowhere")


@pytest.mark.parametrize("line", ["Ann Lee", "12345", "photo: Ann", "face: x", "author:", "name: ann", "face: -1"])
def test_lines_that_are_not_understood(tmp_path, line):
    (tmp_path / "out.txt").write_text(f"# ok\nface: 3\n{line}\n")
    with pytest.raises(DataError, match=r"out.txt:3: .* is not understood; write 'author: NAME'"):
        OptOut(tmp_path / "out.txt")


def test_opt_out_file_must_exist(tmp_path):
    with pytest.raises(DataError, match="does not exist; opt_out must be a file"):
        OptOut(tmp_path / "out.txt")


def test_entries_that_mean_nobody_are_said(tmp_path, caplog):
    path = write(tmp_path / "m.json", {"0": entry(), "1": entry("bob")})
    (tmp_path / "out.txt").write_text("author: bob\nauthor: nobdoy\nphoto: 999\n")
    with caplog.at_level(logging.WARNING):
        kept = kept_faces(path, np.array([0, 1, 2]), None, tmp_path / "out.txt")
    assert kept.tolist() == [True, False, False]
    assert "is meant by author: nobdoy, photo: 999" in caplog.text
    assert "bob," not in caplog.text
