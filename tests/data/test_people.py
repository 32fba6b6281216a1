import shutil
import tarfile

import numpy as np
import pytest
from PIL import Image

from deepanon.data.pairs import make_pairs, read_pairs
from deepanon.data.people import read_people
from deepanon.errors import DataError, ImageError, OptionError

PEOPLE = {"Ann_Lee": 3, "Bo": 1, "Cy_Du": 4, "Di": 2, "Ed": 2, "Flo": 5}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people") / "lfw"
    for number, (name, count) in enumerate(PEOPLE.items()):
        (folder / name).mkdir(parents=True)
        for i in range(1, count + 1):
            Image.new("RGB", (8, 6), (40 * number, 10 * i, 5)).save(folder / name / f"{name}_{i:04d}.png")
    (folder / "Ann_Lee" / "._Ann_Lee_0001.png").write_bytes(b"what macOS leaves")
    (folder / "Ann_Lee" / "notes.txt").write_text("no picture")
    (folder / "pairs.txt").write_text("1\t1\n")
    return folder


@pytest.fixture(scope="module")
def archive(root):
    with tarfile.open(root.parent / "people.tar", "w") as tar:
        tar.add(root, "lfw")
    return root.parent / "people.tar"


def test_folders_and_archives_are_read_alike(root, archive):
    photos = read_people(root)
    assert [photo.name for photo in photos] == [f"{n}/{n}_{i + 1:04d}.png" for n, c in PEOPLE.items() for i in range(c)]
    assert [photo.person for photo in photos] == [name for name, count in PEOPLE.items() for _ in range(count)]
    assert photos[0].boxes.shape == (0, 4)
    packed = read_people(archive)
    assert [(p.name, p.person) for p in packed] == [(p.name, p.person) for p in photos]
    for ours, theirs in zip(photos, packed, strict=True):
        assert (ours.read() == theirs.read()).all()
    assert photos[4].read()[0, 0].tolist() == [80, 10, 5]


def test_limit_counts_people_who_have_enough_photos(root):
    assert {photo.person for photo in read_people(root, limit=2)} == {"Ann_Lee", "Bo"}
    assert {photo.person for photo in read_people(root, limit=2, least=3)} == {"Ann_Lee", "Cy_Du"}
    for options in ({"limit": 0}, {"least": 0}):
        with pytest.raises(OptionError):
            read_people(root, **options)


def test_what_cannot_be_people(root, archive, tmp_path):
    with pytest.raises(DataError, match="neither a folder nor a tar"):
        read_people(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no pictures; expected folders of people, such as .*Name_0001\.jpg"):
        read_people(tmp_path / "empty")
    shutil.copytree(root / "Di", tmp_path / "one" / "Di")
    with pytest.raises(DataError, match=r"1 person with 1 or more photos \(of 1\); recognising needs two"):
        read_people(tmp_path / "one")
    with pytest.raises(DataError, match=r"0 people with 9 or more photos \(of 6\)"):
        read_people(root, least=9)
    with tarfile.open(tmp_path / "people.tar.gz", "w:gz") as tar:
        tar.add(root, "lfw")
    with pytest.raises(DataError, match="not an uncompressed tar file"):
        read_people(tmp_path / "people.tar.gz")
    with tarfile.open(tmp_path / "twice.tar", "w") as tar:
        tar.add(root, "a")
        tar.add(root, "b")
    with pytest.raises(DataError, match="more than once"):
        read_people(tmp_path / "twice.tar")


def test_a_damaged_photo_in_an_archive_is_named(archive, tmp_path):
    photo = read_people(archive)[0]
    broken = tmp_path / "broken.tar"
    blob = bytearray(archive.read_bytes())
    blob[photo.start : photo.start + 20] = bytes(20)
    broken.write_bytes(blob)
    with pytest.raises(ImageError, match=r"broken\.tar/lfw/Ann_Lee/Ann_Lee_0001\.png: not a readable picture"):
        read_people(broken)[0].read()


def test_an_archive_cannot_point_outside(root, tmp_path):
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        tar.add(root, "lfw")
        link = tarfile.TarInfo("lfw/Zoe/Zoe_0001.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert "Zoe" not in {photo.person for photo in read_people(tmp_path / "bad.tar")}


PAIRS = """2\t2
Ann_Lee\t1\t3
Flo\t2\t5
Ann_Lee\t1\tBo\t1
Ed\t2\tFlo\t4
Cy_Du\t4\t1
Di\t1\t2
Cy_Du\t2\tDi\t2
Bo\t1\tCy_Du\t3

"""


def pairs_of(root, tmp_path, text):
    (tmp_path / "pairs.txt").write_text(text)
    return read_pairs(tmp_path / "pairs.txt", read_people(root))


def test_the_list_of_lfw(root, tmp_path):
    photos, pairs = read_people(root), pairs_of(root, tmp_path, PAIRS)
    named = [(photos[a].name[:-9], photos[b].name[-8:-4]) for a, b in zip(pairs.first, pairs.second, strict=True)]
    assert named[3] == ("Ed/Ed", "0004")
    assert photos[pairs.first[4]].name == "Cy_Du/Cy_Du_0004.png"
    assert photos[pairs.second[4]].name == "Cy_Du/Cy_Du_0001.png"
    assert pairs.same.tolist() == [True, True, False, False] * 2
    assert pairs.fold.tolist() == [0] * 4 + [1] * 4
    assert pairs.folds == 2


def test_the_list_of_view_1_has_one_fold(root, tmp_path):
    pairs = pairs_of(root, tmp_path, "1\nAnn_Lee\t1\t3\nEd\t2\tFlo\t4\n")
    assert (pairs.folds, pairs.same.tolist()) == (1, [True, False])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "txt:1: expected the number of folds"),
        ("ten\n", "txt:1: expected the number of folds"),
        ("2\t0\n", "txt:1: expected the number of folds"),
        (PAIRS.replace("Bo\t1\tCy_Du\t3", ""), r"2 times 2 \+ 2 pairs are 8 lines, not 7"),
        (PAIRS.replace("Di\t1\t2", "Di\t1\t7"), "txt:7: there is no photo Di/Di_0007"),
        (PAIRS.replace("Di\t1\t2", "Di\t1\tx"), "txt:7: expected 'name i j'"),
        (PAIRS.replace("Di\t1\t2", "Di 1"), "txt:7: expected 'name i j'"),
        (PAIRS.replace("Flo\t2\t5\nAnn_Lee\t1\tBo\t1", "Ann_Lee\t1\tBo\t1\nFlo\t2\t5"), "txt:3: a fold lists 2"),
    ],
)
def test_lists_that_are_wrong(root, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        pairs_of(root, tmp_path, text)


def test_a_missing_list_is_an_error(root, tmp_path):
    with pytest.raises(DataError, match="no such list of pairs"):
        read_pairs(tmp_path / "nothing.txt", read_people(root))


def test_pairs_are_made_fairly(root):
    photos = read_people(root)
    person = np.array([photo.person for photo in photos])
    pairs = make_pairs(photos, folds=3, per_fold=3, seed=4)
    assert (person[pairs.first] == person[pairs.second]).tolist() == pairs.same.tolist()
    for fold in range(3):
        here = pairs.only(pairs.fold == fold)
        assert here.same.sum() == (~here.same).sum() > 0
        people = {*person[here.first], *person[here.second]}
        rest = pairs.only(pairs.fold != fold)
        assert not people & {*person[rest.first], *person[rest.second]}
    unordered = {frozenset(pair) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert len(unordered) == len(pairs)
    assert all(len(pair) == 2 for pair in unordered)


def test_pairs_are_decided_by_the_seed(root):
    def listed(seed):
        pairs = make_pairs(read_people(root), folds=2, per_fold=4, seed=seed)
        return pairs.first.tolist(), pairs.second.tolist()

    assert listed(1) == listed(1) != listed(2)


def test_everybody_gets_a_pair_before_anybody_gets_two(root):
    photos = read_people(root)
    person = np.array([photo.person for photo in photos])
    pairs = make_pairs(photos, folds=2, per_fold=2, seed=0)
    of_one = person[pairs.first[pairs.same]]
    assert len(set(of_one)) == len(of_one) == 4


def test_too_few_people_for_the_folds(root):
    photos = read_people(root)
    with pytest.raises(DataError, match=r"10 folds need 10 people with two photos or more .* there are 5 and 6"):
        make_pairs(photos)
    with pytest.raises(OptionError):
        make_pairs(photos, folds=1)
