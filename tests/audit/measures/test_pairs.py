import numpy as np
import pytest
from scipy.stats import norm

from deepanon.audit.measures import draws
from deepanon.audit.measures.pairs import FEWEST, Pairs, Roc, affordable
from deepanon.errors import DataError
from deepanon.evaluation.identity.roc import area, curve, equal_error


def roc_of(scores, counts, equal=1):
    pairs = Pairs(scores, equal)
    return pairs, Roc.of(pairs.mated(counts), pairs.strange(counts), pairs.found_share(counts, scores.owner))


@pytest.mark.parametrize("levels", [None, 3])
@pytest.mark.parametrize("equal", [1, 20])
def test_bins_lose_nothing_and_weights_are_literal_repeats(drawn, slow, levels, equal):
    scores = drawn(levels=levels)
    counts = draws(12, 6, seed=2)
    _, roc = roc_of(scores, counts, equal)
    for row, times in enumerate(counts):
        literal = slow(scores, times)
        right, wrong = literal.pairs()
        same = np.arange(len(right) + len(wrong)) < len(right)
        whole = curve(np.concatenate([right, wrong]), same, np.ones((1, len(same))))
        assert roc.area[row] == pytest.approx(area(*whole)[0])
        assert roc.equal_error[row] == pytest.approx(equal_error(*whole)[0])
        for far in (0.1, 0.03, 0.005):
            assert roc.accepted(far)[row] == pytest.approx(literal.accepted(far)), far


def test_moments_are_those_of_repeated_pairs(drawn, slow):
    scores = drawn()
    counts = draws(12, 6, seed=2)
    found = np.array(Pairs(scores).moments(counts))
    for row, times in enumerate(counts):
        right, wrong = slow(scores, times).pairs()
        assert found[:, row] == pytest.approx([right.mean(), wrong.mean(), right.var(), wrong.var()], rel=1e-6)


@pytest.mark.parametrize("apart", [0.5, 1.5, 3.0])
def test_gaussians_have_the_rates_of_the_book(drawn, apart):
    _, roc = roc_of(drawn(people=200, each=30, apart=apart), draws(200, 1)[:1])
    assert roc.equal_error[0] == pytest.approx(norm.cdf(-apart / 2), abs=0.01)
    assert roc.area[0] == pytest.approx(norm.cdf(apart / np.sqrt(2)), abs=0.01)
    for far in (0.1, 0.01, 0.001):
        assert roc.accepted(far)[0] == pytest.approx(norm.sf(norm.isf(far) - apart), abs=0.015)


def test_level_scores_are_accepted_as_a_blind_guess_would_be(drawn):
    scores = drawn()
    scores.matrix[:] = 0.25
    _, roc = roc_of(scores, draws(12, 20))
    assert roc.accepted(0.01) == pytest.approx(np.full(21, 0.01))
    assert roc.equal_error == pytest.approx(np.full(21, 0.5))


def test_probes_without_scores_are_accepted_as_strangers_are(drawn):
    scores = drawn(people=40, each=5, apart=60, lost=range(0, 200, 4))
    _, roc = roc_of(scores, draws(40, 1)[:1])
    assert roc.accepted(0.01)[0] == pytest.approx(0.75 + 0.25 * 0.01)
    assert roc.area[0] == pytest.approx(0.75 + 0.25 / 2)
    with pytest.raises(DataError, match="says nothing"):
        Pairs(drawn(lost=range(36)))


def test_a_resample_of_one_person_has_no_rates(drawn):
    counts = np.array([[1, 1], [2, 0]])
    _, roc = roc_of(drawn(people=2, each=5), counts)
    assert np.isnan(roc.accepted(0.1)[1])
    assert np.isfinite(roc.accepted(0.1)[0])


def test_more_pairs_get_fewer_resamples():
    counts = draws(3, 1000)
    assert len(affordable(counts, 90_000)) == 1001
    assert len(affordable(counts, 400_000)) == 500
    assert len(affordable(counts, 10**9)) == FEWEST + 1
