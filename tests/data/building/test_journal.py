import subprocess
import sys

import numpy as np
import pytest

from deepanon.data.building.journal import Examined, Journal
from deepanon.data.packed_writer import StoredCrop
from deepanon.errors import DataError


def photo(name, sha="aa", stamp=(10, 20), **others):
    box, points = np.array([0.1, 0.2, 0.3, 0.7], np.float32), np.full((5, 2), 1 / 3, np.float32)
    crop = StoredCrop(b"jpeg of " + name.encode(), box, points, "", "", 0.97, 200, sha, 1)
    return Examined(name, stamp, sha, 2, [crop], {"too small": 1}, **others)


def test_what_is_entered_comes_back_after_reopening(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.settings = {"a": [1, {"b": 2}]}
    journal.add(photo("one"))
    journal.close()
    journal = Journal(tmp_path / "j")
    assert journal.settings == {"a": [1, {"b": 2}]}
    (found,) = journal.photos()
    (crop,) = journal.crops("one")
    assert (found.name, found.stamp, found.sha256, found.faces, found.dropped) == (
        "one", (10, 20), "aa", 2, {"too small": 1})  # fmt: skip
    assert vars(crop) | {"box": 0, "keypoints": 0} == vars(photo("one").crops[0]) | {"box": 0, "keypoints": 0}
    np.testing.assert_array_equal(crop.box, photo("one").crops[0].box)  # to the last bit
    np.testing.assert_array_equal(crop.keypoints, photo("one").crops[0].keypoints)


def test_photos_come_by_content_and_identical_ones_once(tmp_path):
    journal = Journal(tmp_path / "j")
    for name, sha in (("d", "bb"), ("c", "cc"), ("b", "bb"), ("a", "dd")):
        journal.add(photo(name, sha))
    assert [found.name for found in journal.photos()] == ["b", "c", "a"]


def test_only_what_is_still_true_is_kept(tmp_path):
    journal = Journal(tmp_path / "j")
    for name in ("same", "changed", "gone"):
        journal.add(photo(name))
    journal.add(photo("failed", error="unreadable"))
    assert journal.failed() == {"failed": "unreadable"}
    stamps = {"same": (10, 20), "changed": (10, 21), "failed": (10, 20), "new": (1, 1)}
    assert journal.keep_only(stamps) == {"same"}
    assert list(journal.crops("same"))
    assert not list(journal.crops("changed"))
    journal.add(photo("changed", stamp=(10, 21)))


def test_a_photo_that_cannot_be_entered_whole_is_not_entered(tmp_path):
    journal = Journal(tmp_path / "j")
    journal.base.execute("PRAGMA max_page_count = 12")  # what a full disk does
    big = photo("big")
    big.crops[0] = StoredCrop(**vars(big.crops[0]) | {"jpeg": bytes(200_000)})
    with pytest.raises(DataError, match="full"):
        journal.add(big)
    assert list(journal.photos()) == []
    assert list(journal.crops("big")) == []


def test_two_builds_cannot_share_a_journal(tmp_path):
    journal = Journal(tmp_path / "j")
    code = "import sys, pathlib; from deepanon.data.building.journal import Journal as J; J(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "j")], capture_output=True, text=True, check=False
    )
    assert "another build is at work there" in done.stderr
    journal.close()


def test_another_file_is_no_journal(tmp_path):
    (tmp_path / "j").write_bytes(b"something else entirely" * 100)
    with pytest.raises(DataError, match="not a database"):
        Journal(tmp_path / "j")
