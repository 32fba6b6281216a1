import base64
import json
import re

import numpy as np
import pytest

from deepanon.cli import main
from deepanon.errors import DataError, OptionError, SaveError
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.report import Pictures, Results, write_report
from deepanon.evaluation.report.lookup import Lookup
from deepanon.evaluation.report.summary import key_figures, sentences
from deepanon.evaluation.values import Value


def value(**changes):
    usual = {"part": "detection", "data": "wild", "by": "yunet", "method": "gan", "metric": "ap", "value": 0.5}
    return Value(**usual | changes)


@pytest.fixture
def pictures(tmp_path):
    """A folder with two photographs and two drawings."""
    rng, made = np.random.default_rng(0), Pictures(tmp_path / "pictures")
    for method, kind, real in (
        ("gan", "grid", True),
        ("gan", "worst", True),
        ("gan", "grid", False),
        ("noise", "worst", False),
    ):
        pixels = rng.integers(0, 256, (16, 34, 3), dtype=np.uint8)
        name = f"{'Jane_Doe' if real else 'drawing'}_{method}.jpg"
        made.add(
            pixels,
            set="wild" if real else "drawn",
            method=method,
            photo=name,
            kind=kind,
            reason="as <it> is",
            real=real,
        )
    return tmp_path / "pictures"


@pytest.fixture
def read(page_of):
    """Function: folder of a report -> what its page is made of."""
    return lambda folder: page_of((folder / "index.html").read_text())


def test_a_report_is_four_files_and_the_results_are_the_same(sample, metrics, pictures, tmp_path):
    index = write_report(sample, tmp_path / "report", pictures, metrics=metrics)
    assert index == tmp_path / "report" / "index.html"
    names = {path.name for path in index.parent.iterdir()}
    assert names == {"index.html", "table.md", "table.tex", "results.json"}
    assert Results.read(index.parent).plain() == sample.plain()


def test_the_page_needs_nothing_from_elsewhere(sample, metrics, pictures, tmp_path, read):
    page = read(write_report(sample, tmp_path / "report", pictures, metrics=metrics).parent)
    assert not page.all("script")
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), tag
    assert "@import" not in page.text
    assert "url(" not in page.text
    assert "default-src 'none'" in page.all("meta")[2]["content"]


def test_the_page_can_be_read_by_everybody(sample, metrics, pictures, tmp_path, read):
    page = read(write_report(sample, tmp_path / "report", pictures, metrics=metrics).parent)
    assert page.all("html")[0]["lang"] == "en"
    assert all(image["alt"] and image["width"] and image["height"] for image in page.all("img"))
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.all("svg"))
    assert all(head["scope"] for head in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 10
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(names)) == len(names)
    targets = [attributes["href"][1:] for attributes in page.all("a")]
    assert set(targets) <= set(names)


def test_what_is_given_is_never_markup(sample, metrics, pictures, tmp_path):
    text = write_report(sample, tmp_path / "report", pictures, metrics=metrics).read_text()
    assert "<none>" not in text
    assert "&lt;none&gt; is shown" in text
    assert "as &lt;it&gt; is" in text


def test_every_picture_is_in_the_page(sample, metrics, pictures, tmp_path, read):
    page = read(write_report(sample, tmp_path / "report", pictures, metrics=metrics).parent)
    shown = {base64.b64decode(image["src"].split(",")[1]) for image in page.all("img")}
    assert shown == {path.read_bytes() for path in pictures.glob("*.jpg")}
    assert "left out" not in page.text.split("Limits and notes")[0].split("Before and after")[-1]


def test_no_photograph_is_in_a_report_without_photos(sample, metrics, pictures, tmp_path, page_of):
    text = write_report(sample, tmp_path / "report", pictures, no_photos=True, metrics=metrics).read_text()
    page = page_of(text)
    drawn = {p["file"] for p in json.loads((pictures / "index.json").read_text()) if p["real"] is False}
    shown = {base64.b64decode(image["src"].split(",")[1]) for image in page.all("img")}
    assert shown == {(pictures / name).read_bytes() for name in drawn}
    assert "Jane_Doe" not in text  # nor what they are called: names of files can be names of people
    assert page.text.count("Photographs are left out of this report.") == 2
    assert "without photographs" in page.text


def test_photographs_do_not_come_to_lie_in_a_report_without_photos(sample, metrics, pictures):
    for folder in (pictures, pictures.parent):
        with pytest.raises(OptionError, match="lists photographs and lies in"):
            write_report(sample, folder, pictures, no_photos=True, metrics=metrics)
    assert not (pictures / "index.html").exists()


def test_a_damaged_picture_is_named_and_nothing_is_written(sample, metrics, pictures, tmp_path):
    broken = next(pictures.glob("*.jpg"))
    broken.write_bytes(b"no picture")
    with pytest.raises(DataError, match=broken.name):
        write_report(sample, tmp_path / "report", pictures, metrics=metrics)
    assert not (tmp_path / "report").exists()


def test_an_unknown_metric_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(OptionError, match="unknown metric 'beauty'"):
        write_report(Results([value(metric="beauty")]), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(SaveError, match="report cannot be written"):
        write_report(Results([value()]), tmp_path / "report")


@pytest.mark.parametrize("results", [Results([]), Results([value(value=float("nan"), note="no face at all")])])
def test_a_report_of_nothing_still_stands(results, tmp_path, read):
    page = read(write_report(results, tmp_path).parent)
    assert re.search("No(ne| method)", page.text.split("In short")[1])


def test_the_summary_tells_the_least_flattering_numbers(sample, metrics):
    lookup = Lookup(sample, metrics)
    text = " ".join(sentences(lookup))
    kept = [v.value for v in sample.values if (v.method, v.metric) == ("gan", "retention")]
    found = [v.value for v in sample.values if (v.method, v.metric) == ("gan", "rank_1")]
    assert f"between {100 * min(kept):.1f}\N{NARROW NO-BREAK SPACE}%" in text
    assert f"tells who it was on {100 * max(found):.1f}\N{NARROW NO-BREAK SPACE}%" in text
    assert "With every face box grey" in text
    assert "the other methods keep from" in text
    assert "left 0.4\N{NARROW NO-BREAK SPACE}% of the faces of wild unchanged" in text
    figures = key_figures(lookup)
    assert [figure.what for figure in figures][:3] == ["AP retained", "re-identified", "re-identified without any face"]
    assert figures[0].number.startswith(f"{100 * min(kept):.1f}")


def test_the_command_merges_runs(tmp_path, capsys):
    for name in ("wild", "masks"):
        Results([value(data=name), value(data=name, method="none")], {"command": name}, {name: {}}).write(
            tmp_path / name
        )
    with pytest.raises(SystemExit) as ended:
        main(["report", str(tmp_path / "wild"), str(tmp_path / "masks/results.json"), "-o", str(tmp_path / "both")])
    assert ended.value.code == 0
    assert "4 numbers of 2 sets" in capsys.readouterr().out
    assert list(Results.read(tmp_path / "both").sets) == ["wild", "masks"]


def test_the_command_says_in_one_line_what_is_wrong(tmp_path, capsys):
    Results([value()]).write(tmp_path / "a")
    Results([value(value=0.7)]).write(tmp_path / "b")
    with pytest.raises(SystemExit) as ended:
        main(["report", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(tmp_path / "both"), "--no-photos"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("deepanon: two numbers for detection / wild / yunet / gan / ap")
    assert not (tmp_path / "both").exists()


def test_the_standing_metrics_are_known():
    assert {"ap", "retention", "coverage"} <= set(METRICS)
