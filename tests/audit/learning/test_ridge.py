"""Ridge regression against the textbook, and what is left out against learning again."""

import numpy as np
import pytest

from deepanon.audit.learning.ridge import Ridge

RNG = np.random.default_rng(0)
X, Y, NEW = RNG.normal(size=(20, 6)), RNG.normal(size=(20, 3)), RNG.normal(size=(4, 6))


def textbook(x, y, new, strength):
    centred = x - x.mean(0)
    scale = np.trace(centred @ centred.T) / len(x)
    weights = np.linalg.solve(centred.T @ centred + strength * scale * np.eye(6), centred.T @ (y - y.mean(0)))
    return y.mean(0) + (new - x.mean(0)) @ weights


@pytest.mark.parametrize("strength", [1e-3, 0.1, 10])
def test_the_dual_form_is_the_primal_one(strength):
    assert np.allclose(Ridge(X, Y)(NEW, strength), textbook(X, Y, NEW, strength))


def test_left_out_is_what_the_others_say_up_to_the_mean():
    strength = 0.1
    fit, found = Ridge(X, Y), Ridge(X, Y).left_out(strength)
    scale = fit.scale
    for row in range(3):
        rest = np.arange(len(X)) != row
        inputs, targets = X - X.mean(0), Y - Y.mean(0)
        weights = np.linalg.solve(
            inputs[rest].T @ inputs[rest] + strength * scale * np.eye(6), inputs[rest].T @ targets[rest]
        )
        assert np.allclose(found[row], Y.mean(0) + inputs[row] @ weights)


def test_a_kernel_learns_what_no_line_does():
    inputs = np.linspace(-2, 2, 60)[:, None]
    targets = inputs**2
    kernel, line = (float(np.abs(Ridge(inputs, targets, w)(inputs, 1e-4) - targets).mean()) for w in (0.5, None))
    assert kernel < 0.05 < 0.5 < line
