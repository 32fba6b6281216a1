"""Cuts are found, and what only looks like one is not."""

import numpy as np

from deepanon.films.scenes import CutFinder, lasting


def cuts(pictures):
    finder = CutFinder()
    return [i for i, picture in enumerate(pictures) if finder(picture)]


def test_another_scene_is_a_cut(kit):
    other = np.ascontiguousarray(kit.street(seed=5)[:, ::-1] // 2 + 120)
    assert cuts([kit.street()] * 5 + [other] * 5 + [kit.street()] * 5) == [5, 10]


def test_walking_panning_and_growing_light_are_none(kit):
    assert cuts(kit.walk(40)[0]) == []
    wide = kit.street(width=480)
    assert cuts([np.ascontiguousarray(wide[:, 3 * i : 3 * i + 160]) for i in range(100)]) == []
    assert cuts([(kit.street() * (1 - 0.01 * i)).astype(np.uint8) for i in range(90)]) == []


def test_a_flash_ends_nothing():
    times = np.arange(100) / 25
    assert lasting(np.array([10, 50, 52, 80]), times).tolist() == [10, 80]
    assert lasting(np.array([], dtype=np.int64), times).tolist() == []
    assert lasting(np.array([40]), times).tolist() == [40]
