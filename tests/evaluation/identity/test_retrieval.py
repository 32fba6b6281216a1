import numpy as np
import pytest
from scipy.stats import hypergeom

from deepanon.errors import OptionError
from deepanon.evaluation.bootstrap import percentile_interval, resample
from deepanon.evaluation.identity.retrieval import (
    FAILED,
    Hits,
    above_chance,
    blind_guess,
    rank_k,
    self_retrieval,
)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def photos(people=12, each=4, noise=0.8, size=16, seed=0):
    """Unit vectors of photos scattered around their person, and who is in them."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(people), each)
    return unit(rng.normal(size=(people, size))[codes] + noise * rng.normal(size=(len(codes), size))), codes


def ones(people):
    return np.ones((1, people))


def test_self_retrieval_by_a_loop():
    originals, people = photos()
    queries = unit(originals + np.random.default_rng(1).normal(size=originals.shape) * 0.4)
    right = [int(np.argmax(originals @ query) == row) for row, query in enumerate(queries)]
    hits = self_retrieval(originals, queries, people).within(1)
    assert hits.values.tolist() == right
    assert 0 < sum(right) < len(right)
    assert hits.chance == pytest.approx(np.full(48, 1 / 48))


@pytest.mark.parametrize("k", [1, 5, 10, 20])
def test_rank_k_by_a_loop(k):
    gallery, people = photos(noise=2)
    queries = unit(gallery + np.random.default_rng(2).normal(size=gallery.shape) * 0.8)
    right = []
    for row, query in enumerate(queries):
        others = np.delete(np.arange(len(gallery)), row)
        nearest = others[np.argsort(-(gallery[others] @ query))[:k]]
        right.append(float((people[nearest] == people[row]).any()))
    assert rank_k(gallery, queries, people).within(k).values.tolist() == right
    assert 0 < sum(right) < len(right) or k > 5


def test_the_same_photos_are_their_own_nearest_and_random_ones_are_at_chance():
    originals, people = photos(40, 5, noise=1)
    assert self_retrieval(originals, originals, people).within(1).share(ones(40), "skip") == [1]
    strangers = unit(np.random.default_rng(5).normal(size=originals.shape))
    hits = rank_k(originals, strangers, people).within(10)
    assert hits.share(ones(40), "skip")[0] == pytest.approx(hits.chance.mean(), abs=0.08)


def test_ties_are_broken_at_random():
    """A method that draws one and the same face for everybody is not right about anybody, nor wrong about everybody."""
    originals, people = photos(5, 4)
    same = np.tile(originals[:1], (20, 1))
    assert self_retrieval(same, same, people).within(1).values == pytest.approx(np.full(20, 1 / 20))
    assert rank_k(same, same, people).within(1).values == pytest.approx(np.full(20, 1 / 17))  # 16 wrong, the best right


def test_people_with_one_photo_are_in_the_gallery_only():
    gallery, people = photos(3, 2)
    alone = unit(np.random.default_rng(0).normal(size=(1, 16)))
    ranking = rank_k(np.concatenate([gallery, alone]), np.concatenate([gallery, alone]), np.append(people, 3))
    assert len(ranking.right) == 6
    assert (ranking.size == 6).all()
    assert ranking.people.tolist() == people.tolist()


def test_failures_are_counted_three_ways():
    hits = Hits(np.array([1.0, 0, np.nan, np.nan, 1]), np.full(5, 0.1), np.array([0, 0, 1, 2, 2]))
    shares = {failed: hits.share(ones(3), failed)[0] for failed in FAILED}
    assert shares == pytest.approx({"skip": 2 / 3, "chance": 2.2 / 5, "miss": 2 / 5})
    assert np.isnan(hits.share(np.array([[0, 1, 0]]), "skip")).all()  # only the second person is drawn, and failed
    with pytest.raises(OptionError, match="choose one of: skip, chance, miss"):
        hits.share(ones(3), "drop")


def test_multiplicities_are_the_same_as_listing_people_so_often():
    rng = np.random.default_rng(0)
    people = rng.integers(0, 6, 40)
    values = np.where(rng.random(40) < 0.2, np.nan, rng.random(40))
    hits = Hits(values, rng.random(40), people)
    counts = np.array([3, 0, 1, 2, 0, 5])
    rows = np.repeat(np.arange(40), counts[people])
    listed = Hits(values[rows], hits.chance[rows], people[rows])
    for failed in FAILED:
        assert hits.share(counts[None], failed) == pytest.approx(listed.share(ones(6), failed))
        assert hits.guess(counts[None], failed) == pytest.approx(listed.guess(ones(6), failed))


def test_blind_guess_is_hypergeometric():
    right, size = np.array([1, 3, 7, 2]), np.array([50, 50, 9, 4])
    for k in (1, 2, 3, 4):
        assert blind_guess(right, size, k) == pytest.approx(1 - hypergeom.pmf(0, size, right, k))


def test_chance_normalisation_maps_chance_to_zero_and_certainty_to_one():
    n = 20
    shares = np.array([1 / n, 1, 0.5])
    assert above_chance(shares, np.full(3, 1 / n)) == pytest.approx([0, 1, (0.5 - 0.05) / 0.95])


def test_interval_covers_the_truth_although_photos_of_one_person_go_together():
    """Every person has a rate of their own: a bootstrap over photos would be far too sure."""
    rng, covered = np.random.default_rng(0), 0
    people = np.repeat(np.arange(40), 8)
    for trial in range(200):
        rates = rng.beta(0.5, 0.5, 40)  # mean 0.5
        hits = Hits((rng.random(320) < rates[people]).astype(float), np.zeros(320), people)
        low, high = percentile_interval(hits.share(resample(40, 300, trial), "skip"))
        covered += low <= 0.5 <= high
    assert 0.89 <= covered / 200 <= 0.99
