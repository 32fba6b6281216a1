import math

import pytest

from deepanon.errors import OptionError
from deepanon.evaluation.metric import UNITS, Metric
from deepanon.evaluation.report.numbers import SIGNS, bare, interval, spoken


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.9931, "share", "99.3"), (1.0, "share", "100.0"), (-0.0001, "share", "0.0"), (-0.05, "share", "−5.0"),
        (12.34, "degrees", "12.3"), (3.0, "pixels", "3.0"), (12345, "count", "12 345"), (7, "count", "7"),
        (1234.5, "distance", "1234"), (12.34, "distance", "12.3"), (1.234, "distance", "1.23"),
        (0.01234, "distance", "0.012"), (math.nan, "share", "–"), (math.inf, "distance", "–"),
    ],
)  # fmt: skip
def test_numbers_have_the_digits_they_deserve(value, unit, text):
    assert bare(value, unit).replace("\N{NARROW NO-BREAK SPACE}", " ") == text


def test_differences_carry_their_sign():
    assert [bare(value, "share", signed=True) for value in (0.012, -0.012, 0.0)] == ["+1.2", "−1.2", "0.0"]


def test_intervals():
    assert interval(0.981, 0.996, "share") == "[98.1, 99.6]"
    assert interval(math.nan, 0.9, "share") == ""


def test_units_in_sentences():
    said = [spoken(0.5, Metric("a", unit, "", ".")) for unit in ("share", "degrees", "pixels", "distance")]
    assert [text.replace("\N{NARROW NO-BREAK SPACE}", " ") for text in said] == ["50.0 %", "0.5°", "0.5 px", "0.500"]
    assert spoken(0.5, Metric("a", "share", "", "."), "difference").startswith("+50.0")


def test_every_unit_is_known_and_no_other():
    assert set(SIGNS) == set(UNITS)
    with pytest.raises(OptionError, match="unknown unit 'inch'"):
        bare(1, "inch")
