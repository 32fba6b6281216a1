import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from deepanon.audit.measures import METRICS, RANK_1, Excess, Worst, draws, measure
from deepanon.audit.report import read_result, write_report
from deepanon.audit.report.lookup import Lookup
from deepanon.audit.report.matrix import matrix, percent
from deepanon.audit.report.plots import BOTTOM, LEFT, RIGHT, TOP, Line, det_plot, rank_plot
from deepanon.audit.result import AuditResult, Control
from deepanon.audit.scores import Scores
from deepanon.audit.verdict import judge


def test_the_strongest_attack_and_its_limit_are_those_that_were_computed(result):
    lookup = Lookup(result, METRICS)
    found = lookup.strongest("heavy_blur")
    values = [v for v in result.values if (v.method, v.metric) == ("heavy_blur", "audit_rank_1")]
    best = max(values, key=lambda v: v.value)
    assert (found.attack, found.eye, found.rank_1) == (best.scope, best.by, best.value)
    assert found.upper == next(
        v.high for v in result.values if (v.method, v.metric) == ("heavy_blur", "audit_worst_rank_1")
    )


def test_a_worst_case_of_all_is_given_the_attack_that_does_best(small):
    values = tuple(replace(v, by="all", scope="all") if v.metric == "audit_worst_rank_1" else v for v in small.values)
    lookup = Lookup(replace(small, values=values), METRICS)
    assert (lookup.strongest("gan").attack, lookup.strongest("gan").eye) == ("parrot head", "sface")
    assert math.isfinite(lookup.strongest("gan").upper)


def test_the_context_is_what_is_left_of_the_difference(result):
    assert Lookup(result, METRICS).context("heavy_blur") == pytest.approx(0.19)


def test_the_context_can_be_a_method(small):
    plain = [v for v in small.values if v.metric != "audit_over_context_rank_1"]
    as_method = [replace(v, method="context", value=0.25) for v in plain if v.metric == "audit_rank_1"]
    assert Lookup(replace(small, values=(*plain, *as_method)), METRICS).context("gan") == 0.25
    assert math.isnan(Lookup(replace(small, values=tuple(plain)), METRICS).context("gan"))


@pytest.mark.parametrize(
    ("knows", "naive"),
    [("nothing", True), ("nothing, 8 releases of a photo", True), ("the method", False), ("", False)],
)
def test_naive_is_who_knows_nothing(small, knows, naive):
    known = replace(small, attacks=small.attacks | {"naive": {"knows": knows}})
    assert Lookup(known, METRICS).naive("naive") is naive


def test_what_the_measures_give_is_shown(tmp_path):
    """The numbers of real scores, as an audit puts them together."""
    rng, people = np.random.default_rng(0), np.arange(40)
    counts, measured = draws(40, 50, 0), {}
    for attack, signal in (("naive", 0.0), ("parrot head", 4.0)):
        matrix = rng.normal(size=(80, 40)).astype(np.float32)
        matrix[np.arange(80), np.repeat(people, 2)] += signal
        measured[attack, "sface"] = measure(Scores(matrix, np.repeat(people, 2), people), counts)
    worst, blind = Worst.of(measured, RANK_1), dict.fromkeys(measured, measured["naive", "sface"])
    values = [v for (attack, eye), one in measured.items() for v in one.values("drawn", eye, "blur", attack)]
    values += [worst.reported("drawn", "blur"), Excess(worst, Worst.of(blind, RANK_1)).reported("drawn", "blur")]
    result = AuditResult(
        {}, "smoke", {"chance": 1 / 40}, {"sface": ""}, {"naive": {"knows": "nothing"}, "parrot head": {}},
        {"blur": {}}, (Control("no-op", "", "", True),), tuple(values), {"blur": judge(measured, uses_face=True)},
        {"blur": {attack: {eye: one.curves} for (attack, eye), one in measured.items()}},
    )  # fmt: skip
    lookup = Lookup(read_result(write_report(result, tmp_path).parent), METRICS)
    strongest = lookup.strongest("blur")
    assert (strongest.attack, strongest.eye) == ("parrot head", "sface")
    assert strongest.upper == pytest.approx(worst.upper())
    naive = measured["naive", "sface"].statistics[RANK_1].values[0]
    assert lookup.context("blur") == pytest.approx(naive)
    text = (tmp_path / "index.html").read_text()
    assert "points" in text  # what lies over the context is a difference
    assert text.count('class="line first"') == text.count('class="line naive"') == 4  # a line and its legend, twice


def test_each_place_of_the_matrix_is_the_best_recogniser(result):
    lookup = Lookup(result, METRICS)
    made = matrix(lookup)
    assert made.naive == ("naive", "reverse", "blind restorer", "side channel")
    assert [line.method for line in made.lines] == lookup.worst_first
    for line in made.lines:
        cells = dict(zip((*made.naive, *made.adapted), line.cells, strict=True))
        assert cells["blind restorer"].text == "not run"
        assert sum(cell.state == "worst" for cell in line.cells) == 1
        for attack in ("naive", "parrot full"):
            best = max(
                v.value for v in result.values
                if (v.method, v.metric, v.scope) == (line.method, "audit_rank_1", attack)
            )  # fmt: skip
            assert cells[attack].text == percent(best)
        heats = sorted(line.cells, key=lambda cell: cell.heat)
        assert heats[-1].state == "worst" or heats[-1].text == line.adapted.text


def test_heat_grows_with_the_number(result):
    cells = [cell for line in matrix(Lookup(result, METRICS)).lines for cell in line.cells if cell.state != "lacking"]
    shares = sorted((float(cell.text), cell.heat) for cell in cells)
    assert all(a[1] <= b[1] + 0.01 for a, b in pairwise(shares))
    assert all(0 <= cell.heat <= 1 for cell in cells)


@pytest.mark.parametrize(
    ("share", "text"), [(0.883, "88"), (0.042, "4.2"), (0.0999, "10"), (1.0, "100"), (math.nan, "–")]
)
def test_percent(share, text):
    assert percent(share) == text


def points(svg, kind):
    path = next(part for part in svg.split("<path") if f'class="line {kind}"' in part)
    return [tuple(map(float, pair.split())) for pair in path.split('d="M')[1].split('"')[0].split("L")]


def test_the_ranks_lie_on_a_logarithmic_axis():
    svg = rank_plot([Line("a", "10 %", [(1, 0.1), (10, 0.5), (100, 1.0)], "first")], "a plot")
    (x0, y0), (x1, y1), (x2, y2) = points(svg, "first")
    assert (x0, x1 - x0, x2) == (LEFT, pytest.approx(x2 - x1, abs=0.02), RIGHT)
    assert (y2, (BOTTOM - y1) / (BOTTOM - TOP)) == (TOP, pytest.approx(0.5))
    assert (BOTTOM - y0) / (BOTTOM - TOP) == pytest.approx(0.1)


def test_gaussian_scores_are_a_straight_line_in_a_det_plot():
    rates = [
        (0.5 * math.erfc(t / 2**0.5), 1 - 0.5 * math.erfc((t - 2) / 2**0.5)) for t in (x / 10 for x in range(-4, 25))
    ]
    places = points(det_plot([Line("a", "", rates, "first")], "a plot"), "first")
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(places)]
    assert len(slopes) > 5
    assert slopes == pytest.approx([(BOTTOM - TOP) / (RIGHT - LEFT)] * len(slopes), abs=0.01)


def test_the_crowd_has_one_row_in_the_legend():
    lines = [Line(f"attack {at}", "", [(1, 0.1), (9, 0.9)], "first" if at == 0 else "other") for at in range(5)]
    svg = rank_plot(lines, "a plot")
    assert "attack 0" in svg
    assert "attack 1" not in svg
    assert "4 other attacks" in svg


def test_names_are_escaped_in_plots():
    assert "<b>" not in rank_plot([Line("<b>", "", [(1, 0.1), (9, 0.9)], "first")], "<b>")
