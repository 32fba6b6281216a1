import numpy as np
import pytest
import torch
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from scipy.stats import mannwhitneyu
from torchmetrics.functional.classification import binary_auroc, binary_roc

from deepanon.evaluation.identity.roc import area, curve, equal_error, far_threshold, least_error_threshold


def scores(n=400, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    same = rng.random(n) < 0.4
    alike = np.tanh(rng.normal(size=n) * 0.4 + 0.4 * same)
    return (alike if levels is None else np.round(alike * levels) / levels), same


def ones(alike):
    return np.ones((1, len(alike)))


@pytest.mark.parametrize("levels", [None, 4])
def test_area_is_that_of_mann_and_whitney_and_of_torchmetrics(levels):
    alike, same = scores(levels=levels)
    found = area(*curve(alike, same, ones(alike)))[0]
    above = mannwhitneyu(alike[same], alike[~same]).statistic / (same.sum() * (~same).sum())
    assert found == pytest.approx(above, abs=1e-12)
    assert found == pytest.approx(float(binary_auroc(torch.tensor(alike), torch.tensor(same).long())), abs=1e-5)


def test_equal_error_by_a_root_search():
    alike, same = scores()
    fpr, tpr, _ = binary_roc(torch.tensor((alike + 1) / 2), torch.tensor(same).long())
    rising = fpr.numpy() + np.arange(len(fpr)) * 1e-9  # steps of no width have no slope
    theirs = brentq(lambda x: 1 - x - interp1d(rising, tpr.numpy(), fill_value="extrapolate")(x), 0, 1)
    assert equal_error(*curve(alike, same, ones(alike)))[0] == pytest.approx(theirs, abs=1e-5)
    assert 0.1 < theirs < 0.5


def test_perfect_useless_and_inverted_scores():
    same = np.array([True, True, False, False])
    for alike, auc, eer in (([0.9, 0.8, 0.2, 0.1], 1, 0), ([0.5] * 4, 0.5, 0.5), ([0.1, 0.2, 0.8, 0.9], 0, 1)):
        far, tar = curve(np.array(alike), same, np.ones((1, 4)))
        assert (area(far, tar)[0], equal_error(far, tar)[0]) == (auc, eer)


@pytest.mark.parametrize("levels", [None, 5])
@pytest.mark.parametrize("far", [0.001, 0.01, 0.1, 0.3])
def test_threshold_at_far_is_the_least_that_keeps_it(levels, far):
    alike, same = scores(3000, levels=levels)
    impostors = alike[~same]
    found = far_threshold(impostors, ones(impostors), far)[0]
    assert (impostors > found).mean() <= far
    lower = np.unique(impostors[impostors < found])
    assert (impostors > lower[-1]).mean() > far
    fpr, tpr, _ = binary_roc(torch.tensor((alike + 1) / 2), torch.tensor(same).long())
    theirs = float(tpr[fpr <= far + 1e-7].max())
    assert (alike[same] > found).mean() == pytest.approx(theirs, abs=1e-6)


def test_a_whole_number_of_allowed_accepts_is_not_lost_to_rounding():
    impostors = np.linspace(0, 1, 1000)
    assert (impostors > far_threshold(impostors, ones(impostors), 0.003)[0]).sum() == 3
    assert (impostors > far_threshold(impostors, ones(impostors), 1 / 1000)[0]).sum() == 1


def test_the_most_alike_impostors_are_enough():
    alike, _ = scores(1000)
    top = np.sort(alike)[-60:]
    whole = far_threshold(alike, ones(alike), 0.02)
    assert far_threshold(top, ones(top), 0.02, np.array([1000.0])) == whole


def error(alike, same, threshold):
    """Half the false rejects and half the false accepts."""
    return ((alike[same] <= threshold).mean() + (alike[~same] > threshold).mean()) / 2


@pytest.mark.parametrize("levels", [None, 5])
def test_least_error_by_trying_every_threshold(levels):
    alike, same = scores(levels=levels)
    found = least_error_threshold(alike, same, ones(alike))[0]
    tried = [error(alike, same, threshold) for threshold in np.append(np.unique(alike), -2)]
    assert error(alike, same, found) == pytest.approx(min(tried))
    assert found not in alike


def test_least_error_of_separated_kinds_lies_half_way():
    same = np.array([True, True, False, False])
    assert least_error_threshold(np.array([0.8, 0.7, 0.3, 0.1]), same, np.ones((1, 4)))[0] == pytest.approx(0.5)


def test_weights_are_the_same_as_listing_pairs_so_often():
    alike, same = scores(80, levels=6)
    weights = np.random.default_rng(1).integers(0, 4, (5, 80)).astype(float)
    far, tar = curve(alike, same, weights)
    for row, weight in enumerate(weights.astype(int)):
        listed, kind = np.repeat(alike, weight), np.repeat(same, weight)
        single = curve(listed, kind, ones(listed))
        assert area(far, tar)[row] == pytest.approx(area(*single)[0])
        assert equal_error(far, tar)[row] == pytest.approx(equal_error(*single)[0])
        assert far_threshold(alike[~same], weights[row : row + 1, ~same], 0.1) == far_threshold(
            listed[~kind], ones(listed[~kind]), 0.1
        )
        ours, theirs = (
            error(listed, kind, threshold)
            for threshold in (
                least_error_threshold(alike, same, weights[row : row + 1])[0],
                least_error_threshold(listed, kind, ones(listed))[0],
            )
        )
        assert ours == pytest.approx(theirs)
