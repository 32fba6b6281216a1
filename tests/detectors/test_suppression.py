"""Which of overlapping boxes stay: what torchvision says, to the bit."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from deepanon.detectors import suppression
from deepanon.detectors.suppression import suppressed


def given(seed, count, whole=False):
    """Boxes of which many overlap, some have no area, and scores of which some are equal."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0, 40, (count, 2))], axis=1).astype(np.float32)
    if count > 4:
        boxes[:2, 2:] = boxes[:2, :2]
        boxes[3] = boxes[2]
    scores = (rng.integers(0, 20, count) / 20).astype(np.float32)
    return np.rint(boxes) if whole else boxes, scores


@pytest.mark.parametrize("count", [0, 1, 2, 40, 299, 300, 301, 900])
@pytest.mark.parametrize("above", [0.0, 0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("whole", [False, True])
def test_torchvision_keeps_the_same(count, above, whole):
    for seed in range(5):
        boxes, scores = given(seed, count, whole)
        wanted = nms(torch.from_numpy(boxes), torch.from_numpy(scores), above).numpy()
        np.testing.assert_array_equal(suppressed(boxes, scores, above), wanted)


def test_a_few_boxes_do_not_load_torchvision():
    program = (
        "import sys, numpy as np\n"
        "from deepanon.detectors import build_detector\n"
        "from deepanon.detectors.suppression import suppressed\n"
        "assert suppressed(np.array([[0, 0, 2, 2], [0, 0, 2, 3]]), np.array([0.5, 0.9]), 0.3).tolist() == [1]\n"
        "assert 'torchvision' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_limit_is_where_the_loop_would_cost_more_than_it_saves():
    assert 100 <= suppression.FEW <= 1000
