"""Which faces a report of an audit shows, and which never."""

import base64
import json

import pytest

from deepanon.audit.report import write_report
from deepanon.audit.report.rebuilt import ORIGINALS_OUT, PHOTOS_OUT, add_faces
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.report import Pictures


@pytest.fixture
def images(page_of):
    """Function: text of a page -> contents of its pictures."""
    return lambda text: {base64.b64decode(image["src"].split(",")[1]) for image in page_of(text).all("img")}


def test_no_photograph_is_shown_unless_it_is_allowed(small, pictures, tmp_path, page_of, images):
    kept = pictures(real=True)
    text = write_report(small, tmp_path / "report", kept).read_text()
    assert not images(text)
    assert PHOTOS_OUT in page_of(text).text
    assert "4 pictures" not in text
    assert "8 pictures are not shown" in text
    allowed = write_report(small, tmp_path / "allowed", kept, photos_allowed=True).read_text()
    assert len(images(allowed)) == 8
    assert PHOTOS_OUT not in page_of(allowed).text


def test_without_originals_nothing_rebuilt_from_a_photograph_is_shown(small, pictures, tmp_path, page_of, images):
    kept = pictures(real=True)
    text = write_report(small, tmp_path / "r", kept, originals=False, photos_allowed=True).read_text()
    listed = json.loads((kept / "index.json").read_text())
    assert images(text) == {
        (kept / p["file"]).read_bytes() for p in listed if (p["method"], p["reason"]) == ("gan", "anonymized")
    }
    assert ORIGINALS_OUT in page_of(text).text


def test_drawn_faces_are_shown_and_without_originals_the_others_stay(small, pictures, tmp_path, images):
    kept = pictures(real=False)
    assert len(images(write_report(small, tmp_path / "a", kept).read_text())) == 8
    assert len(images(write_report(small, tmp_path / "b", kept, originals=False).read_text())) == 6


@pytest.mark.parametrize("mark", [None, 0, "false", "absent"])
def test_what_is_not_marked_counts_as_a_photograph(small, pictures, tmp_path, mark, images):
    kept = pictures(real=False)
    listed = json.loads((kept / "index.json").read_text())
    for entry in listed:
        entry.pop("real") if mark == "absent" else entry.update(real=mark)
    (kept / "index.json").write_text(json.dumps(listed))
    assert not images(write_report(small, tmp_path / "report", kept).read_text())


def test_photographs_do_not_come_to_lie_in_a_report_without_photos(small, pictures):
    kept = pictures(real=True)
    for folder in (kept, kept.parent):
        with pytest.raises(OptionError, match="lists photographs and lies in"):
            write_report(small, folder, kept)
    assert not (kept / "index.html").exists()
    write_report(small, kept.parent, kept, photos_allowed=True)


def test_a_damaged_picture_is_named_and_nothing_is_written(small, pictures, tmp_path):
    kept = pictures(real=False)
    next(kept.glob("gan*.jpg")).write_bytes(b"no picture")
    with pytest.raises(DataError, match="gan"):
        write_report(small, tmp_path / "report", kept)
    assert not (tmp_path / "report").exists()


def test_an_attack_cannot_pass_as_the_original(tmp_path):
    with pytest.raises(OptionError, match="an attack is called original"):
        add_faces(
            Pictures(tmp_path),
            set="a",
            method="b",
            face="0",
            original=None,
            anonymized=None,
            rebuilt={"original": None},
        )
