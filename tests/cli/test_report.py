"""`deepanon report` on what a run left."""

import pytest

from deepanon.cli import main
from deepanon.evaluation import Value
from deepanon.evaluation.report import Results


def report(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["report", *map(str, arguments)])
    return end.value.code


def stored(folder, data, value=0.5):
    Results([Value("detection", data, "eye", "gan", "retention", "AP50", value)], sets={data: {}}).write(folder)
    return folder


def test_several_runs_become_one_report(tmp_path, capsys):
    runs = [stored(tmp_path / name / "report", name) for name in ("wild", "masks")]
    assert report(*runs, "-o", tmp_path / "both") == 0
    assert "2 numbers of 2 sets" in capsys.readouterr().out
    assert {v.data for v in Results.read(tmp_path / "both").values} == {"wild", "masks"}
    assert "masks" in (tmp_path / "both" / "index.html").read_text()


def test_what_contradicts_itself_is_not_written(tmp_path, capsys):
    runs = [stored(tmp_path / str(value), "wild", value) for value in (0.5, 0.6)]
    assert report(*runs, "-o", tmp_path / "both") != 0
    assert "two numbers for detection / wild" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_a_folder_without_results_is_an_error(tmp_path, capsys):
    assert report(tmp_path, "-o", tmp_path / "out") != 0
    assert "results.json: cannot be read" in capsys.readouterr().err
