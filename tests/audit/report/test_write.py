import json
import math
import re
from dataclasses import replace

import pytest

from deepanon.audit.measures import METRICS
from deepanon.audit.report import read_result, terminal_summary, write_report
from deepanon.audit.result import VERDICTS, Control
from deepanon.errors import OptionError

FAILED = Control("shuffled labels", "chance for every trained attack", "22 %", False)


@pytest.fixture(scope="module")
def page(result, page_of, tmp_path_factory):
    """The page of the whole made-up audit, without pictures."""
    return page_of(write_report(result, tmp_path_factory.mktemp("report")).read_text())


def test_a_report_is_three_files_and_the_audit_is_the_same(small, tmp_path):
    index = write_report(small, tmp_path / "report")
    assert index == tmp_path / "report" / "index.html"
    assert {path.name for path in index.parent.iterdir()} == {"index.html", "table.md", "audit.json"}
    assert read_result(index.parent).verdicts == small.verdicts


def test_the_page_needs_nothing_from_elsewhere(page):
    assert not page.all("script")
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), tag
    assert "default-src 'none'" in page.all("meta")[2]["content"]


def test_the_page_can_be_read_by_everybody(page):
    assert page.all("html")[0]["lang"] == "en"
    assert all(svg.get("aria-label") or svg.get("aria-hidden") for svg in page.all("svg"))
    assert all(head["scope"] for head in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 20
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(names)) == len(names)
    assert {attributes["href"][1:] for attributes in page.all("a")} <= set(names)


def test_the_first_screen_says_which_method_fails_and_by_which_attack(page, result):
    text = page.parts["verdicts"]
    assert "Of 10 methods 5 fail, 2 pass, 2 are inconclusive, 1 is cosmetic." in text
    blur = " ".join(text.split("heavy_blur")[1].split("pixelate8")[0].split())
    assert re.match(r"FAIL FAIL yes linear reconstruction × sface 95\.\d ≤ 97\.\d 19\.0 1$", blur)
    order = [text.rindex(f"\n{name}\n") for name in ("block permutation", "blackout", "cloak", "gan")]
    assert order == sorted(order)  # what fails comes first
    assert "Chance 0.7 %" in text


def test_a_tar_above_rank_1_stands_beside_it(small, tmp_path):
    """A method may fail by verification alone."""
    told = write_report(small, tmp_path / "a").read_text()
    assert "<small>TAR @ FAR 0.1 %, worst attack" not in told
    values = tuple(
        replace(v, value=0.6, high=0.7, by="sface", scope="parrot head") if v.metric == "audit_worst_tar_1e-3" else v
        for v in small.values
    )
    told = write_report(replace(small, values=values), tmp_path / "b").read_text()
    assert "<small>TAR @ FAR 0.1 %, worst attack: 60.0\N{NARROW NO-BREAK SPACE}% by parrot head × sface</small>" in told


def test_naive_and_adapted_attackers_stand_apart(page):
    matrix = page.parts["matrix"]
    assert "know nothing" in matrix
    assert "know the method" in matrix
    line = next(row for row in matrix.split("\n") if row.startswith("heavy_blur"))
    assert re.match(r"heavy_blur5\.\d95", line)  # knows nothing, knows the method
    assert "not run" in line


def test_no_verdict_of_a_void_audit_is_shown(small, tmp_path, page_of):
    for controls in ((*small.controls, FAILED), ()):
        void = replace(small, controls=controls)
        folder = write_report(void, tmp_path).parent
        page = page_of((folder / "index.html").read_text())
        words = page.text.replace(page.parts["terms"], "")  # where the words are explained
        assert words.index("This audit is void") < words.rindex("Can anybody get the face back?")  # above everything
        assert "nothing on this page counts" in words
        for text in (words, (folder / "table.md").read_text(), terminal_summary(void)):
            assert not any(re.search(rf"\b{verdict}\b", text) for verdict in VERDICTS)
            assert "VOID" in text
        assert json.loads((folder / "audit.json").read_text())["void"] is True
    assert "No control was made" in words


def test_attacks_that_were_not_run_say_why_and_have_no_number(page, result, tmp_path):
    text = page.parts["methods"]
    assert text.count("no weights of a restorer: name a file with --restorer") == len(result.methods)
    assert (
        "blind restorer was not run against gan: no weights"
        in (write_report(result, tmp_path).parent / "table.md").read_text()
    )
    assert not any(value.scope == "blind restorer" for value in result.values)


def test_what_is_given_is_never_markup(result, tmp_path, page_of):
    name = "<script>alert(1)</script>\"'"
    attack = next(iter(result.curves["gan"]))
    odd = replace(
        result,
        methods={name: result.methods["gan"] | {"side": {"<b>": "<i>"}, "not_run": {"<u>": "<s>"}}},
        verdicts={name: replace(result.verdicts["gan"], why=("<em>",))},
        values=tuple(replace(v, method=name, note="<q>") for v in result.values if v.method == "gan"),
        curves={name: {attack: result.curves["gan"][attack]}},
        controls=(Control("<a>", "<p>", "<h1>", True),),
        notes=("<nobody>",),
    )
    text = write_report(odd, tmp_path).read_text()
    page = page_of(text)
    assert not page.all("script")
    assert len(page.all("h1")) == 1
    assert not {"b>", "nobody", "em", "q", "u", "s"} & {tag for tag, _ in page.tags}
    assert "<nobody>" in page.text
    assert name in page.text


def test_all_numbers_that_are_there_are_shown_whatever_they_are_called(small, tmp_path):
    more = METRICS | {"audit_new": replace(METRICS["audit_eer"], label="something new")}
    extra = replace(small.values[0], metric="audit_new", value=0.4321, low=math.nan, high=math.nan)
    text = write_report(replace(small, values=(*small.values, extra)), tmp_path, metrics=more).read_text()
    assert "something new" in text
    assert "43.2" in text


def test_an_unknown_metric_is_refused_before_anything_is_written(small, tmp_path):
    with pytest.raises(OptionError, match="unknown metric 'audit_beauty'"):
        write_report(replace(small, values=(replace(small.values[0], metric="audit_beauty"),)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_terminal_shows_a_row_a_method(result):
    lines = terminal_summary(result).splitlines()
    blur = next(line for line in lines if line.startswith("heavy_blur"))
    assert re.split(r"\s{2,}", blur)[:6] == ["heavy_blur", "FAIL", "FAIL", "yes", "linear reconstruction", "sface"]
    assert blur.endswith("blind restorer")
    assert sum(line.startswith(tuple(result.methods)) for line in lines) == len(result.methods)


def test_without_a_limit_none_is_shown(small, tmp_path):
    """The highest of several points has no interval of its own."""
    bare = replace(small, values=tuple(v for v in small.values if not v.metric.startswith("audit_worst")))
    assert "no limit" in write_report(bare, tmp_path).read_text()
    best = max(v.value for v in bare.values if v.metric == "audit_rank_1")
    row = next(line for line in terminal_summary(bare).splitlines() if line.startswith("gan"))
    assert re.split(r"\s{2,}", row)[6:8] == [f"{100 * best:.1f}", "–"]


def test_an_audit_of_nothing_still_stands(small, tmp_path, page_of):
    empty = replace(small, methods={}, verdicts={}, values=(), curves={}, attacks={}, facts={}, recognisers={})
    assert "No method was audited" in page_of(write_report(empty, tmp_path).read_text()).text
