import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from deepanon.audit.measures import draws, measure
from deepanon.audit.measures.linkability import linkability


def in_theory(apart):
    """The integral for two Gaussians of unit variance."""

    def integrand(s):
        own, other = norm.pdf(s, apart), norm.pdf(s)
        return own * max((own - other) / (own + other), 0)

    return quad(integrand, -8, 8 + apart, points=[apart / 2])[0]


def d_sys(scores, resamples=1):
    return measure(scores, draws(scores.matrix.shape[1], resamples)).statistics["audit_d_sys"].values


def test_of_histograms_by_hand():
    mated, strange = np.array([[99.0, 0.0]]), np.array([[0.0, 99.0]])
    assert linkability(mated, strange)[0] == pytest.approx((100 - 1) / (100 + 1))  # one is added to each bin
    assert linkability(mated, mated)[0] == 0


@pytest.mark.parametrize("apart", [0.5, 1.0, 2.0])
def test_gaussians_have_the_value_of_the_integral(drawn, apart):
    assert d_sys(drawn(people=200, each=30, apart=apart))[0] == pytest.approx(in_theory(apart), abs=0.02)


def test_nothing_for_one_distribution_and_one_for_two_that_do_not_meet(drawn):
    assert d_sys(drawn(people=100, each=5, apart=0)).max() < 0.04
    assert d_sys(drawn(people=100, each=5, apart=30))[0] > 0.99


def test_shuffled_labels_take_off_what_few_pairs_feign(drawn):
    found = np.array([d_sys(drawn(people=60, each=2, apart=0, seed=seed))[0] for seed in range(10)])
    raw = []
    for seed in range(10):
        scores = drawn(people=60, each=2, apart=0, seed=seed)
        mated = np.eye(60, dtype=bool)[scores.owner]
        hists = [
            np.histogram(scores.matrix[m], 100, (scores.matrix.min(), scores.matrix.max()))[0] for m in (mated, ~mated)
        ]
        raw.append(linkability(*(h[None].astype(float) for h in hists))[0])
    assert np.mean(raw) > 0.05
    assert found.mean() < np.mean(raw) / 2


def test_probes_without_scores_link_nothing(drawn):
    whole = d_sys(drawn(people=100, each=4, apart=30))[0]
    half = d_sys(drawn(people=100, each=4, apart=30, lost=range(0, 400, 2)))[0]
    assert half == pytest.approx(whole / 2, abs=0.02)
