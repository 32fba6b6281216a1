import math
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from deepanon.evaluation.report.figures import curve_figures, dot_figures, scatter_figures
from deepanon.evaluation.report.labels import Box, place
from deepanon.evaluation.report.lookup import Lookup
from deepanon.evaluation.report.plots import Curve, Dot, Point, curves, dot_plot, scatter
from deepanon.evaluation.report.scale import Scale, around
from deepanon.evaluation.report.svg import Svg, shortened, width_of, wrapped


def drawn(svg):
    return ElementTree.fromstring(svg)


def of_class(tree, tag, name):
    return [element for element in tree.iter(tag) if name in element.get("class", "").split()]


def test_scales_are_straight_and_their_ticks_round():
    scale = Scale(0.3, 1.0, 100, 200)
    assert (scale(0.3), scale(1.0), scale(0.65)) == (100, 200, 150)
    assert (scale(-1), scale(2)) == (100, 200)
    assert scale.ticks(5) == pytest.approx([0.4, 0.6, 0.8, 1.0])
    for low, high in np.random.default_rng(0).normal(size=(200, 2)).cumsum(axis=1):
        low, high = sorted((low, high + 1e-3))
        ticks = Scale(low, high, 0, 1).ticks(5)
        assert 1 <= len(ticks) <= 5
        assert low - 1e-6 <= min(ticks)
        assert max(ticks) <= high + 1e-6


def test_shares_do_not_leave_what_is_possible():
    scale = around([0.02, 0.99], 0, 1, share=True)
    assert 0 <= scale.low < 0.02
    assert 0.99 < scale.high <= 1.0
    assert around([0.5, 1.05], 0, 1, share=True).high > 1.05  # retention may
    flat = around([0.5, 0.5], 0, 1)
    assert flat.low < 0.5 < flat.high
    assert math.isfinite(around([], 0, 1).low)


def test_a_dot_plot_shows_every_number_where_it_belongs():
    dots = [
        Dot("none", 1.0, 1.0, 1.0, "reference"), Dot("gan <b>", 0.98, 0.97, 0.99, "", 0.993),
        Dot("control", 0.4, 0.35, 0.45, "control"), Dot("gone", math.nan, math.nan, math.nan),
    ]  # fmt: skip
    tree = drawn(dot_plot(dots, "Retention & more", "share"))
    assert tree.get("aria-label") == "Retention & more"
    (method,), (control,) = of_class(tree, "circle", "method"), of_class(tree, "rect", "control")
    assert len(of_class(tree, "path", "paper")) == 1
    assert float(control.get("x")) < float(method.get("cx")) < float(of_class(tree, "circle", "reference")[0].get("cx"))
    whiskers = of_class(tree, "line", "whisker")
    assert len(whiskers) == 9  # three of them with two ends; nothing for what is not there
    assert float(whiskers[3].get("x1")) < float(method.get("cx")) < float(whiskers[3].get("x2"))
    words = [element.text for element in tree.iter("text")]
    assert {"gan <b>", "98.0", "100.0", "–"} <= set(words)


def test_a_difference_has_a_line_at_zero():
    tree = drawn(dot_plot([Dot("a", 0.02, 0.01, 0.03), Dot("b", -0.05, -0.06, -0.04)], "d", "share", signed=True))
    zero = float(of_class(tree, "line", "zero")[0].get("x1"))
    a, b = (float(circle.get("cx")) for circle in of_class(tree, "circle", "method"))
    assert b < zero < a


def test_names_in_a_scatter_plot_cover_neither_points_nor_each_other():
    rng = np.random.default_rng(1)
    points = [Point(f"method{i}", (x, x - 0.01, x + 0.01), (y, y - 0.02, y + 0.02)) for i, (x, y) in
              enumerate(np.stack([0.9 + rng.random(12) / 10, 0.3 + rng.random(12) * 0.6], axis=1))]  # fmt: skip
    tree = drawn(scatter(points, "t", "x", "y", controls={"context": 0.35, "both": 0.36}))
    names = of_class(tree, "text", "halo")
    assert len(names) == 12
    boxes = []
    for name in names:
        x, y, wide = float(name.get("x")), float(name.get("y")), width_of(name.text, 10.5)
        left = x - wide if name.get("text-anchor") == "end" else x
        boxes.append(Box(left, y - 9.5, left + wide, y + 2.5))
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlap(pair[1])]
    marks = [Box.around(float(c.get("cx")), float(c.get("cy")), 4) for c in of_class(tree, "circle", "method")]
    assert not [1 for box in boxes for mark in marks if box.overlap(mark)]
    assert len(of_class(tree, "line", "control-line")) == 2
    assert not of_class(drawn(scatter(points, "t", "x", "y")), "line", "control-line")


def test_a_name_goes_to_the_nearest_free_place():
    area = Box(0, 0, 300, 200)
    right = place(50, 50, 40, 12, [], area)
    assert (right.x0, right.y0) == (58, 44)
    left = place(290, 50, 40, 12, [], area)
    assert left.x1 < 290
    assert not place(50, 50, 40, 12, [right], area).overlap(right)
    assert place(50, 50, 900, 12, [], area).x0 == 58  # too long for any place: still there


def test_a_curve_is_broken_where_a_bin_is_empty():
    gap = (math.nan,) * 3
    one = Curve("a", [(0.2, 0.1, 0.3), (0.3, 0.2, 0.4), gap, (0.5, 0.4, 0.6), (0.6, 0.5, 0.7)])
    tree = drawn(curves(one, None, ["a", "b", "c", "d", "e"], "t", "share", (0.0, 1.0)))
    assert len(of_class(tree, "path", "curve")) == 2
    assert len(of_class(tree, "circle", "method")) == 4
    assert len(of_class(tree, "line", "whisker")) == 4


def test_text_is_fitted():
    assert shortened("short", 100) == "short"
    assert shortened("a very long name of a method", 60).endswith("…")
    assert wrapped("pixelate8, whole crop", 80, 11) == ["pixelate8,", "whole crop"]
    assert wrapped("gan", 80) == ["gan"]
    assert "<" not in str(Svg(1, 1, "a<b")).split(">", 1)[0].removeprefix("<svg")


def test_figures_of_a_report(sample, metrics):
    lookup = Lookup(sample, metrics)
    (retention,) = dot_figures(lookup, "detection")
    assert [panel.title for panel in retention.panels][-1] == "WIDER FACE val · mtcnn · mean of subsets"
    assert len(retention.panels) == 12
    assert [figure.title for figure in dot_figures(lookup, "identity")] == ["rank 1", "re-ID rate", "match rate"]
    (use,) = scatter_figures(lookup)
    assert len(use.panels) == 2
    assert {figure.title for figure in curve_figures(lookup, "utility")} == {
        f"{what} by {kind} · wild · yunet" for what in ("found again", "NME") for kind in ("size", "pose")
    }
    everything = [*dot_figures(lookup, "quality"), retention, use, *curve_figures(lookup, "utility")]
    for panel in (panel for figure in everything for panel in figure.panels):
        tree = drawn(panel.svg)
        assert tree.get("aria-label")
        _, _, width, height = map(float, tree.get("viewBox").split())
        for circle in tree.iter("circle"):
            assert 0 <= float(circle.get("cx")) <= width
            assert 0 <= float(circle.get("cy")) <= height
