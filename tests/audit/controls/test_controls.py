"""What controls do to samples, and what their rules say of what comes out."""

import cv2
import numpy as np
import pytest

from deepanon.audit.assault import attack
from deepanon.audit.attacks import LinearMap, LinearReconstruction, Naive, ParrotGallery, ParrotHead, RebuiltHead
from deepanon.audit.controls.changes import CHANGES, LEAK, faceless, leaking, permuted, swapped
from deepanon.audit.controls.rules import Rules
from deepanon.audit.measures import RANK_1
from deepanon.audit.people.subjects import cut_samples
from deepanon.audit.people.windows import masks, windows
from deepanon.audit.verdict import Limits
from deepanon.crops import GREY
from deepanon.data.synthetic import draw_scene
from deepanon.pipeline import replace_faces

RNG = np.random.default_rng(0)
SIDE = 96  # px, of the drawn samples
LADDER = [Naive(), ParrotGallery(), ParrotHead(), LinearReconstruction(LinearMap(32)), RebuiltHead(LinearMap(32))]


@pytest.fixture(scope="module")
def few(ground):
    return ground.clear[:12]


@pytest.fixture(scope="module")
def bare(people):
    return cut_samples(people.usable, faceless(), size=SIDE)


def test_without_a_face_the_box_is_grey_and_the_rest_untouched(few, bare):
    boxes, rim = masks(few).astype(np.uint8), np.ones((7, 7), np.uint8)  # around the edge both are resampled
    inside = np.stack([cv2.erode(box, rim) for box in boxes]) > 0
    outside = np.stack([cv2.dilate(box, rim) for box in boxes]) == 0
    assert (bare[:12].pictures[inside] == GREY).all()
    assert np.array_equal(bare[:12].pictures[outside], few.pictures[outside])


def test_without_a_face_nobody_else_in_the_photo_has_one():
    image, faces = draw_scene(240, 200, 2, 3)
    grey = replace_faces(image, faces, faceless(), [0, 0])
    for x0, y0, x1, y1 in faces.boxes.round().astype(int):
        assert (grey[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1] == GREY).all()


def test_everybody_gets_the_face_of_somebody_else(few):
    made = windows(swapped(few, np.random.default_rng(1)), 32).astype(float)
    before = windows(few, 32).astype(float)
    for row, person in enumerate(few.people):
        away = np.abs(before - made[row]).mean(axis=(1, 2, 3))
        assert few.people[away.argmin()] != person


def test_blocks_trade_places_in_the_same_way_everywhere_and_none_is_lost(few):
    made, again = permuted(few, RNG), permuted(few[5:], np.random.default_rng(9))
    assert np.array_equal(made.pictures[5:], again.pictures)
    before, after = (
        np.sort(windows(s, 64).reshape(12, 8, 8, 8, 8, 3).mean((2, 4)).reshape(12, -1)) for s in (few, made)
    )
    assert np.abs(before - after).mean() < 4


def test_the_planted_leak_is_hardly_there(few):
    faces = windows(leaking(few, RNG), 64).astype(float)
    assert np.abs(faces - GREY).mean() < 15
    assert np.abs(faces - GREY).max() > 5


def test_labels_are_dealt_anew_within_each_side(ground):
    case = ground.shuffled(np.random.default_rng(0))
    assert sorted(case.probes.people) == sorted(ground.clear.people[ground.split.probes])
    assert not np.array_equal(case.probes.people, ground.clear.people[ground.split.probes])


@pytest.fixture(scope="module")
def rules(ground, bare):
    measured = attack(ground, ground.case(bare), LADDER).measured
    return Rules({"grey": 1.0, "colour": 1.0}, measured, Limits(far=0.01))


@pytest.fixture(scope="module")
def found(ground):
    return {
        name: attack(ground, ground.case(change(ground.clear, RNG)), LADDER).measured
        for name, change in CHANGES.items()
    }


def test_each_control_passes_where_it_should(rules, found, ground):
    clear = attack(ground, ground.case(ground.clear), LADDER[:1]).measured
    shuffled = attack(ground, ground.shuffled(np.random.default_rng(0)), LADDER).measured
    every = rules.every(found | {"no-op": clear, "shuffled labels": shuffled})
    assert len(every) == 7
    assert [control.name for control in every if not control.passed] == []


def test_each_rule_fails_on_the_wrong_picture(rules, found, ground):
    """A harness that reads labels, a method that changes photos, attackers too weak, a leak that is none."""
    clear = attack(ground, ground.case(ground.clear), LADDER).measured
    assert not rules.at_chance("shuffled labels", clear).passed
    assert not rules.no_op(found["constant image"]).passed
    assert not rules.at_context("other person", clear).passed
    assert not rules.broken("block permutation", found["constant image"]).passed
    assert not rules.found(LEAK, found["constant image"]).passed
    assert not Rules({"blind": 0.3, "grey": 1.0}, rules.context, Limits()).seeing().passed


def test_a_control_says_its_numbers(rules, found):
    said = rules.found(LEAK, found[LEAK])
    worst = max(one.statistics[RANK_1].values[0] for one in found[LEAK].values())
    assert f"{100 * worst:.1f} %" in said.found
    assert "limits" in said.found
