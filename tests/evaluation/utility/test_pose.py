import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepanon.detections import COCO7
from deepanon.evaluation.utility import head_poses, pose_distance, yaw
from deepanon.evaluation.utility.pose import HEAD


def seen(rotation, side=200.0, far=1000.0, at=(320, 240)):
    """Five points of the head from `far` millimetres, by plain similar triangles; (1, 5, 2) pixels."""
    turned = HEAD @ rotation.T + [0, 0, far]
    return (turned[:, :2] / turned[:, 2:] * far * side / 100 + at)[None]


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 0, 0), (-45, 10, 5), (0, 25, 0), (10, -20, 40), (0, 0, 170)])
def test_finds_the_rotation_again(angles):
    truth = Rotation.from_euler("YXZ", angles, degrees=True)
    found = head_poses(seen(truth.as_matrix()))[0]
    assert np.degrees((Rotation.from_matrix(found) * truth.inv()).magnitude()) < 2
    assert np.linalg.det(found) == pytest.approx(1)


def test_does_not_depend_on_place_size_or_unit():
    rotation = Rotation.from_euler("YXZ", (20, 10, 5), degrees=True).as_matrix()
    first, *others = (head_poses(seen(rotation, s, at=c)) for s, c in ((200, (320, 240)), (20, (0, 9)), (0.5, (1, 1))))
    for other in others:
        assert pose_distance(first, other)[0] < 1e-3


def test_a_turned_picture_is_a_turned_head():
    points = np.array([[[80, 100], [120, 98], [103, 121], [86, 140], [117, 139]]], dtype=np.float64)
    for degrees in (5, 40, 90):
        matrix = cv2.getRotationMatrix2D((100, 100), degrees, 1.0)
        other = points @ matrix[:, :2].T + matrix[:, 2]
        assert pose_distance(head_poses(points), head_poses(other))[0] == pytest.approx(degrees, abs=0.5)


def test_the_distance_is_the_angle_of_the_rotation_between():
    a, b = Rotation.random(50, random_state=0), Rotation.random(50, random_state=1)
    expected = np.degrees((a.inv() * b).magnitude())
    np.testing.assert_allclose(pose_distance(a.as_matrix(), b.as_matrix()), expected, rtol=1e-9)
    trace = np.trace(np.swapaxes(a.as_matrix(), 1, 2) @ b.as_matrix(), axis1=1, axis2=2)
    np.testing.assert_allclose(expected, np.degrees(np.arccos((trace - 1) / 2)), rtol=1e-9)
    assert pose_distance(a.as_matrix(), a.as_matrix()).tolist() == [0] * 50
    near = (a * Rotation.from_euler("x", 1e-6, degrees=True)).as_matrix()  # where the arc cosine has no digits left
    np.testing.assert_allclose(pose_distance(a.as_matrix(), near), 1e-6, rtol=1e-6)


def test_yaw_is_how_far_the_nose_is_from_the_middle():
    points = seen(np.eye(3))
    to_the_right = points.copy()
    to_the_right[0, 2, 0] += 20
    straight, turned = yaw(head_poses(points))[0], yaw(head_poses(to_the_right))[0]
    assert abs(straight) < 0.5
    assert 5 < turned < 60
    truth = Rotation.from_euler("y", -35, degrees=True).as_matrix()
    assert yaw(head_poses(seen(truth)))[0] == pytest.approx(35, abs=2)


@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), np.nan),
        np.zeros((5, 2)),
        np.arange(10.0).reshape(5, 2),  # on a line
        np.array([[0, 0], [10, 0], [np.nan, 5], [2, 9], [8, 9]]),
        np.array([[0, 0], [10, 0], [5, 90], [90, 9], [-70, 9]]),  # no head
    ],
)
def test_what_is_no_head_has_no_pose(points):
    good = seen(np.eye(3))[0]
    found = head_poses(np.array([points, good]))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    assert np.isnan(pose_distance(found[:1], found[1:])).all()


def test_other_schemas_and_no_faces():
    assert np.isnan(head_poses(np.zeros((2, 7, 2)), COCO7)).all()
    assert head_poses(np.zeros((0, 5, 2))).shape == (0, 3, 3)
