"""What the numbers must say: clear photos are recognised, strangers' faces are not, and a missing number says why."""

import math

import numpy as np
import pytest

from deepanon.data.pairs import Pairs, make_pairs
from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError, OptionError
from deepanon.evaluation.identity import Seen, identity_values
from deepanon.evaluation.identity.metrics import METRICS

PEOPLE, EACH = 40, 4


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def photos(people):
    nothing = np.zeros((0, 4)), np.zeros(0, dtype=bool)
    return [AnnotatedPhoto(None, f"{i}", *nothing, person=person) for i, person in enumerate(people)]


@pytest.fixture(scope="module")
def case():
    """A world in which a vector is who it is, plus a little of the photo; grey boxes show the photo only."""
    rng = np.random.default_rng(0)
    people = [f"p{i:02d}" for i in range(PEOPLE) for _ in range(EACH)]
    codes = np.repeat(np.arange(PEOPLE), EACH)
    identity, hair = rng.normal(size=(PEOPLE, 32))[codes], 0.5 * rng.normal(size=(PEOPLE, 32))[codes]
    noise = [0.35 * rng.normal(size=(len(codes), 32)) for _ in range(5)]
    stranger = [rng.normal(size=(len(codes), 32)) for _ in range(2)]
    return {
        "people": people,
        "originals": unit(identity + hair + noise[0]),
        "blur": unit(0.6 * identity + hair + noise[1]),
        "gan": [unit(face + hair + noise[2 + i]) for i, face in enumerate(stranger)],
        "context": unit(hair + 2 * noise[4]),  # a network is not at home with grey boxes
        "pairs": make_pairs(photos(people), folds=4, per_fold=50),
    }


def values(case, anonymized, alignment="oracle", **options):
    context = options.pop("context", case["context"])
    seen = Seen("toynet", alignment, case["people"], case["originals"], anonymized, context)
    return identity_values("toy", seen, **{"pairs": case["pairs"], "resamples": 100} | options)


def table(found):
    assert all(value.part == "identity" and value.metric in METRICS for value in found)
    keys = [(value.method, value.metric, value.scope) for value in found]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, found, strict=True))


def test_without_any_change_people_are_recognised_as_in_clear_photos(case):
    found = table(values(case, {"nothing": [case["originals"]]}))
    own = {key[1:]: value for key, value in found.items() if key[0] == "nothing" and "context" not in key[1]}
    clear = {key[1:]: value for key, value in found.items() if key[0] == "none" and key[1] != "left_out"}
    assert own.keys() == clear.keys()
    for key, value in own.items():
        same = (value.value, value.low, value.high, value.n)
        assert same == pytest.approx((clear[key].value, clear[key].low, clear[key].high, clear[key].n), nan_ok=True)
    assert own["rank_1", "oracle"].value > 0.95
    assert own["self_retrieval", "oracle"].value == own["match_rate_1e-2", "oracle"].value == 1


def test_anonymized_photos_are_held_against_clear_ones_and_not_against_each_other(case):
    """Turned by a right angle, photos are as near to each other as before, and each is at cosine 0 to its own."""
    turned = np.kron(np.eye(16), [[0, -1], [1, 0]])
    found = table(values(case, {"turned": [case["originals"] @ turned]}))
    for metric, chance in (("pair_auc", 0.5), ("lfw_accuracy", 0.5), ("rank_1", 3 / 159), ("self_retrieval", 1 / 160)):
        assert found["turned", metric, "oracle"].value == pytest.approx(chance, abs=0.1), metric


def test_methods_are_ranked_and_what_is_left_of_strangers_is_the_photo(case):
    found = table(values(case, {"blur": [case["blur"]], "gan": case["gan"]}))
    for metric in ("rank_1", "pair_auc", "lfw_accuracy", "match_rate_1e-2"):
        clear, blur, gan = (found[method, metric, "oracle"].value for method in ("none", "blur", "gan"))
        assert clear >= blur > gan, metric
    over = {method: found[method, "rank_1_over_context", "oracle"] for method in ("blur", "gan")}
    assert over["blur"].low > 0.1 > 0 > over["gan"].low  # a stranger's face hides the hair more than grey does
    gan, both = found["gan", "rank_1", "oracle"], found["context, both sides", "rank_1", "oracle"]
    assert over["gan"].value == pytest.approx(gan.value - both.value)
    assert found["gan", "pair_auc", "oracle"].value > 0.6  # and yet they are not unlinkable


def test_a_fixed_face_for_everybody_is_at_chance(case):
    same = np.tile(case["originals"][:1], (PEOPLE * EACH, 1))
    found = table(values(case, {"mask": [same]}))
    assert found["mask", "self_retrieval", "oracle"].value == pytest.approx(1 / 160)
    assert found["mask", "rank_1_normalised", "oracle"].value == pytest.approx(0, abs=0.02)
    assert found["mask", "lfw_accuracy", "oracle"].value == pytest.approx(0.5, abs=0.1)
    assert found["mask", "pair_auc", "oracle"].value == pytest.approx(0.5, abs=0.1)


def test_seeds_are_listed_and_averaged(case):
    value = table(values(case, {"gan": case["gan"]}))["gan", "rank_5", "oracle"]
    single = [table(values(case, {"gan": [run]}))["gan", "rank_5", "oracle"] for run in case["gan"]]
    assert value.seeds == tuple(one.value for one in single)
    assert value.value == pytest.approx(np.mean(value.seeds))
    assert value.low < value.value < value.high
    assert single[0].seeds == ()


def test_failures_are_told_three_ways_and_counted(case):
    lost = case["gan"][0].copy()
    lost[::4] = np.nan
    found = table(values(case, {"gan": [lost]}, alignment="own"))
    assert found["gan", "failure_rate", "own"].value == 0.25
    skip, chance, miss = (found["gan", "rank_10", f"own, {failed}"] for failed in ("skip", "chance", "miss"))
    assert (skip.n, chance.n, miss.n) == (120, 160, 160)
    assert miss.value == pytest.approx(0.75 * skip.value)
    assert miss.value < chance.value < skip.value
    assert ("context, both sides", "rank_1", "own, skip") not in found
    with pytest.raises(DataError, match="'gan' has no vector for photo 0, though the original has"):
        values(case, {"gan": [lost]})


def test_a_method_after_which_no_face_is_found_at_all(case):
    nobody = np.full_like(case["originals"], np.nan)
    found = table(values(case, {"black": [nobody]}, alignment="own"))
    for metric in ("self_retrieval", "rank_1", "rank_1_normalised", "lfw_accuracy", "pair_auc", "match_rate_1e-2"):
        skip, chance, miss = (found["black", metric, f"own, {failed}"] for failed in ("skip", "chance", "miss"))
        assert math.isnan(skip.value)
        assert skip.note == "no face was found in any of the photos that count"
        assert skip.n == 0
        if metric not in ("lfw_accuracy", "pair_auc"):
            assert miss.value <= 0
            assert chance.value >= miss.value
    assert found["black", "lfw_accuracy", "own, chance"].value == found["black", "pair_auc", "own, miss"].value == 0.5
    assert found["black", "failure_rate", "own"].value == 1


def test_photos_without_a_face_in_the_original_are_left_out_on_both_sides(case):
    gone = case["originals"].copy()
    gone[[3, 9]] = np.nan
    found = table(values(case | {"originals": gone}, {"gan": [case["gan"][0]]}, alignment="own"))
    assert (found["none", "left_out", "own"].value, found["none", "left_out", "own"].n) == (2, 160)
    assert found["gan", "self_retrieval", "own, miss"].n == 158
    assert "N = 158, chance 1/158" in found["gan", "self_retrieval", "own, miss"].note
    ways = [column in (3, 9) for column in np.concatenate([case["pairs"].first, case["pairs"].second])]
    assert found["gan", "pair_auc", "own, miss"].n == len(case["pairs"]) - sum(ways)


def test_rates_that_too_few_pairs_cannot_show_are_refused(case):
    found = table(values(case, {"gan": [case["gan"][0]]}, fars=(1e-2, 1e-4)))
    impostors = int((~case["pairs"].same).sum())
    for metric, have in (("pair_tar", impostors), ("lfw_tar", impostors * 3 // 4), ("match_rate", 160 * 156 // 2)):
        value = found["gan", f"{metric}_1e-4", "oracle"]
        if metric == "match_rate":
            assert math.isfinite(value.value)
            assert have > 10_000
            continue
        assert math.isnan(value.value)
        assert math.isnan(value.low)
        assert value.note == (
            f"a FAR of 0.0001 needs 10,000 pairs of real photos of two people or more, there are {have}"
        )
        assert math.isfinite(found["gan", f"{metric}_1e-2", "oracle"].value)


def test_the_two_sided_control_says_what_it_cannot_say(case):
    found = table(values(case, {}))
    for metric in ("self_retrieval", "match_rate_1e-2"):
        value = found["context, both sides", metric, "oracle"]
        assert math.isnan(value.value)
        assert "by construction" in value.note
    assert found["context, both sides", "rank_1", "oracle"].value > found["context", "rank_1", "oracle"].value
    assert not any(key[0].startswith("context") for key in table(values(case, {}, context=None)))


def test_without_pairs_or_folds_the_rest_is_still_told(case):
    none = Pairs(*(np.zeros(0, dtype=np.int64) for _ in range(2)), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    found = table(values(case, {"gan": [case["gan"][0]]}, pairs=none))
    assert math.isfinite(found["gan", "rank_1", "oracle"].value)
    for metric in ("lfw_accuracy", "pair_auc"):
        assert math.isnan(found["gan", metric, "oracle"].value)
        assert found["gan", metric, "oracle"].note
    pairs = case["pairs"]
    one = Pairs(pairs.first, pairs.second, pairs.same, np.zeros_like(pairs.fold))
    found = table(values(case, {"gan": [case["gan"][0]]}, pairs=one))
    assert "other folds" in found["gan", "lfw_accuracy", "oracle"].note
    assert math.isfinite(found["gan", "pair_tar_1e-2", "oracle"].value)


def test_intervals_hold_their_values(case):
    for value in values(case, {"blur": [case["blur"]], "gan": case["gan"]}, resamples=300):
        if math.isfinite(value.low):
            assert value.low - 0.02 <= value.value <= value.high + 0.02, value


def test_equal_input_gives_equal_numbers_and_the_seed_moves_only_intervals(case):
    first, again, other = (
        table(values(case, {"gan": [case["gan"][0]]}, seed=seed))["gan", "rank_5", "oracle"] for seed in (1, 1, 2)
    )
    assert first == again
    assert first.value == other.value
    assert (first.low, first.high) != (other.low, other.high)


def test_bad_input(case):
    good = case["gan"][0]
    with pytest.raises(OptionError, match="choose one of: oracle, own"):
        values(case, {"gan": [good]}, alignment="none")
    with pytest.raises(OptionError, match=r"false accept rates must be some of 0\.1, 0\.01"):
        values(case, {"gan": [good]}, fars=(0,))
    with pytest.raises(DataError, match="'none' is no method"):
        values(case, {"none": [good]})
    with pytest.raises(DataError, match="'gan' have shape"):
        values(case, {"gan": [good[:5]]})
    with pytest.raises(DataError, match="'gan' has no run"):
        values(case, {"gan": []})
    with pytest.raises(DataError, match="'gan' are not of unit length"):
        values(case, {"gan": [good * 2]})
    with pytest.raises(DataError, match="found on photos of 1 of the people; recognising needs two"):
        values(case | {"people": ["one"] * 160}, {"gan": [good]})
    (lost,) = values(case | {"people": ["one"] * 160}, {"gan": [good]}, "own")
    assert (lost.method, lost.metric, lost.scope, lost.value) == ("none", "left_out", "own", 0)
    assert "the attacker's detector fails" in lost.note
    with pytest.raises(DataError, match="3 names for vectors of shape"):
        values(case | {"people": ["a", "b", "c"]}, {"gan": [good]})
    far = Pairs(np.array([0]), np.array([999]), np.array([True]), np.array([0]))
    with pytest.raises(DataError, match="the pairs name photo 999, but there are 160"):
        values(case, {"gan": [good]}, pairs=far)
