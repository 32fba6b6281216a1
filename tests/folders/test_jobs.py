"""Which files are done, in what order, under which names, and by whom."""

import pytest

from deepanon.errors import OptionError
from deepanon.folders import Files, Shard
from deepanon.folders.jobs import journal_folder


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.PNG", "sub/film.MOV", "sub/old.avi", "sub/deep/x.gif", "notes.txt"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "in"


def names(plan):
    return [job.name for job in plan.jobs()]


def test_folders_are_walked_in_one_order(folder):
    plan = Files([folder])
    assert names(plan) == ["a.PNG", "b.jpg", "sub/film.MOV", "sub/old.avi.mp4", "sub/deep/x.gif"]
    assert plan.total == 5
    assert [path.name for path in plan.left_out()] == ["notes.txt"]
    assert names(plan) == names(Files([folder]))


def test_shards_share_everything_and_nothing_twice(folder):
    whole, parts = names(Files([folder])), [Files([folder], shard=Shard(i, 3)) for i in (1, 2, 3)]
    assert sorted(name for part in parts for name in names(part)) == sorted(whole)
    assert sum(part.total for part in parts) == 5
    assert [len(list(part.left_out())) for part in parts] == [1, 0, 0]
    (folder / "0.jpg").write_bytes(b"x")  # a new file moves no other
    assert all(set(names(part)) <= set(names(Files([folder], shard=part.shard))) for part in parts)


def test_shards_are_about_equal():
    counts = [sum(Shard(i, 4).holds(f"photo {n}.jpg") for n in range(4000)) for i in (1, 2, 3, 4)]
    assert sum(counts) == 4000
    assert min(counts) > 900


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(OptionError, match="no shard"):
        Shard.parse(text)
    assert str(Shard.parse("2/3")) == "2-of-3"


def test_two_files_with_one_name_are_refused(folder, tmp_path):
    (folder / "sub" / "old.avi.mp4").write_bytes(b"x")
    with pytest.raises(OptionError, match=r"would both become sub/old\.avi\.mp4"):
        Files([folder])
    other = tmp_path / "other" / "in"
    other.mkdir(parents=True)
    with pytest.raises(OptionError, match="would both become in"):
        Files([folder, other])


def test_an_output_inside_the_input_is_not_done_again(folder):
    output = folder / "out"
    output.mkdir()
    (output / "a.PNG").write_bytes(b"x")
    with pytest.raises(OptionError, match=r"already holds a\.PNG"):
        Files([folder], output)
    journal = journal_folder(output)
    journal.mkdir()  # it is ours
    (journal / "1-of-1.sqlite").write_bytes(b"x")
    plan = Files([folder], output)
    assert plan.total == 5
    assert [path.name for path in plan.left_out()] == ["notes.txt"]


def test_the_input_as_output_is_refused(folder):
    with pytest.raises(OptionError, match="same folder"):
        Files([folder], folder / "sub" / "..")


def test_nothing_to_do_is_an_error(tmp_path):
    with pytest.raises(OptionError, match="no pictures"):
        Files([tmp_path])
    with pytest.raises(OptionError, match="no such file"):
        Files([tmp_path / "nothing"])
