"""Arguments that are of another kind are a `TypeError`, impossible values an `OptionError`; both name the argument."""

import numpy as np
import pytest

from deepanon.checks import check_count, check_kind, check_range, check_switch, check_weight
from deepanon.errors import OptionError


@pytest.mark.parametrize(("value", "least"), [(1, 1), (7, 1), (0, 0), (-3, -3), (5, 5)])
def test_counts_that_pass(value, least):
    assert check_count("n", value, least) is value


@pytest.mark.parametrize("value", ["3", 3.0, True, None, np.float32(3), [3]])
def test_what_is_no_count(value):
    with pytest.raises(TypeError, match=r"^n must be a whole number, got ") as caught:
        check_count("n", value)
    assert repr(value) in str(caught.value)
    assert not isinstance(caught.value, OptionError)


@pytest.mark.parametrize(
    ("value", "least", "message"),
    [(0, 1, "n must be positive, got 0"), (-1, 0, "n must be 0 or more, got -1"), (1, 2, "n must be 2 or more, got 1")],
)
def test_counts_that_are_too_small(value, least, message):
    with pytest.raises(OptionError, match=f"^{message}$"):
        check_count("n", value, least)


@pytest.mark.parametrize("value", [0, 0.0, 2, 1e-9, 1e9])
def test_weights_that_pass(value):
    assert check_weight("w", value) is value


@pytest.mark.parametrize("value", ["1", True, None, 1j, [1.0]])
def test_what_is_no_weight(value):
    with pytest.raises(TypeError, match=r"^w must be a number, got "):
        check_weight("w", value)


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf"), -1])
def test_impossible_weights(value):
    with pytest.raises(OptionError, match=r"^w must be finite and 0 or more, got "):
        check_weight("w", value)


def test_weights_that_must_be_positive():
    assert check_weight("w", 0.5, positive=True) == 0.5
    with pytest.raises(OptionError, match=r"^w must be finite and positive, got 0$"):
        check_weight("w", 0, positive=True)


@pytest.mark.parametrize("value", [0, 0.5, 3, 3.0])
def test_numbers_in_range(value):
    assert check_range("r", value, 0, 3) is value


@pytest.mark.parametrize("value", [-1e-9, 3.1, float("nan"), float("inf")])
def test_numbers_out_of_range(value):
    with pytest.raises(OptionError, match=r"^r must be a number from 0 to 3, got "):
        check_range("r", value, 0, 3)


def test_whole_numbers_in_range():
    assert check_range("r", 2, 1, 3, whole=True) == 2
    with pytest.raises(OptionError, match=r"^r must be a whole number from 1 to 3, got 2.5$"):
        check_range("r", 2.5, 1, 3, whole=True)
    for value in ("2", True, None):
        with pytest.raises(TypeError, match=r"^r must be a number, got "):
            check_range("r", value, 1, 3)


def test_switches():
    assert check_switch("s", True) is True
    assert check_switch("s", False) is False
    for value in (0, 1, "true", None, np.bool_(True)):
        with pytest.raises(TypeError, match=r"^s must be true or false, got "):
            check_switch("s", value)


def test_kinds():
    check_kind("k", 3, int)
    with pytest.raises(TypeError, match=r"^k must be a `dict`, got 'x'$"):
        check_kind("k", "x", dict)
