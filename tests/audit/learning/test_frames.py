import numpy as np
import pytest
import torch
import torch.nn.functional as F

from deepanon.audit.learning.frames import aligned, looking_through, surrounded, template, tensor
from deepanon.audit.people.drawn import draw_people
from deepanon.audit.people.samples import Samples, cut_picture, placed, sample_region
from deepanon.audit.people.windows import windows
from deepanon.embedders.cuts import TEMPLATES


@pytest.fixture(scope="module")
def samples():
    photos, made = draw_people(4, 1, seed=0, size=160), []
    for photo in photos:
        region = sample_region(photo.faces, 160, 160)
        made.append((cut_picture(photo.pixels, region, 160), *placed(photo.faces, region, 160)))
    numbers = np.arange(4)
    return Samples(*(np.stack(part) for part in zip(*made, strict=True)), numbers, numbers)


def test_the_box_lies_in_its_surroundings_pixel_for_pixel(samples):
    frames = surrounded(samples, 32, 8)
    assert frames.shape == (4, 48, 48, 3)
    assert np.array_equal(frames[:, 8:40, 8:40], windows(samples, 32))
    edge = np.abs(frames[:, 7].astype(int) - frames[:, 8])[:, 8:40].mean()  # goes on where the box ends
    assert edge < 2 * np.abs(np.diff(frames[:, 8:40].astype(int), axis=1)).mean() + 5


def test_a_frame_is_looked_through_to_the_aligned_view(samples):
    frames = tensor(surrounded(samples, 96, 24)).float()
    grids = F.affine_grid(looking_through(samples, 96, 24, 48, template(48)), [4, 3, 48, 48], align_corners=False)
    seen = F.grid_sample(frames, grids, align_corners=False).permute(0, 2, 3, 1).numpy()
    views = aligned(samples, 48).astype(float)
    middle = slice(12, 36)
    right = np.abs(seen - views)[:, middle, middle].mean()
    for axis in (1, 2):
        for step in (-1, 1):
            assert right < 0.7 * np.abs(np.roll(seen, step, axis) - views)[:, middle, middle].mean()


def test_keypoints_lie_on_the_template(samples):
    assert template(112, 1.0) == pytest.approx(np.array(TEMPLATES["arcface"][1]))
    eyes = template(64, 1.35)[:2].round().astype(int)
    views = aligned(samples, 64).astype(float).mean(3)
    for view in views:
        for x, y in eyes:
            around = view[y - 2 : y + 3, x - 5 : x + 6]
            assert np.ptp(around) > 40  # pupil beside white


def test_grey_pictures_say_nothing_of_their_boxes(samples):
    grey = samples.showing(np.full_like(samples.pictures, 90))
    assert (aligned(grey, 32) == 90).all()
    assert (surrounded(grey, 32, 8) == 90).all()


def test_a_tensor_has_channels_first(samples):
    made = tensor(samples.pictures)
    assert made.dtype == torch.uint8
    assert made[1, 2, 3, 4] == samples.pictures[1, 3, 4, 2]
