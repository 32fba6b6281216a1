import numpy as np
import pytest

from deepanon.audit.measures import Deployed, draws, measure
from deepanon.audit.measures.deployed import accepted, harmed, too_few


@pytest.fixture
def clear(drawn):
    return drawn(people=60, each=10, apart=5, seed=7)


def test_thresholds_accept_the_share_that_was_asked_for(clear):
    counts = draws(60, 20)
    found = Deployed.of(clear, counts)
    wrong = clear.matrix[np.arange(60) != clear.owner[:, None]]
    for far, thresholds in found.thresholds.items():
        assert thresholds.shape == (21,)
        assert (wrong > thresholds[0]).sum() == int(far * wrong.size)
    assert set(found.thresholds) == {0.1, 0.01, 0.001}
    assert "300,000 pairs" in found.refused[1e-4]


def test_thresholds_of_a_resample_are_those_of_repeated_people(drawn, slow):
    scores = drawn(people=20, each=3)
    counts = draws(20, 5, seed=3)
    found = Deployed.of(scores, counts, (0.1,)).thresholds[0.1]
    for row, times in enumerate(counts):
        _, wrong = slow(scores, times).pairs()
        assert (wrong > found[row]).mean() <= 0.1 + 1e-9
        assert (wrong >= found[row]).mean() > 0.1 - 1e-9


def test_accepted_and_harmed_by_counting(drawn):
    scores, counts = drawn(lost=(0, 1)), draws(12, 30)
    thresholds = np.linspace(0, 2, 31)
    tar, harm = accepted(scores, counts, thresholds, 0.1), harmed(scores, counts, thresholds, 0.1)
    for row in (0, 7, 30):
        right, wrong, weight = [], [], []
        for probe, who in enumerate(scores.owner):
            weight.append(counts[row, who])
            lost = probe < 2
            right.append(0.1 if lost else scores.matrix[probe, who] > thresholds[row])
            others = np.delete(scores.matrix[probe], who)
            wrong.append(1 - 0.9**11 if lost else others.max() > thresholds[row])
        assert tar[row] == pytest.approx(np.average(right, weights=weight))
        assert harm[row] == pytest.approx(np.average(wrong, weights=weight))


def test_a_system_in_use_is_measured_where_its_threshold_means_something(drawn, clear):
    counts = draws(60, 20)
    probes = drawn(people=60, each=10, apart=1)
    found = measure(probes, counts, Deployed.of(clear, counts)).statistics
    tar, psr = found["audit_tar_deployed_1e-3"].values, found["audit_psr_1e-3"].values
    assert psr == pytest.approx(1 - tar)
    assert tar[0] == pytest.approx(0.018, abs=0.012)  # a Gaussian 1 above, 3.09 to go
    assert found["audit_third_party_clear_1e-3"].values[0] == pytest.approx(1 - 0.999**59, abs=0.03)
    assert "audit_psr_1e-3" not in measure(probes, counts).statistics


def test_the_rule_of_30():
    assert not too_few(30_000, 1e-3)
    assert "needs 30,000 pairs" in too_few(29_999, 1e-3)
    assert "there are 29,999" in too_few(29_999, 1e-3)
