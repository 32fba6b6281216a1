"""What a study of people says, on drawn people and a recogniser that is easily fooled."""

import numpy as np
import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.data.pairs import make_pairs
from deepanon.data.people import read_people
from deepanon.data.synthetic import draw_face
from deepanon.detectors import build_detector
from deepanon.embedders import Margin, Recogniser
from deepanon.evaluation import PeopleStudy, Regions, Scorer, Store, build_variants
from deepanon.evaluation.observing import CONTEXT, NONE
from deepanon.images import write_image


class Colours:
    """Mean colours of a grid of cells: knows drawn people by skin, hair and clothes."""

    name, size, description = "colours", 64, "mean colours of 8 x 8 cells"

    def __call__(self, images):
        return torch.nn.functional.adaptive_avg_pool2d(images, 8).flatten(1)


@pytest.fixture(scope="module")
def study(tmp_path_factory, identity):
    root = tmp_path_factory.mktemp("people")
    for person in range(6):
        image, _, _ = draw_face(160, np.random.default_rng(person))
        for number in range(3):
            write_image(root / f"P{person}" / f"{number}.png", np.roll(image, (2 * number, 3 * number), (0, 1)))
    photos = read_people(root)
    detector = build_detector("mtcnn")
    methods = {"identity": identity(), "blackout": build_anonymizer("blackout")}
    made = PeopleStudy(
        "drawn", photos, Regions(detector, "detected"), build_variants(methods, references=(NONE, CONTEXT)),
        {"colours": Recogniser(Colours(), Margin(margin=60, size=64))}, Scorer(detector, 0.7),
        make_pairs(photos, 2, 6, 0), Store(), resamples=100,
    )  # fmt: skip
    made.observe()
    return made


@pytest.fixture(scope="module")
def values(study):
    return {(v.method, v.metric, v.scope): v for v in study.values()}


def test_a_method_that_changes_nothing_hides_nobody(values):
    assert values["none", "rank_1", "oracle"].value == 1
    for metric in ("self_retrieval", "rank_1", "rank_5", "lfw_accuracy", "pair_auc", "pair_eer"):
        clear, same = values["none", metric, "oracle"], values["identity", metric, "oracle"]
        assert (same.value, same.low, same.high) == (clear.value, clear.low, clear.high), metric
    assert values["identity", "detected", "all"].value == 1


def test_blackout_leaves_what_the_surroundings_say(values):
    """This recogniser sees hair and clothes: the people are known without a face, as the control says."""
    black, both = values["blackout", "rank_1", "oracle"], values["context, both sides", "rank_1", "oracle"]
    chance = 2 / 17
    assert both.value > 3 * chance
    assert chance < black.value <= both.high + 1e-9


def test_an_attacker_who_must_find_the_face_fails_on_black_boxes(values):
    assert values["blackout", "failure_rate", "own"].value == 1
    assert values["blackout", "rank_1", "own, miss"].value == 0
    assert np.isnan(values["blackout", "rank_1", "own, skip"].value)
    assert values["blackout", "rank_1", "own, skip"].note
    assert values["identity", "failure_rate", "own"].value == 0


def test_examples_are_the_faces_most_alike(study):
    examples = study.examples()
    assert {e.variant.method for e in examples} == {"context", "identity", "blackout"}
    same = [e for e in examples if e.variant.method == "identity"]
    assert len(same) == 4
    assert same[0].reason == "similarity 1.00 to the original (colours)"


def test_facts_say_who_looked(study):
    assert study.facts["people"] == 6
    assert "mean colours" in study.facts["recognisers"]["colours"]
    assert any("naive" in note for note in study.notes)
