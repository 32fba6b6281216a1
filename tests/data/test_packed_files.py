"""What the files of a set are called: writer, reader and the one who clears up agree."""

import pytest

from deepanon.data.packed_files import is_packed_name, read_meta, stored_schema
from deepanon.data.synthetic import write_packed_crops
from deepanon.detections import COCO7, FIVE
from deepanon.errors import DataError, SchemaError
from deepanon.files import replacing


def test_everything_that_is_written_is_known_by_its_name(tmp_path):
    for split in ("train", "val"):
        write_packed_crops(tmp_path, split, 2, seed=0, resolution=16)
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 5
    for name in names:
        with replacing(tmp_path / name) as half:
            half.write_bytes((tmp_path / name).read_bytes())
            assert is_packed_name(half.name), half.name
        assert is_packed_name(name), name
    assert is_packed_name("train-1000.tar")


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "test.npz", "train.npz.bak", "train-1.tar", "train-000.tar.gz", "mytrain-000.tar", "old-meta.json",
     "meta.json5", ".notes.0123abcd.part.json", ".train.0123abcd.part.txt", ".train.part.npz", "train-000.tar~"],
)  # fmt: skip
def test_other_names_are_not_ours(name):
    assert not is_packed_name(name)


def test_the_schema_of_a_set(tmp_path):
    assert read_meta(tmp_path) == {}
    assert stored_schema(tmp_path) == FIVE
    (tmp_path / "meta.json").write_text('{"format": 1, "schema": "coco7"}')
    assert stored_schema(tmp_path) == COCO7
    assert read_meta(tmp_path)["made_with"] == {}
    (tmp_path / "meta.json").write_text('{"format": 1, "schema": "eleven"}')
    with pytest.raises(SchemaError, match="eleven"):
        stored_schema(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not a description of packed crops"), ("[]", "not a description"), ('{"format": 1}', "not a .*schema"),
     ('{"schema": "five"}', "not a .*format"), ('{"format": 2, "schema": "five"}', "format 2 is not known")],
)  # fmt: skip
def test_descriptions_that_are_none(tmp_path, text, message):
    (tmp_path / "meta.json").write_text(text)
    with pytest.raises(DataError, match=rf"meta.json: {message}"):
        read_meta(tmp_path)
