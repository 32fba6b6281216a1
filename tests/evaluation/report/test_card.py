import pytest

from deepanon.evaluation.newfaces import Cost
from deepanon.evaluation.report import Results, card_table
from deepanon.evaluation.report.card import figures
from deepanon.evaluation.values import Value

GOOD = {
    ("yunet", "found_again", "all"): (0.98, 0.97, 0.99),
    ("reid", "z_spread", "all"): (0.6, 0.55, 0.65),
    ("reid", "drawn_match", "all"): (0.004, 0.001, 0.008),
    ("reid", "drawn_match_over_stranger", "all"): (0.002, -0.001, 0.005),
    ("reid", "nearest", "all"): (0.5, 0.49, 0.51),
    ("reid", "nearest_over_stranger", "all"): (-0.001, -0.003, 0.001),
    ("onet", "fd", "face"): (0.3, 0.2, 0.4),
}


def value(by, metric, scope, number, method="gan"):
    nan = float("nan")
    middle, low, high = number if isinstance(number, tuple) else (number, nan, nan)
    note = "nobody looked" if middle != middle else ""
    return Value("quality", "crops", by, method, metric, scope, middle, low, high, note=note)


def results(**changes):
    changed = {key: changes.get(key[1], number) for key, number in GOOD.items()}
    values = [value(*key, number) for key, number in changed.items()]
    values += [
        value("onet", "fd", "face", d, m) for m, d in (("pixelate8", 2.0), ("heavy_blur", 1.2), ("blackout", 9.0))
    ]
    return Results([*values, value("onet", "fd_half", "face", 0.04, "none"), value("onet", "fd", "crop", 5.0)])


def enough(found):
    return {figure.what.split(",")[0].split(" that")[0]: figure.enough for figure in found}


def test_what_is_good_is_good_enough():
    assert set(enough(figures(results())).values()) == {True}
    assert len(figures(results())) == 5  # a difference stands in the line of what it is of


@pytest.mark.parametrize(
    ("metric", "number"),
    [
        ("found_again", (0.96, 0.95, 0.98)),
        ("z_spread", (0.49, 0.4, 0.6)),
        ("drawn_match_over_stranger", (0.02, 0.01, 0.03)),
        ("nearest_over_stranger", (-0.02, -0.03, -0.01)),
        ("fd", (0.41, 0.3, 0.5)),
    ],
)
def test_what_falls_short_is_said(metric, number):
    found = figures(results(**{metric: number}))
    assert [figure.enough for figure in found].count(False) == 1
    table = card_table(results(**{metric: number}))
    assert table.count("| **no** |") == 1
    assert table.count("| yes |") == 4


def test_what_was_not_measured_is_neither():
    nan = float("nan")
    found = figures(results(drawn_match=nan, drawn_match_over_stranger=nan))
    assert [figure.enough for figure in found].count(None) == 1
    assert "– (nobody looked)" in card_table(results(drawn_match=nan, drawn_match_over_stranger=nan))


def test_distances_are_held_against_the_best_of_the_others_and_the_floor():
    (line,) = [line for line in card_table(results()).splitlines() if "face box" in line]
    for said in ("0.300 [0.200, 0.400]", "pixelate8 2.00", "heavy_blur 1.20", "blackout 9.00", "real halves 0.040"):
        assert said in line


@pytest.mark.parametrize(
    ("cost", "verdicts"),
    [
        (Cost(10.0, 0.1, 0.03, 0.9), [True, True, True]),
        (Cost(30.0, 1.2, 0.4, 0.9), [False, False, False]),
    ],
)
def test_what_it_costs(cost, verdicts):
    assert [figure.enough for figure in figures(Results([]), cost=cost)] == verdicts
    assert "ms, the paper's large generator 900 ms" in card_table(Results([]), cost=cost)
