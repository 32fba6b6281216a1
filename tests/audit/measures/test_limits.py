import pytest
from scipy.stats import beta

from deepanon.audit.measures import people_needed, percent, zero_hits


@pytest.mark.parametrize("people", [1, 20, 100, 300])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_limit_is_that_of_clopper_and_pearson(people, level):
    assert zero_hits(people, level) == pytest.approx(beta.ppf(level, 1, people))


def test_the_rule_of_three():
    assert 0.029 < zero_hits(100) <= 0.03
    assert 0.0099 < zero_hits(300) <= 0.01
    assert zero_hits(0) == 1


def test_people_who_are_needed():
    assert people_needed(lambda n: 0.05) == 59
    assert zero_hits(59) <= 0.05 < zero_hits(58)
    with_chance = people_needed(lambda n: 1 / n + 0.05)
    assert zero_hits(with_chance) <= 1 / with_chance + 0.05
    assert zero_hits(with_chance - 1) > 1 / (with_chance - 1) + 0.05
    assert people_needed(lambda n: 0) is None


def test_percent():
    assert percent(0.0567) == "5.7 %"
    assert percent(float("nan")) == "unknown"
