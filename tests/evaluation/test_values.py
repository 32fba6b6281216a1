import json
import math

import pytest

from deepanon.errors import DataError
from deepanon.evaluation.metric import UNITS
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.values import Value

WHOLE = Value("detection", "wild", "yunet", "gan", "retention", "easy", 0.99, 0.98, 1.0, 1558, (0.98, 1.0), "a word")


@pytest.mark.parametrize(
    "value",
    [
        WHOLE,
        Value("identity", "lfw", "reid", "none", "ap", note="too few pairs"),
        Value("utility", "", "", "", "ap", value=0.0),
    ],
)
def test_json_and_back(value):
    stored = json.loads(json.dumps(value.plain(), allow_nan=False))
    again = Value.read(stored)
    assert again.plain() == value.plain()
    assert math.isnan(again.value) == math.isnan(value.value)
    assert again.seeds == value.seeds


def test_seeds_without_a_number_survive_json():
    value = Value("utility", "a", "b", "gan", "ap", value=0.5, seeds=(0.5, math.nan))
    again = Value.read(json.loads(json.dumps(value.plain(), allow_nan=False)))
    assert again.seeds[0] == 0.5
    assert math.isnan(again.seeds[1])


def test_a_missing_number_says_why():
    with pytest.raises(DataError, match="without a note"):
        Value("detection", "wild", "yunet", "gan", "ap")
    assert Value("detection", "wild", "yunet", "gan", "ap", note="no face").plain()["value"] is None


@pytest.mark.parametrize(
    "stored", [3, {"part": "detection"}, WHOLE.plain() | {"colour": 1}, WHOLE.plain() | {"part": "x"}]
)
def test_what_is_no_value_is_refused(stored):
    with pytest.raises(DataError):
        Value.read(stored)


def test_every_metric_says_its_unit_and_meaning():
    for name, metric in METRICS.items():
        assert metric.unit in UNITS, name
        assert metric.better in ("", "high", "low")
        assert metric.text.endswith(".")
