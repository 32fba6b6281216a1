import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import deepanon.evaluation.report
from deepanon.errors import DataError
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.values import Value

SCHEMA = json.loads((Path(deepanon.evaluation.report.__file__).parent / "results.schema.json").read_text())


def one(**changes):
    return Value(
        **{"part": "detection", "data": "wild", "by": "yunet", "method": "gan", "metric": "ap", "value": 0.5} | changes
    )


def test_what_is_written_fits_the_schema_and_is_read_back_the_same(sample, tmp_path):
    path = sample.write(tmp_path)
    stored = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(stored, SCHEMA)
    for where in (path, tmp_path):
        assert Results.read(where).plain() == stored
    assert path.read_text().count('\n  {"part"') == len(sample.values)  # one a line, for readable differences


def test_the_schema_refuses_what_is_no_result(sample):
    stored = sample.plain()
    for broken in (
        stored | {"schema": 2},
        stored | {"values": [{"part": "detection"}]},
        stored | {"values": [one().plain() | {"value": None}]},
        stored | {"methods": {"gan": {"colour": "red"}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[]", "no `schema`"),
        ('{"schema": 7}', "schema version 7, this deepanon reads version 1"),
        ('{"schema": 1, "values": []}', "missing or unknown: methods, notes, provenance, sets"),
        ('{"schema":1,"provenance":{},"sets":[],"methods":{},"notes":[],"values":[]}', "`sets` is no mapping"),
        ('{"schema":1,"provenance":{},"sets":{},"methods":{},"notes":[3],"values":[]}', "`notes`"),
        ('{"schema":1,"provenance":{},"sets":{},"methods":{},"notes":[],"values":[{"part":"x"}]}', "not a value"),
        ('{"schema":1,"provenance":{},"sets":{},"methods":{"a":{"b":1}},"notes":[],"values":[]}', "method 'a'"),
        ('{"schema":1,"provenance":{},"sets":{"a":3},"methods":{},"notes":[],"values":[]}', "set 'a'"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, text, says):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(DataError, match=says) as error:
        Results.read(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.json: cannot be read"):
        Results.read(tmp_path / "nothing.json")


def test_one_number_stands_once():
    with pytest.raises(DataError, match=r"two numbers for detection / wild / yunet / gan / ap / all: 0\.5 and 0\.6"):
        Results([one(), one(value=0.6)])
    with pytest.raises(DataError, match="twice"):
        Results([one(), one()])


def test_runs_become_one(tmp_path):
    first = Results([one()], {"command": "a"}, {"wild": {"faces": 3}}, {"none": {}, "gan": {"label": "gan"}}, ["same"])
    second = Results([one(data="masks"), one()], {"command": "b"}, {"masks": {}}, {"gan": {"label": "gan"}}, ["same"])
    both = Results.merge([first, second])
    assert [value.data for value in both.values] == ["wild", "masks"]  # the number that both have stands once
    assert both.runs == [{"command": "a"}, {"command": "b"}]
    assert list(both.methods) == ["none", "gan"]
    assert both.notes == ["same"]
    assert Results.read(both.write(tmp_path)).runs == both.runs
    assert Results.merge([both, first]).runs == both.runs  # a run that is there already is not added
    assert Results.merge([first]) is first


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"values": [one(value=0.51)]}, "two numbers for"),
        ({"sets": {"wild": {"faces": 4}}}, "set 'wild' differs between the runs in: faces"),
        ({"methods": {"gan": {"label": "ours"}}}, "method 'gan' differs between the runs in: label"),
    ],
)
def test_runs_that_contradict_each_other_are_not_merged(change, says):
    first = Results([one()], {}, {"wild": {"faces": 3}}, {"gan": {"label": "gan"}})
    with pytest.raises(DataError, match=says):
        Results.merge([first, replace(first, **change)])


def test_nothing_to_merge():
    with pytest.raises(DataError, match="no results"):
        Results.merge([])


def test_missing_numbers_of_two_runs_are_the_same_number():
    gone = one(value=math.nan, note="no face")
    assert len(Results.merge([Results([gone]), Results([gone, one(method="none")])]).values) == 2
