import numpy as np
import pytest

from deepanon.audit.measures import draws
from deepanon.audit.measures.ranks import Ranks, median_rank
from deepanon.audit.scores import Scores


@pytest.mark.parametrize("levels", [None, 2])
def test_people_who_are_drawn_again_are_as_if_their_probes_were_repeated(drawn, slow, levels):
    scores = drawn(levels=levels, lost=(4, 5, 20))
    counts = draws(12, 6, seed=1)
    cmc = Ranks.of(scores).cmc(counts)
    for row, times in enumerate(counts):
        literal = slow(scores, times)
        assert [cmc[row, k - 1] for k in (1, 2, 5, 12)] == pytest.approx([literal.within(k) for k in (1, 2, 5, 12)])


def test_anonymity_is_the_geometric_mean_of_ranks(drawn, slow):
    scores = drawn(levels=2)
    counts = draws(12, 4, seed=1)
    found = Ranks.of(scores).anonymity(counts)
    assert found == pytest.approx([np.exp(slow(scores, times).logarithm()) for times in counts])


def test_median_rank_without_ties_is_the_median(drawn):
    scores = drawn(people=15, each=3, apart=0.7)  # an odd number of probes
    own = scores.matrix[np.arange(45), scores.owner]
    ranks = (scores.matrix > own[:, None]).sum(axis=1) + 1
    assert median_rank(Ranks.of(scores).cmc(draws(15, 1)))[0] == np.median(ranks) > 1


def test_a_probe_without_scores_is_a_blind_guess_and_not_left_out(drawn):
    counts = draws(12, 50)
    lost, level = drawn(lost=range(36)), drawn(lost=range(36))
    level.matrix[:] = 0.3  # everybody as alike
    for silent in (lost, level):
        ranks = Ranks.of(silent)
        assert ranks.cmc(counts) == pytest.approx(np.tile(np.arange(1, 13) / 12, (51, 1)))
        assert ranks.anonymity(counts) == pytest.approx(np.prod(np.arange(1.0, 13)) ** (1 / 12))
        assert median_rank(ranks.cmc(counts))[0] == 6
    half = drawn(apart=50, lost=range(0, 36, 2))
    assert Ranks.of(half).cmc(counts)[0, 0] == pytest.approx((1 + 1 / 12) / 2)


def test_two_level_people_share_the_place():
    scores = Scores(np.array([[0.5, 0.5, 0.1], [0.2, 0.9, 0.2]], dtype=np.float32), np.array([0, 0]), np.arange(3))
    cmc = Ranks.of(scores).cmc(draws(3, 1))[0]
    assert cmc == pytest.approx([0.25, 0.75, 1])
