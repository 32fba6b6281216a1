import numpy as np
import pytest

from deepanon.evaluation.newfaces import measures


def unit(rows, length=8, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(rows, length)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_distance_between_people_is_the_mean_of_all_pairs():
    vectors, people = unit(30), np.arange(30) // 3
    vectors[4] = np.nan
    expected = [
        1 - float(vectors[i] @ vectors[j])
        for i in range(30)
        for j in range(30)
        if people[i] != people[j] and 4 not in (i, j)
    ]
    assert measures.apart(people, vectors) == pytest.approx(np.mean(expected), rel=1e-6)
    assert np.isnan(measures.apart(np.zeros(30, int), vectors))


def test_draws_that_are_alike_have_no_spread_and_people_drawn_by_chance_that_of_people():
    one = unit(400, 64)
    assert np.abs(measures.spread([one, one, one])).max() < 1e-6
    drawn = [unit(400, 64, seed) for seed in (1, 2, 3)]
    assert np.mean(measures.spread(drawn)) == pytest.approx(measures.apart(np.arange(400), one), abs=0.02)
    drawn[1][7] = np.nan
    assert np.flatnonzero(np.isnan(measures.spread(drawn))).tolist() == [7]


def test_taken_is_above_the_threshold_and_unknown_stays_unknown():
    one, other = unit(5), unit(5)
    other[1], other[2] = -one[1], np.nan
    assert np.nan_to_num(measures.taken(one, other, 0.99), nan=9).tolist() == [1, 0, 9, 1, 1]
    assert not np.nansum(measures.taken(one, other, 1.01))


def test_nearest_is_the_least_distance_to_any_known_face():
    faces, learnt = unit(7, seed=1), unit(50, seed=2)
    learnt[3] = faces[0]
    learnt[9] = np.nan
    expected = [min(1 - float(face @ other) for other in learnt if np.isfinite(other).all()) for face in faces]
    found = measures.nearest(faces, learnt)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[0] == pytest.approx(0, abs=1e-6)


def test_means_are_weighted_and_pass_over_what_is_unknown():
    values, counts = np.array([1.0, np.nan, 3.0]), np.array([[1, 1, 1], [2, 5, 0], [0, 3, 0]])
    means = measures.weighted_mean(values, counts)
    assert means[:2].tolist() == [2, 1]
    assert np.isnan(means[2])
