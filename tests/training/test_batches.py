from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from deepanon.crops import GREY, Crops
from deepanon.data.batch import FaceBatch
from deepanon.detections import COCO7, FIVE
from deepanon.models.growth import GrowthState
from deepanon.training.batches import Augmentation, augment, hide_more, prepare
from deepanon.training.draws import Draws

NONE = Augmentation(flip=0, box_jitter=0, keypoint_dropout=0, second_hole=0)


def seeded(n=6, seed=0):
    return Draws(seed, 0, n)


def batch(n=6, size=32, points=5):
    rng = torch.Generator().manual_seed(7)
    low = torch.rand(n, 2, generator=rng) * 0.3 + 0.1
    images = torch.randint(0, 256, (n, 3, size, size), generator=rng, dtype=torch.uint8)
    return FaceBatch(images, torch.cat([low, low + 0.4], 1), torch.rand(n, points, 2, generator=rng))


def same(a, b):
    return all(
        torch.equal(torch.nan_to_num(x), torch.nan_to_num(y))
        for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


def test_nothing_is_varied_when_nothing_is_asked():
    given = batch()
    out = augment(given, FIVE, NONE, seeded())
    assert torch.equal(out.images, given.images)
    torch.testing.assert_close(out.boxes, given.boxes)
    assert torch.equal(out.keypoints, given.keypoints)


@pytest.mark.parametrize("schema", [FIVE, COCO7], ids=["five", "coco7"])
def test_flip_mirrors_picture_box_and_points_and_swaps_sides(schema):
    given = batch(points=len(schema))
    out = augment(given, schema, replace(NONE, flip=1), seeded())
    assert torch.equal(out.images, given.images.flip(-1))
    torch.testing.assert_close(out.boxes[:, [0, 2]], 1 - given.boxes[:, [2, 0]])
    torch.testing.assert_close(out.boxes[:, [1, 3]], given.boxes[:, [1, 3]])
    for channel, other in enumerate(schema.flip):
        torch.testing.assert_close(out.keypoints[:, channel, 0], 1 - given.keypoints[:, other, 0])
        torch.testing.assert_close(out.keypoints[:, channel, 1], given.keypoints[:, other, 1])
    twice = augment(out, schema, replace(NONE, flip=1), seeded())
    torch.testing.assert_close(twice.keypoints, given.keypoints)


def test_the_papers_flip_keeps_the_sides():
    given = batch()
    out = augment(given, FIVE, replace(NONE, flip=1, flip_swaps=False), seeded())
    torch.testing.assert_close(out.keypoints[..., 0], 1 - given.keypoints[..., 0])
    assert torch.equal(out.keypoints[..., 1], given.keypoints[..., 1])


def test_flip_is_of_one_face_as_a_whole():
    given = batch(n=64)
    out = augment(given, FIVE, replace(NONE, flip=0.5), seeded(64))
    flipped = (out.images == given.images.flip(-1)).flatten(1).all(1)
    assert 16 < flipped.sum() < 48
    torch.testing.assert_close(out.boxes[~flipped], given.boxes[~flipped])
    torch.testing.assert_close(out.boxes[flipped, 0], 1 - given.boxes[flipped, 2])
    torch.testing.assert_close(out.keypoints[~flipped], given.keypoints[~flipped])
    torch.testing.assert_close(out.keypoints[flipped, 0, 0], 1 - given.keypoints[flipped, 1, 0])


def test_jitter_keeps_the_centre_and_the_proportions():
    given = batch(n=200)
    out = augment(given, FIVE, replace(NONE, box_jitter=0.1), seeded(200))
    torch.testing.assert_close(out.boxes[:, :2] + out.boxes[:, 2:], given.boxes[:, :2] + given.boxes[:, 2:])
    factor = (out.boxes[:, 2:] - out.boxes[:, :2]) / (given.boxes[:, 2:] - given.boxes[:, :2])
    torch.testing.assert_close(factor[:, 0], factor[:, 1])
    assert 0.9 - 1e-6 <= factor.min() < 0.93
    assert 1.07 < factor.max() <= 1.1 + 1e-6


def test_dropout_withholds_all_points_of_a_face():
    unknown = augment(batch(n=400), FIVE, replace(NONE, keypoint_dropout=0.3), seeded(400)).keypoints.isnan()
    assert 80 < unknown.all(dim=(1, 2)).sum() < 160
    assert torch.equal(unknown.any(2).any(1), unknown.all(2).all(1))


def test_what_is_varied_depends_on_the_draws_alone():
    how = Augmentation()
    first = augment(batch(), FIVE, how, seeded(seed=3))
    torch.manual_seed(99)
    assert same(first, augment(batch(), FIVE, how, seeded(seed=3)))
    assert not same(first, augment(batch(), FIVE, how, seeded(seed=4)))


def test_augment_leaves_its_input():
    given = batch()
    augment(given, FIVE, Augmentation(), seeded())
    assert same(given, batch())


@pytest.mark.parametrize("size", [8, 16, 32])
def test_prepare_reduces_and_hides(size):
    given = batch()
    real, crops = prepare(given, FIVE, GrowthState(0, size, 4, 1.0))
    levels = F.avg_pool2d(given.images.float(), 32 // size)
    torch.testing.assert_close(real, levels / 127.5 - 1)
    assert crops.size == size
    hidden = (crops.mask > 0).expand_as(real)
    torch.testing.assert_close(crops.context[hidden].unique(), torch.tensor([GREY / 127.5 - 1]))
    assert torch.equal(crops.context[~hidden], real[~hidden])
    assert torch.equal(crops.mask, Crops.from_faces(real, given.boxes, given.keypoints, FIVE).mask)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.9])
def test_fading_blends_data_with_its_half_resolution(alpha):
    """The paper's formula: nearest-up(floor(2x2 mean)) and even-floored boxes, mixed linearly with the full size."""
    given = batch()
    real, crops = prepare(given, FIVE, GrowthState(1, 32, 4, alpha), floor_boxes=True)
    full = given.images.double()
    coarse = torch.zeros_like(full)
    for y in range(0, 32, 2):
        for x in range(0, 32, 2):
            mean = full[:, :, y : y + 2, x : x + 2].mean((2, 3), keepdim=True).floor()
            coarse[:, :, y : y + 2, x : x + 2] = mean
    expected = ((1 - alpha) * coarse + alpha * full) / 127.5 - 1
    torch.testing.assert_close(real.double(), expected, atol=1e-5, rtol=0)
    pixels = given.boxes * 32
    torch.testing.assert_close(crops.boxes, (1 - alpha) * (pixels // 2 * 2) + alpha * pixels)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.9, 1.0])
def test_no_part_of_a_face_shows_while_fading(alpha):
    """With the paper's rounding it does: its box may end a pixel before the face does."""
    given = batch(n=100)
    whole = prepare(given, FIVE, GrowthState(1, 32, 4, 1.0))[1].mask
    faded = prepare(given, FIVE, GrowthState(1, 32, 4, alpha))[1].mask
    assert (faded >= whole).all()
    floored = prepare(given, FIVE, GrowthState(1, 32, 4, alpha), floor_boxes=True)[1].mask
    assert (floored >= whole).all() == (alpha == 1)


def test_prepare_never_enlarges():
    with pytest.raises(ValueError, match="crops of 32 px cannot be reduced to the phase's 64 px"):
        prepare(batch(), FIVE, GrowthState(0, 64, 4, 1.0))


def test_second_hole_hides_more_and_forgets_nothing():
    _, crops = prepare(batch(n=100), FIVE, GrowthState(0, 32, 4, 1.0))
    more = hide_more(crops, Augmentation(second_hole=0.5), seeded(100))
    grown = (more.mask > crops.mask).flatten(1).any(1)
    assert 25 < grown.sum() < 75
    assert (more.mask >= crops.mask).all()
    new = (more.mask > 0).expand_as(more.context)
    assert (more.context[new] - (GREY / 127.5 - 1)).abs().max() < 1e-6
    assert torch.equal(more.context[~new], crops.context[~new])
    assert torch.equal(hide_more(crops, NONE, seeded(100)).mask, crops.mask)


def test_a_whole_crop_is_hidden_in_its_share_and_keeps_its_keypoints():
    _, crops = prepare(batch(n=100), FIVE, GrowthState(0, 32, 4, 1.0))
    more = hide_more(crops, replace(NONE, whole_crop=0.5), seeded(100))
    whole = (more.mask == 1).flatten(1).all(1)
    assert 25 < whole.sum() < 75
    assert more.context[whole].unique().numel() == 1  # nothing but grey
    assert torch.equal(more.mask[~whole], crops.mask[~whole])
    assert torch.equal(more.context[~whole], crops.context[~whole])
    assert torch.equal(more.keypoints, crops.keypoints)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"flip": 1.1}, ValueError),
        ({"box_jitter": 1}, ValueError),
        ({"flip": "x"}, TypeError),
        ({"flip": -1}, ValueError),
        ({"flip_swaps": 1}, TypeError),
    ],
)
def test_impossible_augmentation(changes, error):
    with pytest.raises(error, match=next(iter(changes))):
        Augmentation(**changes)
