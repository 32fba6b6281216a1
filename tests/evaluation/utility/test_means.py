import numpy as np
import pytest

from deepanon.evaluation.utility.means import PhotoMeans, to_value
from deepanon.evaluation.values import Value

NAN = np.nan


def test_means_over_faces_then_over_seeds():
    means = PhotoMeans(np.array([0, 0, 1, 2]), 4, 50)
    everyone = np.ones(4, dtype=bool)
    found = means([np.array([1.0, 2, 3, NAN]), np.array([5.0, NAN, NAN, NAN])], everyone)
    assert found.seeds == (2, 5)
    assert found.value == 3.5
    assert found.counts == (3, 1)
    assert found.photos == 2
    assert means([np.array([1.0, 2, 3, NAN])], np.array([True, False, True, True])).value == 2
    nothing = means([np.full(4, NAN)], everyone)
    assert np.isnan(nothing.value)
    assert np.isnan(nothing.low)
    half = means([np.array([1.0, 1, 1, 1]), np.full(4, NAN)], everyone)
    assert half.value == 1
    assert half.counts == (4, 0)


def test_the_interval_is_the_bootstrap_over_photos():
    """The same resamples taken face by face, with the plain library calls."""
    rng = np.random.default_rng(0)
    photo_of, values = np.sort(rng.integers(0, 25, 90)), rng.normal(size=(2, 90))
    values[rng.random((2, 90)) < 0.2] = NAN
    found = PhotoMeans(photo_of, 25, 300, seed=7)(list(values), np.ones(90, dtype=bool))
    draws = np.random.default_rng(7).multinomial(25, np.full(25, 1 / 25), size=300)
    expected = [np.nanmean([np.nanmean(np.repeat(row, draw[photo_of])) for row in values]) for draw in draws]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(expected, [0.025, 0.975])))
    assert found.low < found.value < found.high


def test_few_faces_and_few_photos_are_said():
    blank = Value("utility", "x", "d", "m", "nme", value=0.0)
    means = PhotoMeans(np.repeat(np.arange(20), 2), 20, 10)
    everyone = np.ones(40, dtype=bool)
    assert to_value(blank, means([np.ones(40)], everyone), "note").note == "note"
    some = to_value(blank, means([np.ones(40)], np.arange(40) < 8), "note")
    assert some.note == "note; few faces (8); all in 4 photos, the interval says little"
    assert some.n == 8
    assert some.seeds == ()
    assert to_value(blank, means([np.full(40, NAN)], everyone), "none").note == "none"
