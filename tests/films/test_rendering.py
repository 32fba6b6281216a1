"""The new picture of a frame."""

import numpy as np

from deepanon.films.rendering import _within_another


def test_a_box_within_another_adds_nothing_and_of_twins_one_is_left():
    boxes = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [1, 1, 5, 5], [3, 3, 12, 12], [0, 0, 9, 9]])
    assert _within_another(boxes).tolist() == [False, True, True, False, True]
    assert _within_another(np.zeros((0, 4))).tolist() == []
