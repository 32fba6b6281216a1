"""Cuts are found, and what only looks like one is not."""

import numpy as np

from deepanon.films.scenes import Change, find_cuts
from deepanon.partly import Whole


def cuts(pictures):
    change = Change()
    return find_cuts(np.array([change(Whole(picture)) for picture in pictures])).tolist()


def test_another_scene_is_a_cut(kit):
    other = np.ascontiguousarray(kit.street(seed=5)[:, ::-1])
    assert cuts([kit.street()] * 8 + [other] * 8 + [kit.street()] * 8) == [8, 16]


def test_a_scene_that_looks_alike_is_a_cut_too(kit):
    """A white studio, another person: little changes, but far more than before and after."""
    studio = np.full((96, 160, 3), 240, np.uint8)
    first, second = studio.copy(), studio.copy()
    first[20:, 40:90], second[20:, 70:120] = 60, 90
    assert cuts([first] * 10 + [second] * 10) == [10]


def test_walking_panning_and_growing_light_are_none(kit):
    assert cuts(kit.walk(40)[0]) == []
    wide = kit.street(width=1600)
    for step in (3, 14):
        assert cuts([np.ascontiguousarray(wide[:, step * i : step * i + 160]) for i in range(100)]) == []
    assert cuts([(kit.street() * (1 - 0.01 * i)).astype(np.uint8) for i in range(90)]) == []


def test_a_flash_ends_nothing(kit):
    white = np.full((96, 160, 3), 255, np.uint8)
    for frames in (1, 2, 3):
        assert cuts([kit.street()] * 10 + [white] * frames + [kit.street()] * 10) == []


def test_a_film_of_few_frames_a_second_has_no_cuts_but_real_ones(kit):
    wide = kit.street(width=4000)
    far_apart = [np.ascontiguousarray(wide[:, 160 * i : 160 * i + 160]) for i in range(20)]
    assert cuts(far_apart) == []
    assert find_cuts(np.zeros(0)).tolist() == []
