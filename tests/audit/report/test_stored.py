import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import deepanon.audit.report
from deepanon.audit.report import read_result, write_result
from deepanon.audit.report.stored import plain
from deepanon.audit.result import Control
from deepanon.errors import DataError, SaveError

SCHEMA = json.loads((Path(deepanon.audit.report.__file__).parent / "audit.schema.json").read_text())


def damaged(result, tmp_path, change):
    """The path of a file in which `change` altered what was written."""
    path = write_result(result, tmp_path)
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    return path


def test_what_is_written_fits_the_schema_and_is_read_back_the_same(result, tmp_path):
    path = write_result(result, tmp_path)
    stored = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(stored, SCHEMA)
    for where in (path, tmp_path):
        assert plain(read_result(where)) == stored
    again = read_result(path)
    assert (again.verdicts, again.controls, again.notes) == (result.verdicts, result.controls, result.notes)
    assert [v.plain() for v in again.values] == [v.plain() for v in result.values]
    assert not again.void
    assert path.read_text().count('\n  {"part"') == len(result.values)  # one a line, for readable differences


def test_numbers_that_are_none_become_null_and_back(small, tmp_path):
    curves = {"gan": {"naive": {"sface": {"cmc": np.array([0.1, math.nan]), "det": [(0.1, math.inf)]}}}}
    odd = replace(small, curves=curves, facts={"chance": math.nan, "n": np.int64(3), "yes": np.bool_(True)})
    text = write_result(odd, tmp_path).read_text()
    assert "NaN" not in text
    again = read_result(tmp_path)
    assert again.facts == {"chance": None, "n": 3, "yes": True}
    assert again.curves["gan"]["naive"]["sface"] == {"cmc": [0.1, None], "det": [[0.1, None]]}
    gone = next(v for v in again.values if v.metric == "audit_tar_deployed_1e-3" and v.scope == "parrot head")
    assert math.isnan(gone.value)
    assert gone.note


def test_folders_of_this_machine_stay_here(small, tmp_path):
    about = {"/home/jo/secret/gen.safetensors": {"description": "from /home/jo/secret", "not_run": {}, "side": {}}}
    text = write_result(replace(small, methods=about, verdicts={}, notes=("see /home/jo/a.txt",)), tmp_path).read_text()
    assert "/home" not in text
    assert '"gen.safetensors"' in text


def test_methods_that_differ_in_their_folder_alone_are_refused(small, tmp_path):
    about = {f"/{folder}/gen.safetensors": {"description": ""} for folder in "ab"}
    with pytest.raises(DataError, match="two methods have the same name without their folders"):
        write_result(replace(small, methods=about), tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_could_not_be_read_back_is_not_written(small, tmp_path):
    with pytest.raises(DataError, match="`passed` of a control is no yes or no"):
        write_result(replace(small, controls=(Control("a", "b", "c", "maybe"),)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="cannot be written"):
        write_result(small, tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "damaged"),
        ("[" * 100_000, "damaged"),
        ("[]", "no `schema`"),
        ('{"schema": 7}', "schema version 7, this deepanon reads version 1"),
        ('{"schema": 1, "values": []}', "missing or unknown in the file: attacks, controls"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_name(tmp_path, text, says):
    path = tmp_path / "audit.json"
    path.write_text(text)
    with pytest.raises(DataError, match=says) as error:
        read_result(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda s: s.update(controls=3), "`controls` of the file is no list"),
        (lambda s: s.update(void=True), "`void` is True and the controls say otherwise"),
        (lambda s: s["controls"][0].update(passed="yes"), "`passed` of a control is no yes or no"),
        (lambda s: s["controls"][0].pop("must"), "missing or unknown in a control: must"),
        (lambda s: s["verdicts"]["gan"].update(face="GOOD"), "'gan' is 'GOOD'; one of: PASS, FAIL"),
        (lambda s: s["verdicts"].update(other=s["verdicts"]["gan"]), "'other', which is no method"),
        (lambda s: s["methods"].update(gan=[]), "method 'gan' is no mapping"),
        (lambda s: s["methods"]["gan"].update(not_run={"naive": 3}), "`not_run` of 'gan' hold what is no text"),
        (lambda s: s["attacks"]["naive"].update(knows=1), "`knows` of attack 'naive' is no text"),
        (lambda s: s["curves"].update(gan=[]), "the curves of 'gan' are not attack -> recogniser"),
        (lambda s: s["curves"]["gan"]["naive"]["sface"].update(det=[[1]]), "det of 'gan' is not a list of pairs"),
        (lambda s: s["curves"]["gan"]["naive"]["sface"].update(cmc=["a"]), "hold what is no number"),
        (lambda s: s["curves"]["gan"]["naive"]["sface"].update(cmc=3), "are no lists"),
        (lambda s: s["values"].append({"part": "x"}), "not a value of a report"),
        (lambda s: s["notes"].append(3), "notes hold what is no text"),
    ],
)
def test_a_damaged_file_is_refused_by_name(small, tmp_path, change, says):
    path = damaged(small, tmp_path, change)
    with pytest.raises(DataError, match=says) as error:
        read_result(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("change", [{"schema": 2}, {"values": [{"part": "audit"}]}, {"controls": [{"name": "a"}]}])
def test_the_schema_refuses_what_is_no_audit(small, change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(small) | change, SCHEMA)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing\.json: cannot be read"):
        read_result(tmp_path / "nothing.json")
