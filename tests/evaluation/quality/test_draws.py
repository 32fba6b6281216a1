import numpy as np
import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.crops import GREY, Crops, box_mask
from deepanon.data.crops import PackedCrops
from deepanon.errors import ModelError, OptionError
from deepanon.evaluation.quality import Method
from deepanon.evaluation.quality.draws import replaced
from deepanon.images import unit


class Recorder:
    """Draws what it is told and keeps what it was given."""

    name = "recorder"

    def __init__(self, size=None, sees_face=False, draw=torch.zeros_like):
        self.size, self.sees_face, self.draw, self.given = size, sees_face, draw, []

    def __call__(self, crops, seeds):
        self.given.append((crops, list(seeds)))
        return self.draw(crops.context)


@pytest.fixture(scope="module")
def crops(packed):
    return PackedCrops(packed, "val", 32)


def test_untouched_crops_are_the_real_ones(crops):
    real, drawn, boxes = replaced(crops, [0, 3], 16, Method("none"), 0)
    assert torch.equal(real, drawn)
    assert torch.equal(real, crops.read([0, 3], 16).images)
    torch.testing.assert_close(boxes, crops.boxes[[0, 3]] * 16)


@pytest.mark.parametrize(("size", "resolution"), [(None, 32), (32, 32), (16, 32), (32, 16)])
def test_only_the_face_box_changes(crops, size, resolution):
    method = Recorder(size, draw=lambda context: torch.full_like(context, 0.5))
    real, drawn, boxes = replaced(crops, range(6), resolution, Method("m", method, "", True), 0)
    inside = (box_mask(boxes, resolution) > 0).expand_as(real)
    assert (drawn[inside] == 191).all()
    assert torch.equal(drawn[~inside], real[~inside])
    assert torch.equal(real, crops.read(range(6), resolution).images)
    assert method.given[0][0].size == (size or resolution)


def test_who_sees_no_face_is_given_none(crops):
    blind, seeing = Recorder(), Recorder(sees_face=True)
    for method in (blind, seeing):
        replaced(crops, range(6), 32, Method("m", method), 0)
    hidden, shown = blind.given[0][0], seeing.given[0][0]
    assert isinstance(hidden, Crops)
    inside = (hidden.mask > 0).expand_as(hidden.context)
    assert (hidden.context[inside] == GREY / 127.5 - 1).all()
    assert torch.equal(shown.context, unit(crops.read(range(6), 32).images))
    assert torch.equal(hidden.keypoints, shown.keypoints)


def test_seeds_belong_to_the_crop(crops):
    method = Recorder()
    for rows, seed in (((0, 1, 2), 0), ((2, 0), 0), ((0, 1, 2), 1)):
        replaced(crops, rows, 32, Method("m", method, "", True), seed)
    (_, first), (_, again), (_, other) = method.given
    assert again == [first[2], first[0]]
    assert len(set(first + other)) == 6


def test_a_filter_does_what_it_does_on_a_photo(crops):
    """Pixelation of the same box of the same picture."""
    real, drawn, boxes = replaced(crops, [1], 32, Method("p", build_anonymizer("pixelate8")), 0)
    x0, y0, x1, y1 = (int(v) for v in (*boxes[0, :2].floor(), *boxes[0, 2:].ceil()))
    face = real[0].permute(1, 2, 0).numpy()[y0:y1, x0:x1]
    expected = build_anonymizer("pixelate8").function(np.ascontiguousarray(face), None)
    assert np.array_equal(drawn[0].permute(1, 2, 0).numpy()[y0:y1, x0:x1], expected)


def test_what_no_method_may_do(crops):
    with pytest.raises(OptionError, match="big draws at 64 px, the crops can be read at 32 px"):
        replaced(crops, [0], 32, Method("big", Recorder(64)), 0)
    with pytest.raises(ModelError, match="not numbers"):
        replaced(crops, [0], 32, Method("m", Recorder(draw=lambda c: c * torch.nan)), 0)
    with pytest.raises(ModelError, match="gives"):
        replaced(crops, [0], 32, Method("m", Recorder(draw=lambda c: c[:, :1])), 0)
