import time

import numpy as np
import pytest

from deepanon.errors import OptionError
from deepanon.evaluation.bootstrap import percentile_interval, ratio_interval, resample
from deepanon.evaluation.detection.coco_ap import Matched


def mean_of(values):
    return lambda counts: counts @ values / counts.sum(axis=1)


def test_every_resample_draws_as_many_pictures_as_there_are():
    counts = resample(7, 500, seed=0)
    assert counts.shape == (500, 7)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.2)


def test_the_seed_decides():
    first, again, other = (resample(9, 50, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError, match="resamples"):
        resample(3, 0, seed=0)
    with pytest.raises(OptionError, match="n must"):
        resample(0, 10, seed=0)
    with pytest.raises(OptionError, match="seed must be a whole number from 0, got 'a'"):
        resample(3, 3, seed="a")
    with pytest.raises(OptionError, match="level"):
        percentile_interval(np.ones(3), level=95)


def test_interval_is_the_middle_of_the_values():
    low, high = percentile_interval(np.append(np.arange(1001.0), np.nan), level=0.95)
    assert (low, high) == pytest.approx((25, 975))
    assert np.isnan(percentile_interval(np.full(4, np.nan))).all()


def test_interval_covers_the_truth_about_as_often_as_it_says():
    """Ratio of two means, correlated pictures; truth is 0.8."""
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(400):
        below = rng.uniform(0.5, 1.5, 60)
        above = 0.8 * below + rng.normal(0, 0.1, 60)
        low, high = ratio_interval(mean_of(above), mean_of(below), resample(60, 400, trial))
        covered += low <= 0.8 <= high
    assert 0.91 <= covered / 400 <= 0.98


def test_it_is_paired():
    """Pictures differ a lot, but both sides share the differences: the ratio is known far better than either side."""
    below = np.random.default_rng(0).uniform(0, 1, 50)
    counts = resample(50, 1000, 0)
    assert ratio_interval(mean_of(below), mean_of(below), counts) == (1, 1)
    low, high = ratio_interval(mean_of(0.5 * below), mean_of(below), counts)
    assert high - low < 1e-9
    alone = percentile_interval(mean_of(below)(counts))
    assert alone[1] - alone[0] > 0.05


def test_resamples_without_a_denominator_are_left_out():
    above, below = np.array([1.0, 1.0, 0]), np.array([2.0, 2.0, 0])
    counts = resample(3, 2000, 0)
    undefined = (counts @ below == 0).mean()
    assert 0 < undefined < 0.05
    assert ratio_interval(mean_of(above), mean_of(below), counts) == (0.5, 0.5)


def test_without_enough_of_them_there_is_no_interval():
    """One of two pictures has no face: a quarter of the resamples has none either."""
    interval = ratio_interval(mean_of(np.array([1.0, 0])), mean_of(np.array([2.0, 0])), resample(2, 200, 0))
    assert np.isnan(interval).all()


def simulated(rng, faces, quality):
    """(scores, hits): each face is found with probability `quality`, and there are false alarms."""
    hits = np.append(rng.random(faces) < quality, np.zeros(rng.poisson(1), dtype=bool))
    return np.where(hits, rng.beta(4, 1, len(hits)), rng.beta(2, 2, len(hits))), hits


def matched(pictures, faces):
    image = np.repeat(np.arange(len(pictures)), [len(scores) for scores, _ in pictures])
    return Matched(*(np.concatenate(part) for part in zip(*pictures, strict=True)), image, np.array(faces)).areas


def test_interval_of_retention_covers_the_retention_of_a_very_large_set():
    rng = np.random.default_rng(0)

    def sides(n):
        """AP before and after, as functions of how often each picture is drawn."""
        faces = rng.integers(1, 12, n)
        difficulty = rng.uniform(0.7, 1, n)
        return [
            matched([simulated(rng, k, level * d) for k, d in zip(faces, difficulty, strict=True)], faces)
            for level in (0.95, 0.7)
        ]

    before, after = sides(4000)
    ones = np.ones((1, 4000), dtype=int)
    truth = float(after(ones)[0] / before(ones)[0])
    covered = 0
    for trial in range(100):
        before, after = sides(60)
        low, high = ratio_interval(after, before, resample(60, 300, trial))
        covered += low <= truth <= high
    assert covered >= 88


def test_sixty_four_pictures_nine_methods_take_seconds():
    rng = np.random.default_rng(0)
    table = Matched(rng.random(1280), rng.random(1280) < 0.8, np.repeat(np.arange(64), 20), np.full(64, 20))
    counts = resample(64, 1000, 0)
    start = time.perf_counter()
    for _ in range(9):
        table.areas(counts)
    assert time.perf_counter() - start < 20
