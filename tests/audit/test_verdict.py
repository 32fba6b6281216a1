from functools import cache

import numpy as np
import pytest

from deepanon.audit.measures import draws, measure
from deepanon.audit.result import COSMETIC, FAIL, INCONCLUSIVE, PASS
from deepanon.audit.scores import Scores
from deepanon.audit.verdict import Limits, judge
from deepanon.errors import OptionError


@cache
def attacked(apart, people=150, each=4, attacks=3, seed=0, lost=False):
    """Some attacks with scores of right people `apart` above the others', by (attack, recogniser)."""
    counts, made = draws(people, 300), {}
    for attack in range(attacks):
        rng = np.random.default_rng([seed, attack])
        owner = np.repeat(np.arange(people), each)
        matrix = rng.normal(size=(len(owner), people)).astype(np.float32)
        matrix[np.arange(len(owner)), owner] += apart
        matrix[:] = np.nan if lost else matrix
        made[f"attack {attack}", "eye"] = measure(Scores(matrix, owner, np.arange(people)), counts)
    return made


def test_chance_passes_on_both_counts():
    found = judge(attacked(0), attacked(0, seed=1), uses_face=False)
    assert (found.picture, found.face, found.uses_face) == (PASS, PASS, False)
    assert len(found.why) == 4
    assert "rank-1 of the worst attack" in found.why[0]
    assert "allowed are 5.7 %: PASS" in found.why[0]
    assert "TAR at FAR 0.1 %" in found.why[1]


def test_a_broken_method_fails_on_both_counts():
    found = judge(attacked(3), attacked(0), uses_face=True)
    assert (found.picture, found.face, found.uses_face) == (FAIL, FAIL, True)


def test_what_the_surroundings_give_away_is_not_the_face_s_fault():
    context = attacked(2)
    found = judge(context, context, uses_face=False)
    assert (found.picture, found.face) == (FAIL, PASS)


def test_one_attack_that_works_is_enough():
    found = judge(attacked(0) | {("strong", "eye"): attacked(3, attacks=1)["attack 0", "eye"]}, uses_face=True)
    assert found.picture == FAIL
    assert "strong with eye" in found.why[0]


def test_one_of_two_measures_is_enough_to_fail():
    """A TAR can break where rank-1 still holds: the limits are two."""
    found = judge(attacked(1.2), uses_face=True, limits=Limits(delta=0.5, tau=0.001))
    assert found.picture == FAIL
    assert found.why[0].endswith("PASS.")
    assert found.why[1].endswith("FAIL.")


def test_too_few_people_prove_nothing_and_are_told_how_many_do():
    found = judge(attacked(-20, people=30, each=40), attacked(-20, people=30, each=40), uses_face=False)
    assert (found.picture, found.face) == (INCONCLUSIVE, INCONCLUSIVE)
    assert any("30 people are too few" in why and "59 people are needed" in why for why in found.why)


def test_near_the_limit_nothing_is_settled():
    found = judge(attacked(0.8), uses_face=False)  # rank-1 about 4 %
    assert found.picture == INCONCLUSIVE
    assert any("people would settle it" in why for why in found.why)


def test_a_rate_that_too_few_pairs_show_settles_nothing():
    found = judge(attacked(0, people=60, each=4), uses_face=False)
    assert found.picture == INCONCLUSIVE
    assert any("rule of 30" in why for why in found.why)
    assert (
        judge(attacked(0, people=60, each=4), uses_face=False, limits=Limits(delta=0.2, tau=0.2, far=0.1)).picture
        == PASS
    )
    assert judge(attacked(4, people=60, each=4), uses_face=False).picture == FAIL  # by rank-1 alone


def test_without_a_control_nothing_is_said_of_the_face():
    found = judge(attacked(0), uses_face=False)
    assert (found.picture, found.face) == (PASS, INCONCLUSIVE)
    assert "no context control" in found.why[-1]
    assert judge(attacked(0), {("other", "eye"): None}, uses_face=False).face == INCONCLUSIVE


def test_an_attack_on_the_control_alone_hides_nothing():
    context = attacked(0, seed=1) | {("strong", "eye"): attacked(3, attacks=1)["attack 0", "eye"]}
    assert judge(attacked(3), context, uses_face=True).face == FAIL


def test_a_cosmetic_method_can_fail_but_never_pass():
    good = judge(attacked(0), attacked(0, seed=1), uses_face=True, cosmetic=True)
    assert (good.picture, good.face) == (COSMETIC, COSMETIC)
    bad = judge(attacked(3), attacked(0), uses_face=True, cosmetic=True)
    assert (bad.picture, bad.face) == (FAIL, FAIL)
    unsure = judge(attacked(0.8), attacked(0.8, seed=1), uses_face=True, cosmetic=True)
    assert unsure.picture == COSMETIC


def test_attacks_that_say_nothing_are_blind_guesses():
    assert judge(attacked(0, lost=True), uses_face=False).picture == PASS


def test_limits_are_checked():
    for bad in ({"delta": 0}, {"tau": 1.0}, {"level": 0.4}, {"level": 95}, {"far": 0.02}, {"delta": float("nan")}):
        with pytest.raises(OptionError, match=next(iter(bad))):
            Limits(**bad)


@pytest.mark.parametrize("nearly", [-0.002, 0.002])
def test_it_is_limits_that_are_judged_and_not_the_number(nearly):
    made = attacked(1.5)
    found = max(one.statistics["audit_rank_1"].values[0] for one in made.values())
    limits = Limits(delta=found - 1 / 150 + nearly, tau=0.9)
    assert judge(made, uses_face=True, limits=limits).picture == INCONCLUSIVE


def test_nothing_passes_while_something_is_in_doubt():
    calm = attacked(0), attacked(0, seed=1)
    found = judge(*calm, uses_face=False, doubts=["the finder misses faces in 40.0 % of the photos."])
    assert (found.picture, found.face) == (INCONCLUSIVE, INCONCLUSIVE)
    assert "Doubt: the finder misses faces" in found.why[-1]
    assert judge(attacked(3), attacked(0), uses_face=True, doubts=["anything"]).picture == FAIL


def test_where_the_surroundings_tell_everything_nothing_is_said_of_the_face():
    """Photos of one event: grey boxes are named as well as faces, and a method that does nothing adds nothing."""
    context = attacked(6)
    found = judge(context, context, uses_face=True, clear=attacked(6, seed=1))
    assert found.face == INCONCLUSIVE
    assert "too little lies between them" in found.why[-1]
    assert judge(attacked(0), attacked(0, seed=1), uses_face=False, clear=attacked(6)).face == PASS


def test_who_says_that_the_face_is_not_seen_and_shows_a_trace_of_it_fails():
    found = judge(attacked(0, lost=True), attacked(0, lost=True, seed=1), uses_face=False, depends=True)
    assert (found.picture, found.face, found.uses_face) == (FAIL, FAIL, True)
    assert "leaks" in found.why[-1]
    assert judge(attacked(0, lost=True), uses_face=True, depends=True).picture == PASS
