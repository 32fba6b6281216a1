"""Pasting touches boxes and rings, and gives what arithmetic on the whole frame gives."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.crops import blank, cut
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.pasting import paste, paste_into
from deepanon.pipeline import replace_faces

spec = importlib.util.spec_from_file_location("paste_bench", Path(__file__).parents[1] / "benchmarks/paste.py")
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)

FACES = {
    "side by side": [[30.3, 20.6, 50.2, 47.9], [60, 30, 90.5, 70.25]],
    "overlapping": [[30, 30, 60, 60], [45.5, 40.5, 80, 75], [50, 50, 55, 55]],
    "borders": [[-3.5, -2.2, 20.1, 18], [100.7, 70.2, 130, 95], [118.9, 10, 140, 30], [40, 88.5, 60, 300]],
    "larger than the picture": [[-10, -10, 1e6, 1e6]],
    "padded": [[5.5, 2.5, 114.2, 88.1]],
}


def picture(height=90, width=120):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def faces_of(boxes):
    return Detections(np.array(boxes, np.float32), np.ones(len(boxes)))


@pytest.mark.parametrize("feather", [0, 1.5, 6])
@pytest.mark.parametrize("size", [16, 37, 128])
@pytest.mark.parametrize("name", FACES)
def test_the_result_is_that_of_the_whole_frame(name, size, feather):
    image, faces = picture(), faces_of(FACES[name])
    crops = cut(image, faces, size)
    drawn = torch.rand(crops.context.shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    plain = bench.whole_frame(image, crops, drawn, faces.boxes, feather)
    np.testing.assert_array_equal(paste(image, crops, drawn, faces.boxes, feather), plain)
    assert (plain != image).any()


@pytest.mark.parametrize("size", [None, 16, 128])
@pytest.mark.parametrize("name", FACES)
def test_hiding_in_the_crop_is_hiding_in_the_picture(name, size):
    image, faces = picture(), faces_of(FACES[name])
    image.setflags(write=False)
    for some in [[row] for row in range(len(faces))] if size is None else [None]:
        quick, plain = cut(image, faces, size, some, faces.boxes), cut(blank(image, faces.boxes), faces, size, some)
        for field in ("context", "mask", "keypoints", "boxes", "regions"):
            assert torch.equal(torch.nan_to_num(getattr(quick, field)), torch.nan_to_num(getattr(plain, field)))
        assert not torch.equal(quick.context, cut(image, faces, size, some).context)


def test_a_canvas_need_not_lie_in_one_piece():
    image, faces = picture(), faces_of(FACES["overlapping"])
    crops = cut(image, faces, 32)
    turned = np.ascontiguousarray(image.transpose(1, 0, 2)).transpose(1, 0, 2)
    paste_into(turned, crops, -crops.context, faces.boxes)
    np.testing.assert_array_equal(turned, paste(image, crops, -crops.context, faces.boxes))


def test_it_costs_a_tenth_of_the_frame_and_the_same_in_any_frame():
    rows = {row["name"]: row for row in bench.rows({"small": (720, 1280), "large": (2160, 3840)}, rounds=5)}
    full = bench.rows({"1080p": bench.FRAMES["1080p"]}, rounds=5)
    assert next(row["ratio"] for row in full if row["name"].endswith("paste into the frame")) <= 0.1
    for step in ("paste into the frame", "cut, faces hidden"):
        assert rows[f"large {step}"]["ms"] <= 2 * rows[f"small {step}"]["ms"]  # the frame is nine times as large
        assert rows[f"large {step}"]["peak_mib"] <= 3


@pytest.mark.parametrize("method", ["gan", "blackout", "gaussian"])
def test_a_picture_is_copied_once(method):
    """A second copy of 24 MiB would show."""
    image, faces = draw_scene(480, 360, 2, seed=3)
    wide = np.tile(image, (6, 8, 1))
    anonymizer = build_anonymizer(method)
    replace_faces(wide, faces, anonymizer, [1, 2])
    assert bench.peak(lambda: replace_faces(wide, faces, anonymizer, [1, 2])) < 1.5 * wide.nbytes / 2**20
