"""The command audit: what it refuses before any work, what it writes, and how it ends."""

import json

import pytest

from deepanon.audit import smoke
from deepanon.cli import main


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["audit", *map(str, arguments)])
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "name a folder of people"),
        (("people", "--profile", "smoke"), "draws its own people"),
        (("people", "--profile", "fast"), "profile"),
        (("--profile", "smoke", "--gate", "both"), "verdict"),
        (("--profile", "smoke", "--recogniser", "facenet"), "trains its own recognisers"),
        (("people", "--recogniser", "facenet"), "two recognisers"),
        (("--profile", "smoke", "--method", "blurr"), "blurr"),
        (("--profile", "smoke", "--method", "face=gan,plate=solid"), "rules by label"),
        (("--profile", "smoke", "--delta", "2"), "delta"),
        (("--profile", "smoke", "--resamples", "10"), "100 or more"),
        (("--profile", "smoke", "--backbone", "facenet"), "needs nothing else"),
        (("people", "--restorer", "GFPGAN.pth"), "no such file"),
        (("people", "-o", "people/report"), "whose folders are people"),
        (("--profile", "smoke", "--far", "0.3"), "far"),
        (("nowhere", "--recogniser", "facenet:colour=red", "--recogniser", "facenet"), "nowhere|colour"),
    ],
)
def test_what_cannot_be_is_said_before_the_work(arguments, why, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(smoke, "PEOPLE", 40)
    assert run(*arguments) == 2
    import re

    assert re.search(why, capsys.readouterr().err)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A small run with a gate: exit code and folder."""
    folder = tmp_path_factory.mktemp("audit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoke, "PEOPLE", 110)  # with fewer, chance alone can void it
        patch.setattr(smoke, "TEACHERS", 60)
        code = run("--profile", "smoke", "--method", "gaussian", "-o", folder, "--gate", "--resamples", 100)
    return code, folder


def test_a_gate_stops_at_a_blur(reported):
    code, folder = reported
    assert code == 1
    assert {path.name for path in folder.iterdir()} >= {"audit.json", "index.html", "table.md"}


def test_the_file_holds_verdict_controls_and_numbers(reported):
    stored = json.loads((reported[1] / "audit.json").read_text())
    assert stored["verdicts"]["gaussian"]["picture"] == "FAIL"
    assert stored["void"] is False
    assert len(stored["controls"]) == 7
    assert stored["facts"]["data"]["real"] is False


def test_drawn_faces_are_shown_as_they_were_and_as_they_are_rebuilt(reported):
    page = (reported[1] / "index.html").read_text()
    assert "linear reconstruction" in page
    assert "data:image" in page
