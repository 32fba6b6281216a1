import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from deepanon.detections import Detections
from deepanon.evaluation.utility.matching import find
from deepanon.geometry import iou


def found(boxes, scores=None):
    return Detections(
        np.array(boxes, dtype=np.float32).reshape(-1, 4), np.ones(len(boxes)) if scores is None else scores
    )


def test_best_first_one_to_one():
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10]], dtype=np.float32)
    assert find(boxes, found([[3, 0, 13, 10]])).tolist() == [-1, 0]
    assert find(boxes, found([[3, 0, 13, 10], [1, 0, 11, 10]])).tolist() == [1, 0]
    assert find(boxes, found([[0, 0, 10, 10], [0, 0, 10, 10]])).tolist()[0] == 0  # the second is a double


def test_scores_and_overlap_must_reach():
    boxes = np.array([[0, 0, 10, 10]], dtype=np.float32)
    near = found([[0, 0, 10, 5]], [0.6])
    assert find(boxes, near, 0.6).tolist() == [0]
    assert find(boxes, near, 0.61).tolist() == [-1]
    assert find(boxes, near, 0.6, iou=0.51).tolist() == [-1]
    assert find(boxes, Detections.empty()).tolist() == [-1]
    assert find(boxes[:0], near).tolist() == []


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_best_assignment_where_faces_are_apart(seed):
    """Faces that do not overlap: each detection fits one at most, and greedy is optimal."""
    rng = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(4), np.arange(3)), -1).reshape(-1, 2) * 40.0
    boxes = np.concatenate([corners, corners + rng.uniform(15, 35, (12, 2))], 1).astype(np.float32)
    moved = (boxes + rng.normal(0, 2, boxes.shape))[rng.permutation(12)[:9]]
    overlap = iou(boxes, found(moved).boxes)
    rows, columns = linear_sum_assignment(np.where(overlap >= 0.5, overlap, 0), maximize=True)
    expected = np.full(12, -1)
    for row, column in zip(rows, columns, strict=True):
        if overlap[row, column] >= 0.5:
            expected[row] = column
    assert find(boxes, found(moved)).tolist() == expected.tolist()
    assert (expected >= 0).any()
