from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from deepanon.data.pairs import Pairs
from deepanon.evaluation.identity.impostors import Impostors
from deepanon.evaluation.identity.retrieval import FAILED
from deepanon.evaluation.identity.roc import far_threshold, least_error_threshold
from deepanon.evaluation.identity.verification import (
    Scored,
    accept_rate,
    accuracy,
    at_far,
    fold_thresholds,
    own_pairs,
    pair_weights,
    pooled,
    separation,
    threshold,
)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def photos(people=30, each=4, noise=1.0, size=16, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(people), each)
    return unit(rng.normal(size=(people, size))[codes] + noise * rng.normal(size=(len(codes), size))), codes


def scored_pairs(first, second, pairs, people, counts):
    return Scored.of(first, second, pairs, pair_weights(pairs, people, counts))


def some_pairs(people, folds=5, each=40, seed=0):
    rng, rows = np.random.default_rng(seed), []
    for fold in range(folds):
        here = np.flatnonzero(people % folds == fold)
        while sum(r[3] == fold and r[2] for r in rows) < each or sum(r[3] == fold and not r[2] for r in rows) < each:
            a, b = rng.choice(here, 2, replace=False)
            same = people[a] == people[b]
            if sum(r[3] == fold and r[2] == same for r in rows) < each:
                rows.append((a, b, same, fold))
    first, second, same, fold = (np.array(column) for column in zip(*rows, strict=True))
    return Pairs(first, second, same, fold)


@pytest.fixture(scope="module")
def case():
    originals, people = photos()
    pairs = some_pairs(people)
    anonymized = unit(originals + 0.5 * np.random.default_rng(3).normal(size=originals.shape))
    return originals, anonymized, people, pairs, np.ones((1, 30))


def lose(vectors, share=0.3):
    rng = np.random.default_rng(9)
    return np.where(rng.random((len(vectors), 1)) < share, np.nan, vectors)


def test_lfw_protocol_by_a_loop(case):
    """Accuracy and TAR as facenet's calculate_roc and calculate_val: thresholds from the other folds, on real pairs."""
    originals, anonymized, people, pairs, counts = case
    real = scored_pairs(originals, originals, pairs, people, counts)
    scored = scored_pairs(originals, anonymized, pairs, people, counts)
    right, accepted = [], []
    for fold in range(5):
        train = [(originals[a] @ originals[b], s) for a, b, s, f in rows(pairs) if f != fold]
        test = [(originals[a] @ anonymized[b], s) for a, b, s, f in rows(pairs) if f == fold]
        tries = sorted(score for score, _ in train)
        halves = [tries[0] - 1, *((x + y) / 2 for x, y in pairwise(tries)), tries[-1] + 1]
        best = min(reversed(halves), key=lambda t: sum((score > t) != s for score, s in train))
        right.append(np.mean([(score > best) == s for score, s in test]))
        strangers = sorted((score for score, s in train if not s), reverse=True)
        level = strangers[int(0.05 * len(strangers))]
        accepted.append(np.mean([score > level for score, s in test if s]))
    assert accuracy(scored, fold_thresholds(real, least_error_threshold), "skip")[0] == pytest.approx(right)
    found = accept_rate(scored, fold_thresholds(real, at_far(0.05)), np.array(0.05), "skip")[0]
    assert found == pytest.approx(accepted)
    assert 0.5 < np.mean(right) < 1
    assert 0 < np.mean(accepted) < 1


def rows(pairs):
    return zip(pairs.first, pairs.second, pairs.same, pairs.fold, strict=True)


def test_thresholds_do_not_depend_on_anonymized_photos(case):
    """A method that drives all similarities to -1 must not be given a threshold of its own."""
    originals, _, people, pairs, counts = case
    real = scored_pairs(originals, originals, pairs, people, counts)
    opposite = scored_pairs(originals, -originals, pairs, people, counts)
    assert accept_rate(pooled(opposite), threshold(real, at_far(0.1)), np.array(0.1), "skip") == [[0]]
    assert accuracy(opposite, fold_thresholds(real, least_error_threshold), "skip").mean() < 0.55
    assert separation(opposite, "skip")[0][0] < 0.2  # and yet they tell people apart, turned around


def test_match_rate_is_the_share_of_accepted_own_photos(case):
    originals, anonymized, people, _, counts = case
    own = scored_pairs(originals, anonymized, own_pairs(len(people)), people, counts)
    similarity = (originals * anonymized).sum(axis=1)
    level = np.array([[np.median(similarity)]])
    assert accept_rate(own, level, np.array(0.0), "skip")[0, 0] == pytest.approx((similarity > level).mean())
    clear = scored_pairs(originals, originals, own_pairs(len(people)), people, counts)
    assert accept_rate(clear, np.array([[0.99]]), np.array(0.0), "miss") == [[1]]


def test_failures_are_counted_three_ways(case):
    originals, anonymized, people, pairs, counts = case
    scored = scored_pairs(originals, lose(anonymized), pairs, people, counts)
    lost = np.isnan(scored.alike)
    assert 0.2 < lost.mean() < 0.4
    level, one = np.array([[0.4]]), pooled(scored)
    accepted, same = scored.alike > 0.4, scored.same
    by_hand = {
        "skip": accepted[same & ~lost].mean(),
        "chance": (accepted[same].sum() + 0.01 * lost[same].sum()) / same.sum(),
        "miss": accepted[same].mean(),
    }
    found = {failed: accept_rate(one, level, np.array(0.01), failed)[0, 0] for failed in FAILED}
    assert found == pytest.approx(by_hand)
    right = np.where(lost, np.nan, accepted == same)
    by_hand = {
        "skip": (np.nanmean(right[same]) + np.nanmean(right[~same])) / 2,
        "chance": np.where(lost, 0.5, right).mean(),  # as many pairs of one person as of two
        "miss": np.where(lost, ~same, right).mean(),
    }
    assert {failed: accuracy(one, level, failed)[0, 0] for failed in FAILED} == pytest.approx(by_hand)
    assert one.count("skip") == (~lost).sum() < one.count("miss") == one.count("chance") == len(pairs)


def test_area_with_failures_three_ways(case):
    originals, anonymized, people, pairs, counts = case
    scored = scored_pairs(originals, lose(anonymized), pairs, people, counts)
    lost, same = np.isnan(scored.alike), scored.same

    def mann_whitney(alike, keep):
        genuine, strangers = alike[keep & same], alike[keep & ~same]
        return mannwhitneyu(genuine, strangers).statistic / (len(genuine) * len(strangers))

    seen = mann_whitney(scored.alike, ~lost)
    share = (~lost[same]).mean()
    found = {failed: separation(scored, failed)[0][0] for failed in FAILED}
    assert found["skip"] == pytest.approx(seen)
    assert found["chance"] == pytest.approx(share * seen + (1 - share) / 2)
    assert found["miss"] == pytest.approx(mann_whitney(np.where(lost, -9, scored.alike), np.ones_like(lost)))
    assert separation(scored, "skip")[1] < separation(scored, "chance")[1]


def test_nothing_found_is_no_number(case):
    originals, anonymized, people, pairs, counts = case
    scored = scored_pairs(originals, anonymized * np.nan, pairs, people, counts)
    assert np.isnan(separation(scored, "skip")[0]).all()
    assert separation(scored, "chance")[0].tolist() != [1]
    assert separation(scored, "miss")[0] == [0.5]
    assert np.isnan(accept_rate(scored, np.zeros((1, 5)), np.array(0.1), "skip")).all()


def test_pairs_of_two_people_weigh_as_their_product(case):
    originals, _, people, pairs, _ = case
    counts = np.random.default_rng(0).integers(0, 4, (3, 30))
    weights = scored_pairs(originals, originals, pairs, people, counts).weights
    for row in range(3):
        for p, (a, b, same, _) in enumerate(rows(pairs)):
            expected = counts[row, people[a]] * (1 if same else counts[row, people[b]])
            assert weights[row, p] == expected


@pytest.mark.parametrize("far", [0.002, 0.02, 0.2])
def test_impostors_agree_with_all_pairs(case, far, monkeypatch):
    originals, _, people, _, _ = case
    monkeypatch.setattr("deepanon.evaluation.identity.impostors.BLOCK", 7)
    impostors = Impostors(originals, people, far)
    a, b = np.triu_indices(len(people), 1)
    strangers = people[a] != people[b]
    a, b = a[strangers], b[strangers]
    assert impostors.pairs == len(a)
    counts = np.concatenate([np.ones((1, 30)), np.random.default_rng(2).integers(0, 3, (6, 30))])
    alike = (originals[a] * originals[b]).sum(axis=1)
    whole = far_threshold(alike, counts[:, people[a]] * counts[:, people[b]], far)
    assert impostors.threshold(far, counts) == pytest.approx(whole)
    assert len(impostors.alike) < len(a)
