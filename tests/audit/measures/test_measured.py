import time

import numpy as np
import pytest

from deepanon.audit.measures import METRICS, Deployed, draws, measure
from deepanon.audit.scores import Scores
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.bootstrap import percentile_interval
from deepanon.evaluation.metric import UNITS


def renamed(scores, columns, rows):
    """The same scores, with people in other columns and probes in other rows."""
    back = np.argsort(columns)
    return Scores(scores.matrix[rows][:, columns], back[scores.owner[rows]], scores.people[columns])


@pytest.mark.parametrize("levels", [None, 3])
def test_names_and_order_of_people_and_probes_change_nothing(drawn, levels):
    scores, counts = drawn(people=40, each=4, levels=levels, lost=(3, 77)), draws(40, 50)
    rng = np.random.default_rng(4)
    columns, rows = rng.permutation(40), rng.permutation(160)
    one, other = (
        measure(s, c, Deployed.of(s, c, (0.1,)), (0.1, 0.01))
        for s, c in ((scores, counts), (renamed(scores, columns, rows), counts[:, columns]))
    )
    assert one.statistics.keys() == other.statistics.keys()
    for metric, found in one.statistics.items():
        if levels is None or metric != "audit_d_sys":  # of people who are level, those that are shuffled may differ
            assert other.statistics[metric].values == pytest.approx(found.values, nan_ok=True), metric
    assert np.array(other.det) == pytest.approx(np.array(one.det))
    assert other.cmc == pytest.approx(one.cmc)


def test_nothing_to_say_is_a_blind_guess(drawn):
    counts = draws(60, 100)
    found = measure(drawn(people=60, each=10, lost=range(600)), counts).statistics
    expected = {"rank_1": 1 / 60, "rank_1_normalised": 0, "tar_1e-1": 0.1, "tar_1e-3": 1e-3, "eer": 0.5, "auc": 0.5}
    expected |= {"d_prime": 0, "d_sys": 0, "missing": 1}
    for metric, value in expected.items():
        assert found[f"audit_{metric}"].values == pytest.approx(np.full(101, value)), metric
    assert "blind guess" in found["audit_eer"].note


def test_lost_probes_are_mixed_with_blind_guesses_in_every_measure(drawn):
    counts = draws(60, 1)
    whole = measure(drawn(people=60, each=20, apart=2), counts).statistics
    half = measure(drawn(people=60, each=20, apart=2, lost=range(0, 1200, 2)), counts).statistics
    for metric, blind in (("rank_1", 1 / 60), ("tar_1e-2", 0.01), ("auc", 0.5)):
        between = (whole[f"audit_{metric}"].values[0] + blind) / 2
        assert half[f"audit_{metric}"].values[0] == pytest.approx(between, abs=0.03), metric
    assert half["audit_d_prime"].values[0] == pytest.approx(1 / np.sqrt((1 + 1 + 1) / 2), abs=0.06)


def test_d_prime_of_gaussians(drawn):
    found = measure(drawn(people=200, each=30, apart=1.5), draws(200, 1)).statistics["audit_d_prime"]
    assert found.values[0] == pytest.approx(1.5, abs=0.03)


def test_values_name_what_they_are_of_and_every_metric_has_a_meaning(drawn):
    scores, counts = drawn(people=60, each=10), draws(60, 100)
    values = measure(scores, counts, Deployed.of(scores, counts)).values("drawn", "eye", "blur", "naive")
    assert {(v.part, v.data, v.by, v.method, v.scope) for v in values} == {("audit", "drawn", "eye", "blur", "naive")}
    assert {v.metric for v in values} <= METRICS.keys()
    assert all(v.low <= v.value <= v.high for v in values)
    assert all(m.unit in UNITS and m.text.endswith(".") for m in METRICS.values())


def test_what_pairs_cannot_show_has_no_value_and_says_why(drawn):
    found = {v.metric: v for v in measure(drawn(), draws(12, 20)).values("d", "e", "m", "a")}
    assert np.isnan(found["audit_tar_1e-2"].value)
    assert "rule of 30" in found["audit_tar_1e-2"].note
    assert "audit_tar_1e-4" not in found
    assert "audit_tar_1e-4" in measure(drawn(people=550, each=1), draws(550, 2)).statistics
    few = measure(drawn(people=6), draws(6, 20)).statistics
    assert "gallery holds 6 people" in few["audit_rank_10"].note


def test_no_hit_at_all_has_the_limit_of_clopper_and_pearson(drawn):
    scores = drawn(people=100, each=2, apart=-20)
    found = {v.metric: v for v in measure(scores, draws(100, 50)).values("d", "e", "m", "a")}["audit_rank_1"]
    assert (found.value, found.low) == (0, 0)
    assert 0.029 < found.high <= 0.03
    assert "Clopper" in found.note


def test_curves_start_at_one_pair_and_end_with_all(drawn):
    found = measure(drawn(people=60, each=10), draws(60, 2))
    assert found.curves == {"cmc": found.cmc, "det": found.det}
    assert len(found.cmc) == 60
    assert found.cmc[-1] == 1
    far, frr = np.array(found.det).T
    assert (far[0], far[-1]) == (pytest.approx(1 / 35_400), 1)
    assert frr[-1] == 0
    assert (np.diff(frr) <= 1e-12).all()


def test_bad_counts_and_rates_are_refused(drawn):
    with pytest.raises(DataError, match="shape"):
        measure(drawn(), draws(11, 3))
    with pytest.raises(DataError, match="first row"):
        measure(drawn(), draws(12, 3)[1:])
    with pytest.raises(OptionError, match="rates must be some of"):
        measure(drawn(), draws(12, 3), fars=(0.5,))


def clustered(seed, people=150, each=4):
    """Scores whose hits at rank 1 are binomial in each person, with a chance of the person's own, 0.3 in the mean."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(people), each)
    hit = rng.random(len(owner)) < rng.beta(1.5, 3.5, people)[owner]
    matrix = np.zeros((len(owner), people), dtype=np.float32)
    matrix[np.arange(len(owner)), owner] = np.where(hit, 1, -1)
    return Scores(matrix, owner, np.arange(people))


def test_intervals_cover_the_truth_although_probes_of_a_person_are_alike():
    from deepanon.audit.measures.ranks import Ranks

    counts = draws(150, 300, seed=5)
    inside, narrow = [], []
    for seed in range(600):
        first = Ranks.of(clustered(seed)).ahead == 0
        low, high = percentile_interval(Ranks.of(clustered(seed)).cmc(counts)[1:, 0])
        inside.append(low <= 0.3 <= high)
        half = 1.96 * np.sqrt(first.mean() * (1 - first.mean()) / len(first))  # as if probes were independent
        narrow.append(abs(first.mean() - 0.3) <= half)
    assert 0.92 <= np.mean(inside) <= 0.98
    assert np.mean(narrow) < 0.92


def test_a_matrix_takes_less_than_half_a_second(drawn):
    scores, counts = drawn(people=150, each=4), draws(150, 1000)
    took = []
    for _ in range(3):
        start = time.process_time()
        measure(scores, counts)
        took.append(time.process_time() - start)
    assert min(took) < 0.5
