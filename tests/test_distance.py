import warnings

import numpy as np
import pytest
from scipy.linalg import sqrtm

from deepanon.distance import Moments, floor, frechet, frechet_distance, kernel_distance
from deepanon.errors import DataError


def drawn(n=600, d=8, seed=0, shift=0.0, scale=1.0):
    """Correlated vectors far from zero."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(99).normal(size=(d, d))
    return rng.normal(size=(n, d)) @ mix * scale + 5 + shift


def by_matrix_root(a, b):
    """The textbook formula with another library's square root."""
    root = sqrtm(np.cov(a.T) @ np.cov(b.T))
    assert np.abs(np.imag(root)).max() < 1e-6
    step = a.mean(0) - b.mean(0)
    return step @ step + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * np.real(root))


@pytest.mark.parametrize(("d", "n"), [(2, 50), (8, 600), (64, 900)])
def test_frechet_agrees_with_the_textbook_formula(d, n):
    a, b = drawn(n, d), drawn(n + 7, d, seed=1, shift=0.3, scale=1.4)
    assert frechet(a, b) == pytest.approx(by_matrix_root(a, b), rel=1e-10)
    assert frechet(b, a) == pytest.approx(frechet(a, b), rel=1e-10)


def test_frechet_of_one_number_a_vector():
    """For normal distributions on the line: (m - n)^2 + (s - t)^2."""
    a, b = drawn(100, 1), drawn(80, 1, seed=1, scale=3.0)
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet(a, b) == pytest.approx(expected, rel=1e-12)


def test_frechet_agrees_with_torch_fidelity():
    metric = pytest.importorskip("torch_fidelity.metric_fid")
    a, b = drawn(300, 16), drawn(300, 16, seed=1, scale=1.2)
    sides = [{"mu": x.mean(0), "sigma": np.cov(x, rowvar=False)} for x in (a, b)]
    expected = metric.fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]
    assert frechet(a, b) == pytest.approx(expected, rel=1e-8)


def test_a_set_is_at_distance_zero_from_itself_and_a_shift_counts_in_full():
    a = drawn(d=64)
    assert 0 <= frechet(a, a) < 1e-9 * np.trace(np.cov(a.T))
    assert frechet(a, a + 0.5) == pytest.approx(64 * 0.25, rel=1e-9)


def test_frechet_without_full_rank():
    """Twelve vectors in 40 dimensions: the covariances are singular, and equal sets still lie at zero."""
    a, b = drawn(12, 40), drawn(12, 40, seed=1)
    with pytest.warns(RuntimeWarning, match="12 vectors of 40 features: strongly biased upward"):
        apart = frechet(a, b)
    left, right = (x - x.mean(0) for x in (a, b))
    overlap = np.linalg.svd(left @ right.T, compute_uv=False).sum() / 11  # another way to the same trace
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + (left**2).sum() / 11 + (right**2).sum() / 11 - 2 * overlap
    assert apart == pytest.approx(expected, rel=1e-9)
    with pytest.warns(RuntimeWarning):
        assert frechet(a, a) < 1e-9 * expected


def test_warns_only_where_the_rank_is_missing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frechet(drawn(9, 8), drawn(9, 8, seed=1))


@pytest.mark.parametrize("sizes", [(600,), (1, 599), (100, 1, 299, 200), (1,) * 600])
def test_moments_gathered_in_batches_are_those_of_the_whole(sizes):
    features = drawn() + 1e6  # where squares would eat the digits
    parts = np.split(features, np.cumsum(sizes)[:-1])
    gathered = Moments.of(parts[0])
    for part in parts[1:]:
        gathered = gathered.merged(Moments.of(part))
    assert gathered.count == 600
    np.testing.assert_allclose(gathered.mean, features.mean(0), rtol=1e-14)
    np.testing.assert_allclose(gathered.covariance, np.cov(features.T), rtol=1e-7, atol=1e-8)


def by_loops(a, b):
    def k(x, y):
        return (x @ y / len(x) + 1) ** 3

    m, n = len(a), len(b)
    within_a = sum(k(a[i], a[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    within_b = sum(k(b[i], b[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return within_a + within_b - 2 * sum(k(x, y) for x in a for y in b) / (m * n)


def test_kernel_distance_is_its_definition(monkeypatch):
    a, b = drawn(30, 5), drawn(23, 5, seed=1, shift=0.5)
    assert kernel_distance(a, b) == pytest.approx(by_loops(a, b), rel=1e-9)
    monkeypatch.setattr("deepanon.distance.BLOCK", 7)
    assert kernel_distance(a, b) == pytest.approx(by_loops(a, b), rel=1e-9)


def test_kernel_distance_is_unbiased_and_the_frechet_distance_is_not():
    """Many small samples of one distribution: the kernel distance averages to 0, the other falls with the count."""
    pairs = [(drawn(40, 4, seed=2 * s) - 5, drawn(40, 4, seed=2 * s + 1) - 5) for s in range(200)]
    kernel = np.array([kernel_distance(a, b) for a, b in pairs])
    assert abs(kernel.mean()) < 3 * kernel.std() / np.sqrt(len(kernel))
    assert (kernel < 0).any()
    few = np.mean([frechet(a[:20], b[:20]) for a, b in pairs])
    many = np.mean([frechet(a, b) for a, b in pairs])
    assert few > 1.5 * many > 0


def test_both_put_far_sets_farther_than_near_ones():
    real = drawn()
    for distance in (frechet, kernel_distance):
        values = [distance(real, drawn(seed=1, shift=shift)) for shift in (0, 0.5, 1, 3)]
        assert values == sorted(values)
        assert values[-1] > 10 * abs(values[0])


def test_floor_is_the_distance_of_halves():
    real = drawn(n=400)
    mean, spread = floor(real, repeats=8)
    assert floor(real, repeats=8) == (mean, spread)
    assert floor(real, repeats=8, seed=1) != (mean, spread)
    halves = frechet(drawn(200), drawn(200, seed=1))
    assert 0 < spread < mean
    assert 0.3 * mean < halves < 3 * mean
    assert frechet(real, drawn(n=400, seed=1, shift=3)) > 10 * mean
    assert floor(real[:5], lambda a, b: float(len(a) + len(b)), repeats=1) == (4.0, 0.0)


@pytest.mark.parametrize("measure", [frechet, kernel_distance])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (drawn(20, 3), drawn(20, 4), "features of 3 and 4 numbers cannot be compared"),
        (drawn(1, 3), drawn(20, 3), "at least 2 feature vectors"),
        (drawn(20, 3), np.full((4, 3), np.nan), "not finite, first in vector 0 of 4"),
        (drawn(20, 3), np.zeros(3), r"\(N, D\) array"),
        (drawn(20, 3), np.zeros((0, 3)), r"\(N, D\) array"),
    ],
)
def test_impossible_features(measure, a, b, message):
    with pytest.raises(DataError, match=message):
        measure(a, b)


def test_floor_needs_two_halves():
    with pytest.raises(DataError, match="at least 4"):
        floor(drawn(3, 2))


def test_moments_of_different_features_cannot_be_merged():
    with pytest.raises(DataError, match="3 and 4 numbers"):
        Moments.of(drawn(5, 3)).merged(Moments.of(drawn(5, 4)))
    assert frechet_distance(Moments.of(drawn(5, 3)), Moments.of(drawn(5, 3))) < 1e-9
