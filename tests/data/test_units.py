from pathlib import Path

import numpy as np
import pytest

from deepanon.data.units import SAMPLE, check_fractions, odd_median
from deepanon.errors import DataError

POINTS = np.random.default_rng(0).uniform(-0.2, 1.2, (50, 5, 2))


def test_fractions_pass_and_other_units_do_not():
    assert odd_median(POINTS) is None
    assert odd_median(POINTS * 8) == pytest.approx(np.median(POINTS) * 8)
    assert odd_median(POINTS / 128) == pytest.approx(np.median(POINTS) / 128)


def test_unknown_points_have_no_say():
    some = np.where(np.arange(50)[:, None, None] < 40, np.nan, POINTS)
    assert odd_median(some) is None
    assert odd_median(some * 128) == pytest.approx(np.nanmedian(some) * 128)
    assert odd_median(np.full((3, 5, 2), np.nan)) is None


def test_large_sets_are_judged_by_rows_from_everywhere():
    values = np.full((3 * SAMPLE, 4), 0.5, np.float16)
    values[SAMPLE:] = 64
    assert odd_median(values) == 64


def test_the_message_speaks_in_the_unit_of_the_file():
    with pytest.raises(DataError, match=r"^b\.npy: boxes must be pixels, but half of them lie below 0\.5$"):
        check_fractions(np.full((3, 4), 0.5) / 32, Path("b.npy"), "boxes must be pixels", 32)
