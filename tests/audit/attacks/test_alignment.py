"""FFHQ's frame: keypoints where they belong, and back again."""

import numpy as np

from deepanon import geometry
from deepanon.audit.attacks.alignment import SIDE, TEMPLATE, aligned, put_back


def test_faces_lie_in_the_middle_with_their_eyes_level(drawing):
    samples = drawing.drawn(range(3))
    frames = aligned(samples)
    assert frames.shape == (3, SIDE, SIDE, 3)
    for row in range(3):
        matrix = geometry.similarity(samples.keypoints[row], TEMPLATE)
        points = np.c_[samples.keypoints[row], np.ones(5)] @ matrix.T
        assert np.abs(points - TEMPLATE).max() < 30
        x, y = np.rint(points[0]).astype(int)  # the pupil is darker than the cheek below it
        eye = frames[row, y - 3 : y + 4, x - 3 : x + 4].mean()
        assert eye < frames[row, y + 60 : y + 70, x - 3 : x + 4].mean()


def test_what_goes_there_and_back_is_what_it_was(drawing):
    samples = drawing.drawn(range(3))
    again = put_back(samples, aligned(samples))
    assert drawing.psnr(again.pictures, samples.pictures) > 38
    x, y = (samples.keypoints[0].mean(axis=0)).astype(int)
    middle = np.s_[0, y - 20 : y + 20, x - 20 : x + 20]
    assert np.abs(again.pictures[middle].astype(int) - samples.pictures[middle]).mean() < 2


def test_what_is_put_back_lands_on_the_face_and_not_beside_it(drawing):
    samples = drawing.drawn(range(2))
    marked = aligned(samples)
    x, y = np.rint(TEMPLATE[2]).astype(int)
    marked[:, y - 12 : y + 12, x - 12 : x + 12] = (255, 0, 255)
    again = put_back(samples, marked)
    for row in range(2):
        inverse = geometry.similarity(TEMPLATE, samples.keypoints[row])
        at = np.rint(np.array([*TEMPLATE[2], 1]) @ inverse.T).astype(int)
        assert again.pictures[row, at[1], at[0]].tolist() == [255, 0, 255]


def test_keypoints_on_one_spot_leave_the_whole_sample(drawing):
    samples = drawing.drawn(range(1))
    lost = type(samples)(samples.pictures, samples.boxes, np.full((1, 5, 2), 80, np.float32), samples.people,
                         samples.photos)  # fmt: skip
    assert drawing.psnr(put_back(lost, aligned(lost)).pictures, samples.pictures) > 35
