import math

import numpy as np
import pytest

from deepanon.audit.measures import METRICS, RANK_1, Excess, Measured, Worst, draws, measure, zero_hits
from deepanon.audit.measures.draws import share
from deepanon.errors import DataError
from deepanon.evaluation.bootstrap import percentile_interval
from deepanon.evaluation.identity.measures import Statistic

PEOPLE, EACH = 150, 4
OWNER = np.repeat(np.arange(PEOPLE), EACH)
COUNTS = draws(PEOPLE, 400, seed=5)


def made(values, people=PEOPLE, note=""):
    """What `measure` gives, of (R,) values of one metric."""
    return Measured({RANK_1: Statistic(values, people * EACH, note)}, people, 1 / people, [], [])


def simulated(rates, seed):
    """Attacks that truly succeed at these rates; a person's probes are alike."""
    rng = np.random.default_rng(seed)
    rates = np.array(rates)
    each = rng.beta(8 * rates, 8 * (1 - rates), size=(PEOPLE, len(rates)))
    hits = rng.random((len(OWNER), len(rates))) < each[OWNER]
    values = share(hits.astype(float), OWNER, COUNTS)
    return Worst.of({(f"attack {at}", "eye"): made(column) for at, column in enumerate(values.T)}, RANK_1)


def coverage(rates, runs=200):
    """How often the upper and lower limit are right, and the interval of the attack that came first."""
    truth, right = max(rates), np.zeros((runs, 3))
    for run in range(runs):
        worst = simulated(rates, run)
        first = worst.each[worst.each[:, 0].argmax()]
        low, high = percentile_interval(first[1:])
        right[run] = (truth <= worst.upper(), worst.lower() <= truth, low <= truth <= high)
    return right.mean(axis=0)


def test_limits_hold_where_many_attacks_are_equally_strong_and_the_winner_s_interval_does_not():
    upper, lower, naive = coverage([0.3] * 24)
    assert upper >= 0.95
    assert lower >= 0.92
    assert naive < 0.7


def test_limits_are_tight_where_one_attack_is_the_strongest():
    upper, lower, _ = coverage([0.5] + [0.1] * 11)
    assert 0.92 <= upper <= 0.98
    assert lower >= 0.92


@pytest.mark.parametrize(("ours", "control"), [([0.3] * 8, [0.3] * 8), ([0.5], [0.3] * 12), ([0.3] * 12, [0.3])])
def test_limits_of_a_difference_of_two_maxima_hold(ours, control):
    right = np.zeros((120, 2))
    for run in range(120):
        excess = Excess(simulated(ours, run), simulated(control, 10_000 + run))
        truth = max(ours) - max(control)
        right[run] = (truth <= excess.upper(), excess.lower() <= truth)
    assert (right.mean(axis=0) >= 0.9).all()


def test_a_plain_quantile_of_differences_would_let_a_method_pass_that_must_not():
    plain = np.zeros(100)
    for run in range(100):
        excess = Excess(simulated([0.3], run), simulated([0.25] * 12, 10_000 + run))
        plain[run] = np.quantile(excess.values[1:], 0.95) >= 0.3 - 0.25
    assert plain.mean() < 0.6


def test_attacks_on_the_same_probes_cancel():
    worst = simulated([0.3] * 12, 0)
    assert Excess(worst, worst).upper() == pytest.approx(zero_hits(PEOPLE))  # nothing but what so few people leave open
    other = Excess(worst, simulated([0.3] * 12, 1))
    assert other.upper() > 2 * zero_hits(PEOPLE)


def test_a_lower_limit_needs_no_number_of_every_attack_but_of_every_control():
    known, lost = made(np.append(0.6, np.full(300, 0.6))), made(np.full(301, np.nan), note="too few pairs")
    whole = Worst.of({("naive", "a"): known}, RANK_1)
    partial = Worst.of({("naive", "a"): known, ("deep", "a"): lost}, RANK_1)
    low = Worst.of({("naive", "a"): made(np.full(301, 0.1))}, RANK_1)
    assert Excess(partial, low).lower() == pytest.approx(0.5 - zero_hits(PEOPLE))
    assert math.isnan(Excess(partial, low).upper())
    assert math.isnan(Excess(whole, partial).lower())


def test_it_is_the_maximum_of_every_resample_and_says_whose():
    values = np.array([[0.2, 0.5, 0.1], [0.3, 0.1, 0.2]])
    worst = Worst.of({("naive", "a"): made(values[0]), ("parrot", "b"): made(values[1])}, RANK_1)
    assert worst.values.tolist() == [0.3, 0.5, 0.2]
    assert (worst.value, worst.key) == (0.3, ("parrot", "b"))


def test_nothing_but_misses_has_the_limit_of_clopper_and_pearson():
    worst = Worst.of({("naive", "a"): made(np.zeros(100), people=100)}, RANK_1)
    assert worst.value == worst.lower() == 0
    assert worst.upper() == zero_hits(100) <= 0.03
    sure = Worst.of({("naive", "a"): made(np.ones(100), people=100)}, RANK_1)
    assert (sure.upper(), sure.lower()) == (1, 1 - zero_hits(100))


def test_one_hit_is_no_surer_than_none():
    values = np.full(100, 1 / 600)
    assert Worst.of({("naive", "a"): made(values)}, RANK_1).upper() >= zero_hits(PEOPLE)


def test_an_attack_without_a_number_leaves_no_upper_limit():
    some = {("naive", "a"): made(np.full(50, 0.4)), ("deep", "b"): made(np.full(50, np.nan), note="too few pairs")}
    worst = Worst.of(some, RANK_1)
    assert math.isnan(worst.upper())
    assert worst.lower() > 0.3
    assert "deep with b has no number: too few pairs" in worst.reported("d", "m").note
    none = Worst.of({("deep", "b"): some["deep", "b"]}, RANK_1)
    assert math.isnan(none.value)
    assert none.reported("d", "m").note == "deep with b has no number: too few pairs"


def test_a_difference_to_itself_is_nothing_and_limits_say_how_sure():
    worst = simulated([0.3, 0.2], 0)
    excess = Excess(worst, worst)
    assert excess.value == 0
    assert excess.values == pytest.approx(np.zeros(401))
    assert excess.lower() <= -zero_hits(PEOPLE)
    assert excess.upper() >= zero_hits(PEOPLE)


def test_it_is_reported_under_metrics_that_have_a_meaning(drawn):
    counts = draws(60, 50)
    ours = {("naive", "a"): measure(drawn(people=60, each=10), counts)}
    for metric in (RANK_1, "audit_tar_1e-3"):
        worst = Worst.of(ours, metric)
        for value in (worst.reported("d", "m"), Excess(worst, worst).reported("d", "m")):
            assert value.metric in METRICS
            assert (value.by, value.scope) == ("a", "naive")
            assert value.low <= value.value <= value.high


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="no attack"):
        Worst.of({}, RANK_1)
    with pytest.raises(DataError, match="same people"):
        Worst.of({("a", "x"): made(np.zeros(3)), ("b", "x"): made(np.zeros(3), people=20)}, RANK_1)
    with pytest.raises(DataError, match="same metric"):
        Excess(simulated([0.3], 0), Worst.of({("a", "x"): made(np.zeros(3), people=20)}, RANK_1))
