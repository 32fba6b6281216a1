import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from deepanon.evaluation.report import privacy
from deepanon.evaluation.report.provenance import collect, git_revision, package_versions
from deepanon.evaluation.report.results import Results


def git(folder, *words):
    subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True
    )


def test_what_made_the_numbers_is_said(tmp_path):
    weights = tmp_path / "net.onnx"
    weights.write_bytes(b"weights")
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    facts = collect(
        started=started, weights={"net": weights}, data={"wild": "ab" * 32}, seeds=[0, 1],
        command=["evaluate.py", "data.root=/srv/photos of us/wild", "seed=0"],
    )  # fmt: skip
    assert facts["weights"] == {"net": hashlib.sha256(b"weights").hexdigest()}
    assert facts["started"] == "2026-01-02T01:04:05Z"
    assert datetime.fromisoformat(facts["finished"]) <= datetime.now(UTC)
    assert facts["command"] == "evaluate.py data.root=wild seed=0"
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["threads"] >= 1
    json.dumps(facts)


def test_packages_that_are_not_there_are_left_out():
    assert set(package_versions(["numpy", "no-such-package-of-anybody"])) == {"numpy"}


def test_nobody_is_named(tmp_path, monkeypatch):
    home = tmp_path / "home" / "jane doe"
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "net.pt").write_bytes(b"1")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("platform.node", lambda: "janes-laptop")
    facts = collect(
        weights={"net": home / "weights/net.pt"}, command=[f"{home}/x.py", f"data.root={home}/wild", f"a=[{home}/b,c]"]
    )
    results = Results([], facts, {"wild": {"root": f"{home}/wild", "notes": [f"from {home}/wild, see ~/notes.txt"]}})
    text = json.dumps(results.plain())
    assert "jane" not in text
    assert str(tmp_path) not in text
    assert facts["command"] == "x.py data.root=wild a=[b,c]"
    assert results.plain()["sets"]["wild"]["notes"] == ["from wild, see notes.txt"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/home/jo/photos/a.jpg is dark", "a.jpg is dark"),
        (r"C:\Users\jo\wild", "wild"),
        ("no such file: '/mnt/photos of jo/a b.jpg'", "no such file: 'a b.jpg'"),
        ('"~/jo doe/a.jpg" is no picture', '"a.jpg" is no picture'),
        ("it's 1 / 2 of jo's", "it's 1 / 2 of jo's"),
        ("file:///home/jo/a.jpg is dark", "a.jpg is dark"),
        ("root=/data/jo/wild, seed 1", "root=wild, seed 1"),
        ("AP / retention, 1/2, km/h, he/she", "AP / retention, 1/2, km/h, he/she"),
        ("https://example.org/jo/weights.pt", "https://example.org/jo/weights.pt"),
        ("8×8 and/or [0, 1]", "8×8 and/or [0, 1]"),
    ],
)
def test_paths_become_names_and_other_text_stays(text, cleaned):
    assert privacy.without_paths({"a": [text]}) == {"a": [cleaned]}


def test_the_revision_of_a_checkout(tmp_path):
    assert git_revision(tmp_path) is None
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "a")
    known = git_revision(tmp_path)
    assert known is not None
    assert len(known["revision"]) == 40
    assert known["changed"] is False
    (tmp_path / "a").write_text("2")
    assert git_revision(tmp_path) == known | {"changed": True}
    (tmp_path / "package").mkdir()
    assert git_revision(tmp_path / "package") is None  # inside somebody else's checkout
