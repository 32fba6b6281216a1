"""Fast paths stay fast: ratios of CPU time within one process, the least of several turns, with room for busy machines.

The figures themselves are those of `make bench` (docs/performance.md).
"""

import time

import pytest
import torch

from deepanon.data.synthetic import draw_scene
from deepanon.detectors import build_detector
from deepanon.models.inference import inference_form
from deepanon.runtimes import ENGINES, Pace, build_runtime
from deepanon.runtimes.engine import example
from deepanon.weights import load_generator


def least(tasks, rounds=5):
    """CPU seconds of each task, the least of its turns; the first turn warms up."""
    found = [float("inf")] * len(tasks)
    for turn in range(rounds + 1):
        for row, task in enumerate(tasks):
            began = time.process_time()
            task()
            if turn:
                found[row] = min(found[row], time.process_time() - began)
    return found


@torch.inference_mode()
def test_the_inference_form_takes_less_than_the_plain_network():
    loaded = load_generator("research")
    inputs, form = example(loaded), inference_form(loaded.network)
    fast, plain = least([lambda: form(*inputs), lambda: loaded.network(*inputs)], 9)
    assert fast < 0.9 * plain


@pytest.mark.parametrize("name", ["onnx", "openvino"])
@torch.inference_mode()
def test_other_runtimes_take_less_than_the_plain_network(name):
    if absent := ENGINES[name].absent():
        pytest.skip(f"not installed: {absent}")
    loaded = load_generator("research")
    inputs, runtime = example(loaded), build_runtime(name, loaded, Pace())
    fast, plain = least([lambda: runtime(*inputs), lambda: loaded.network(*inputs)], 9)
    assert fast < 0.75 * plain


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_mtcnn_takes_less_than_the_package(size):
    image = draw_scene(*size, 4, seed=1)[0]
    ours, theirs = build_detector("mtcnn"), build_detector("mtcnn_packaged")
    fast, plain = least([lambda: ours(image), lambda: theirs(image)], 3)
    assert fast < 0.65 * plain
