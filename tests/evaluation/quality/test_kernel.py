import numpy as np
import pytest

from deepanon.distance import kernel_distance
from deepanon.errors import DataError
from deepanon.evaluation.quality import kernel_interval


def pair(n=60, d=5, seed=0, shift=0.5):
    """Correlated rows, as real and drawn pictures of one crop are."""
    rng = np.random.default_rng(seed)
    real = rng.normal(size=(n, d)) + 1
    return real, 0.6 * real + 0.6 * rng.normal(size=(n, d)) + shift


def by_loops(real, drawn):
    def k(x, y):
        return (x @ y / len(x) + 1) ** 3

    n = len(real)
    terms = [
        k(real[i], real[j]) + k(drawn[i], drawn[j]) - k(real[i], drawn[j]) - k(real[j], drawn[i])
        for i in range(n)
        for j in range(n)
        if i != j
    ]
    return sum(terms) / (n * (n - 1))


def test_is_the_jackknife_of_its_definition(monkeypatch):
    real, drawn = pair(30)
    left_out = np.array([by_loops(np.delete(real, i, 0), np.delete(drawn, i, 0)) for i in range(30)])
    error = np.sqrt(29 / 30 * ((left_out - left_out.mean()) ** 2).sum())
    value = by_loops(real, drawn)
    expected = (value, value - 1.959964 * error, value + 1.959964 * error)
    assert kernel_interval(real, drawn) == pytest.approx(expected, rel=1e-9)
    monkeypatch.setattr("deepanon.evaluation.quality.kernel.BLOCK", 7)
    assert kernel_interval(real, drawn) == pytest.approx(expected, rel=1e-9)


def test_agrees_with_torch_fidelity():
    metric = pytest.importorskip("torch_fidelity.metric_kid")
    real, drawn = pair(80)
    sides = ((real, real), (real, drawn), (drawn, drawn))
    kernels = [(a @ b.T / a.shape[1] + 1) ** 3 for a, b in sides]
    expected = metric.mmd2(*kernels, mmd_est="u-statistic")
    assert kernel_interval(real, drawn)[0] == pytest.approx(expected, rel=1e-9)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    truth = kernel_distance(*pair(8000, seed=999))
    held = [low <= truth <= high for _, low, high in (kernel_interval(*pair(200, seed=s)) for s in range(200))]
    assert 0.88 <= np.mean(held) <= 0.99


def test_equal_pictures_are_at_zero_and_others_are_not_pulled_below():
    """Pairs of a crop with itself would pull a small sample below 0: see the middle line."""
    real, _ = pair()
    assert kernel_interval(real, real) == pytest.approx((0, 0, 0), abs=1e-12)
    assert kernel_distance(real, real) < -0.05
    near = [kernel_interval(x, 0.999 * x)[0] for x, _ in (pair(40, seed=s) for s in range(20))]
    assert np.abs(near).max() < 0.05


def test_impossible_sets():
    real, drawn = pair()
    with pytest.raises(DataError, match=r"one shape, got \(60, 5\) and \(59, 5\)"):
        kernel_interval(real, drawn[1:])
    with pytest.raises(DataError, match="at least 3 crops, got 2"):
        kernel_interval(real[:2], drawn[:2])
