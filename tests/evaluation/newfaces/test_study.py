"""What the numbers mean: nothing changed, everything changed, and a method in between."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.data.crops import PackedCrops
from deepanon.data.synthetic import write_packed_crops
from deepanon.detections import Detections
from deepanon.embedders import Margin, Recogniser, build_embedder
from deepanon.evaluation import METRICS, Method, NewFaces, QualityStudy, Scorer
from deepanon.evaluation.quality import Memory

SIDE, FACES = 64, 160
ORIGINAL, BLACKOUT, NOISE, GAN = "none", "blackout", "noise", "gan"


class Light:
    """Finds the middle of a picture, the surer the lighter it is: what is black is no face."""

    name = description = "light"

    def __call__(self, image, name=""):
        height, width = image.shape[:2]
        middle = image[height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2]
        box = np.array([[width * 0.2, height * 0.15, width * 0.8, height * 0.85]], np.float32)
        return Detections(box, np.array([min(1.0, middle.mean() / 20)], np.float32))


class Counting(Memory):
    """Counts what had to be made."""

    made = 0

    def array(self, key, make):
        def counted():
            self.made += 1
            return make()

        return super().array(key, counted)


def method(name):
    return Method(name, None if name == ORIGINAL else build_anonymizer(name), f"{name} of today", name in (NOISE, GAN))


def study(crops, cache, **options):
    onet = build_embedder("onet")
    quality = QualityStudy("drawn", crops, [onet], cache=cache, resamples=50, **options)
    return NewFaces(quality, {"onet": Recogniser(onet, Margin(0, 48))}, {"light": Scorer(Light())})


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    root = tmp_path_factory.mktemp("faces")
    write_packed_crops(root, "val", FACES, seed=2, resolution=SIDE)
    return PackedCrops(root, "val", SIDE)


@pytest.fixture(scope="module")
def table(crops):
    """{(by, method, metric): value}; the training crops are the held-out ones, all of them learnt by heart."""
    one = study(crops, Counting(), train=crops)
    found = list(one.values([method(name) for name in (ORIGINAL, BLACKOUT, NOISE)]))
    assert all(value.metric in METRICS and value.part == "quality" for value in found)
    return {(v.by, v.method, v.metric): v for v in found}


def test_a_method_that_changes_nothing_leaves_everybody_who_they_were(table):
    assert table["light", ORIGINAL, "found_again"].value == 1
    assert table["onet", ORIGINAL, "drawn_match"].value == 1
    assert table["onet", ORIGINAL, "drawn_match_over_stranger"].low > 0.5
    assert table["onet", ORIGINAL, "nearest"].value == pytest.approx(0, abs=1e-5)
    assert table["onet", ORIGINAL, "nearest_over_stranger"].value == pytest.approx(0, abs=1e-5)
    assert ("onet", ORIGINAL, "z_spread") not in table  # nothing is drawn


def test_blackout_leaves_nobody(table):
    assert table["light", BLACKOUT, "found_again"].value == 0
    assert table["onet", BLACKOUT, "drawn_match"].value < 0.05
    assert table["onet", BLACKOUT, "nearest_over_stranger"].low > 0  # all alike, and like nobody


def test_draws_of_noise_are_compared_in_pairs(table):
    value = table["onet", NOISE, "z_spread"]
    assert 0 < value.low < value.value < value.high
    assert "3 draws of each crop" in value.note
    assert value.n == FACES


def test_intervals_hold_their_values_and_notes_say_of_what(table):
    for value in table.values():
        assert value.low <= value.value <= value.high
    assert "12,720 pairs" in table["onet", BLACKOUT, "drawn_match"].note
    assert "a stranger's face: " in table["onet", BLACKOUT, "drawn_match"].note
    assert f"of {FACES} training crops" in table["onet", BLACKOUT, "nearest"].note


def test_nothing_is_looked_at_twice(crops):
    cache = Counting()
    first = list(study(crops, cache).values([method(BLACKOUT)]))
    made = cache.made
    assert list(study(crops, cache).values([method(BLACKOUT)])) == first
    assert cache.made == made
    list(study(crops, cache).values([method(BLACKOUT), method(NOISE)]))
    assert cache.made == made + 6  # three seeds, two who look


def test_too_few_pairs_are_said_and_no_number_is_given(crops):
    one = study(crops, Memory(), limit=12)
    values = {value.metric: value for value in one.values([method(BLACKOUT)])}
    assert np.isnan(values["drawn_match"].value)
    assert "66 pairs of different people are too few for a threshold at FAR 0.001" in values["drawn_match"].note


def test_photos_of_one_person_are_no_strangers(crops):
    crops.people = [str(row // 2) for row in range(FACES)]
    try:
        one = study(crops, Memory())
        values = {value.metric: value for value in one.values([method(BLACKOUT)])}
        assert "12,640 pairs" in values["drawn_match"].note
        assert one.facts["people"] == FACES // 2
        assert one.facts["people known"]
    finally:
        crops.people = None
