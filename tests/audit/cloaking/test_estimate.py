import numpy as np
import pytest

from deepanon.audit.cloaking import estimate
from deepanon.evaluation.bootstrap import resample


def test_a_share_is_resampled_by_person():
    people = np.repeat(np.arange(50), 4)
    rng = np.random.default_rng(0)
    own = np.repeat(rng.random(50) < 0.5, 4).astype(float)  # all photos of a person end alike
    mixed = (rng.random(200) < 0.5).astype(float)
    counts = resample(50, 1000, 0)
    clustered, free = (estimate.share(hits, people, counts) for hits in (own, mixed))
    assert clustered.value == own.mean()
    assert clustered.low < clustered.value < clustered.high
    assert clustered.high - clustered.low > 1.5 * (free.high - free.low)
    assert clustered.n == 200


@pytest.mark.parametrize(("hits", "low", "high"), [(0, 0, 0.0362), (1, 0.9638, 1)])
def test_nobody_of_a_hundred_is_no_certainty(hits, low, high):
    found = estimate.share(np.full(300, float(hits)), np.arange(300) % 100, resample(100, 200, 0))
    assert (found.value, found.low, found.high) == pytest.approx((hits, low, high), abs=1e-4)


def test_the_largest_is_not_less_sure_of_itself_than_its_parts():
    people, rng = np.arange(60), np.random.default_rng(1)
    hits = [(rng.random(60) < 0.5).astype(float) for _ in range(12)]
    counts = resample(60, 2000, 0)
    worst = estimate.largest([f"a{i}" for i in range(12)], hits, people, counts)
    best = int(np.argmax([some.mean() for some in hits]))
    assert worst.value == hits[best].mean()
    assert worst.note == f"a{best}"
    assert worst.high >= estimate.share(hits[best], people, counts).high
    assert worst.low > estimate.share(hits[best], people, counts).low  # the maximum of a resample is never less


def test_area_is_that_of_all_pairs():
    people, counts = np.repeat(np.arange(10), 2), resample(10, 500, 0)
    rng = np.random.default_rng(2)
    positives, negatives = rng.normal(1, 1, 20), rng.normal(0, 1, 20)
    found = estimate.area(positives, negatives, people, counts)
    plain = np.mean([(p > q) + 0.5 * (p == q) for p in positives for q in negatives])
    assert found.value == pytest.approx(plain)
    assert 0 <= found.low < plain < found.high <= 1
    equal = estimate.area(np.zeros(20), np.zeros(20), people, counts)
    assert (equal.value, equal.low, equal.high) == (0.5, 0.5, 0.5)


def test_means_that_are_infinite_have_no_interval():
    found = estimate.mean(np.array([1.0, np.inf]), np.arange(2), resample(2, 50, 0))
    assert found.value == np.inf
    assert np.isnan(found.low)
