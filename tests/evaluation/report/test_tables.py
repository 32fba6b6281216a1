import math
import re
from dataclasses import replace

import pytest

from deepanon.errors import OptionError
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.report.bins import bin_tables
from deepanon.evaluation.report.latex import escape as tex
from deepanon.evaluation.report.latex import latex
from deepanon.evaluation.report.lookup import Lookup, bin_of
from deepanon.evaluation.report.markdown import escape, markdown
from deepanon.evaluation.report.results import Results
from deepanon.evaluation.report.table import trimmed
from deepanon.evaluation.report.tables import PAPER, PAPER_AP, UNVERIFIED, main_tables, other_tables
from deepanon.evaluation.values import Value


@pytest.fixture(scope="module")
def lookup(sample, metrics):
    return Lookup(sample, metrics)


def at(table, method, column, group=0):
    row = next(row for row in table.groups[group].rows if row.method == method)
    return row.cells[[column.key for column in table.columns].index(column)]


def value(**changes):
    usual = {"part": "detection", "data": "wild", "by": "yunet", "method": "gan", "metric": "ap", "value": 0.5}
    return Value(**usual | changes)


def test_an_unknown_metric_is_named(sample):
    with pytest.raises(OptionError, match=r"unknown metric 'beauty' \(detection, wild, gan\)"):
        Lookup(Results([value(metric="beauty")]))


def test_one_table_for_each_set_and_scorer(lookup):
    titles = [table.title for table in main_tables(lookup, "detection")]
    assert titles[:3] == ["wild · yunet", "wild · mtcnn", "street and portrait photos, hand-made boxes · yunet"]
    assert len(titles) == 6
    assert [table.title for table in main_tables(lookup, "identity")] == [
        "identities · reid0095",
        "identities · mobilefacenet_y1",
    ]


def test_columns_of_detection_and_the_numbers_in_them(lookup, sample):
    table = main_tables(lookup, "detection")[0]
    assert [column.key for column in table.columns] == ["coverage", "ap", "retention", PAPER, "difference"]
    truth = next(
        v for v in sample.values if (v.data, v.by, v.method, v.metric) == ("wild", "yunet", "gan", "retention")
    )
    cell = at(table, "gan", "retention")
    assert cell.text == f"{100 * truth.value:.1f}"
    assert cell.interval == f"[{100 * truth.low:.1f}, {100 * truth.high:.1f}]"
    assert cell.seeds.startswith("2 seeds: ")
    assert at(table, "gan", PAPER).text == "99.3"
    assert at(table, "pixelate8_crop", PAPER).text == "96.7"
    assert at(table, "mosaic", PAPER).text == ""
    assert at(table, "gan", "difference").text == ""  # of itself there is none


def test_unverified_numbers_carry_a_star_and_a_note(lookup):
    table = main_tables(lookup, "detection")[4]
    assert [group.label for group in table.groups] == ["easy", "medium", "hard", "mean of subsets"]
    assert at(table, "gan", PAPER_AP, group=2).text == "89.8*"
    column = next(column for column in table.columns if column.key == PAPER_AP)  # all say the same: said once
    assert table.notes[int(table.mark(column)) - 1] == UNVERIFIED
    assert at(table, "gan", PAPER, group=2).text == at(table, "gan", PAPER_AP, group=3).text == ""
    assert at(table, "gan", PAPER, group=3).text == "99.3"  # what is retained is printed once, not by subset


def test_a_missing_number_says_why_below_the_table(lookup):
    table = main_tables(lookup, "identity")[0]
    assert at(table, "gan", "lfw_tar_1e-3").text == "–"
    column = next(column for column in table.columns if column.key == "lfw_tar_1e-3")
    assert "too few" in table.notes[int(table.mark(column)) - 1]


def test_notes_that_differ_from_row_to_row_do_not_bury_the_table(lookup):
    (table,) = main_tables(lookup, "utility")
    assert table.notes == ()
    assert len({v.note for v in lookup.of("utility", "wild", "yunet") if v.metric == "detected"}) > 5


def test_ways_of_counting_are_groups_and_further_ones_have_tables_of_their_own(lookup):
    table = main_tables(lookup, "identity")[0]
    assert [group.label for group in table.groups] == ["oracle", "own, miss"]
    assert at(table, "gan", "failure_rate").text == ""  # there is none with the original's keypoints …
    assert at(table, "gan", "failure_rate", group=1).text != ""
    others = [t for t in other_tables(lookup, "identity") if t.by == table.by]
    assert [[group.label for group in t.groups] for t in others] == [["oracle", "own, miss"], ["own, skip"]]
    assert at(others[1], "gan", "match_rate_1e-3").text


def test_an_ap_of_everything_is_not_an_ap_of_a_subset(metrics):
    given = [value(), value(scope="easy", method="none"), value(scope="hard", method="none")]
    (table,) = main_tables(Lookup(Results(given), metrics), "detection")
    assert [(group.label, [row.method for row in group.rows]) for group in table.groups] == [
        ("all", ["gan"]), ("easy", ["none"]), ("hard", ["none"]),
    ]  # fmt: skip


def test_what_is_secondary_has_tables_of_its_own(lookup):
    first = other_tables(lookup, "identity")[0]
    assert [column.key for column in first.columns] == ["rank_50"]
    assert "rank_50" not in [column.key for column in main_tables(lookup, "identity")[0].columns]


def test_seeds_without_a_number_are_not_in_the_range(metrics):
    given = [value(seeds=(0.4, float("nan"), 0.5))]
    (table,) = main_tables(Lookup(Results(given), metrics), "detection")
    assert table.groups[0].rows[0].cells[0].seeds == "3 seeds: 40.0 to 50.0"


def test_empty_columns_are_trimmed(lookup):
    table = main_tables(lookup, "identity")[0]
    first = trimmed(replace(table, groups=table.groups[:1]))
    assert {c.key for c in table.columns} - {c.key for c in first.columns} == {"failure_rate"}
    assert len({len(row.cells) for group in first.groups for row in group.rows} | {len(first.columns)}) == 1


def test_references_come_first_and_controls_last(lookup):
    kinds = [row.kind for row in main_tables(lookup, "identity")[0].groups[0].rows]
    assert kinds[:2] == ["reference", "reference"]
    assert kinds[-2:] == ["control", "control"]
    assert set(kinds[2:-2]) == {""}


def test_shared_numbers_are_found_whoever_measured_them(metrics):
    given = [value(), value(by="mtcnn"), value(by="", metric="coverage", value=0.9), value(method="none", metric="ap")]
    tables = main_tables(Lookup(Results(given), metrics), "detection")
    assert [table.title for table in tables] == ["wild · yunet", "wild · mtcnn"]  # pixels are no detector
    assert all(at(table, "gan", "coverage").text == "90.0" for table in tables)


def test_bins_have_tables_of_their_own(lookup):
    (main,) = main_tables(lookup, "utility")
    assert not any(bin_of(group.label) for group in main.groups)
    found = {table.title: table for table in bin_tables(lookup, "utility")}
    table = found["NME by size · wild · yunet"]
    assert [column.label for column in table.columns] == ["0-32 px", "32-64 px", "64-128 px", "128+ px"]
    cell = at(table, "blackout", "0-32 px")
    assert (cell.text, table.mark(cell)) == ("–", "1")


def test_names_of_bins():
    assert bin_of("size 0-32 px") == ("size", "0-32 px")
    assert bin_of("pose: atypical") == ("pose", "atypical")
    assert [bin_of(scope) for scope in ("all", "size", "own skip", "easy")] == [None] * 4


def test_markdown_has_as_many_cells_in_every_line(lookup):
    text = markdown({"Detection": main_tables(lookup, "detection")}, "Intro.", ["A | note"])
    blocks = re.findall(r"(?:^\|.*\n)+", text, flags=re.M)
    assert len(blocks) == 6
    for block in blocks:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1
    assert text.startswith("Intro.\n\n## Detection\n")
    assert text.endswith("- A \\| note\n")
    assert "| gan | 99.6 | " in text


def test_markdown_and_latex_leave_no_sign_with_a_meaning():
    odd = "a_b|c*d <e> 5% $x$ #1 {y} \\z & [k]"
    assert escape(odd) == r"a\_b\|c\*d \<e\> 5% $x$ \#1 \{y\} \\z & \[k\]"
    assert tex("a_b & 5 % − ×{}") == r"a\_b \& 5 \% $-$ $\times$\{\}"
    assert tex("\\^~") == r"\textbackslash{}\textasciicircum{}\textasciitilde{}"


def test_latex_is_well_formed(lookup):
    text = latex({part: main_tables(lookup, part) for part in ("detection", "identity", "quality", "utility")})
    assert text.isascii()
    opened = re.findall(r"\\begin\{(\w+)\}", text)
    closed = re.findall(r"\\end\{(\w+)\}", text)
    assert sorted(opened) == sorted(closed)
    assert opened.count("tabular") == 10
    for body in re.findall(r"\\begin\{tabular\}\{(lr*)\}(.*?)\\end\{tabular\}", text, flags=re.S):
        for line in body[1].splitlines():
            if line.endswith(r"\\") and not line.startswith(r"\multicolumn"):
                assert len(re.findall(r"(?<!\\)&", line)) == len(body[0]) - 1, line
    assert text.count("\\toprule") == text.count("\\bottomrule") == 10
    braces = re.sub(r"\\[{}]", "", text)
    assert braces.count("{") == braces.count("}")
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(set(labels)) == len(labels)


def test_numbers_without_interval_have_no_brackets(metrics):
    table = main_tables(Lookup(Results([value(), value(method="none", low=math.nan)]), metrics), "detection")[0]
    assert at(table, "gan", "ap").interval == ""


def test_parts_without_values_have_no_table():
    assert main_tables(Lookup(Results([]), {"ap": Metric("AP", "share", "high", "A.")}), "quality") == []


def test_the_paper_stands_beside_what_it_measured_and_nothing_else(metrics):
    scopes = ("AP50", "AP", "small", "medium", "large")
    given = [value(scope=scope, metric=metric) for scope in scopes for metric in ("ap", "retention")]
    lookup = Lookup(Results(given), metrics)
    (table,) = main_tables(lookup, "detection")
    assert [group.label for group in table.groups] == list(scopes)
    assert [column.key for column in table.columns] == ["ap", "retention", PAPER]  # COCO's "medium" is not WIDER's
    assert [at(table, "gan", PAPER, group).text for group in range(5)] == ["99.3", "", "", "", ""]
    assert lookup.headline("detection", "wild", "yunet") == "AP50"


def test_what_is_above_the_context_has_a_sign(metrics):
    over = {"rank_1_over_context": Metric("rank-1 over context", "share", "low", "More.")}
    given = [value(part="identity", metric="rank_1_over_context", value=0.03, scope="oracle")]
    (table,) = main_tables(Lookup(Results(given), metrics | over), "identity")
    assert table.columns[0].unit == "points"
    assert table.groups[0].rows[0].cells[0].text == "+3.0"
