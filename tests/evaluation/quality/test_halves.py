import numpy as np
import pytest

from deepanon.distance import frechet, kernel_distance
from deepanon.evaluation.quality.halves import HALVINGS, Halves
from deepanon.evaluation.quality.manifold import precision_recall


def features(seed, n=61, d=12):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_no_crop_is_on_both_sides():
    halves = Halves(features(0))
    assert len(halves.orders) == HALVINGS
    for here, there in halves.orders:
        assert len(here) == len(there) == 30
        assert not set(here) & set(there)
    assert len({tuple(sorted(here)) for here, _ in halves.orders}) == HALVINGS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_measures_one_half_against_the_other_and_seeds_take_turns():
    real, drawn = features(0), [features(1) + 1, features(2) + 2]
    halves = Halves(real)
    found = halves.measure(drawn)
    for turn, (here, there) in enumerate(halves.orders):
        faces, others = drawn[turn % 2][here], real[there]
        assert found["frechet"][turn] == pytest.approx(frechet(faces, others))
        assert found["kernel"][turn] == pytest.approx(kernel_distance(faces, others))
        precision, recall = precision_recall(others, faces)
        assert (found["precision"][turn], found["recall"][turn]) == (precision.mean(), recall.mean())
    assert Halves(real).measure(drawn)["frechet"].tolist() == found["frechet"].tolist()


def test_pictures_left_as_they_are_do_not_count_as_perfect():
    """In many dimensions few vectors lie in the balls of others; every one lies in its own."""
    real = features(0)
    assert precision_recall(real, real)[0].mean() == 1
    assert Halves(real).measure([real])["precision"].mean() < 0.95
