import numpy as np
import pytest
import torch

from deepanon.crops import GREY, Crops, blank, box_mask, cut
from deepanon.detections import COCO7, FIVE, Detections
from deepanon.errors import DetectionError, ModelError, OptionError
from deepanon.images import to_float
from deepanon.pasting import paste

SIZES = [8, 32, 37, 128]


def picture(height=90, width=120, seed=0, high=200):
    return np.random.default_rng(seed).integers(0, high, (height, width, 3), dtype=np.uint8)


def faces_of(boxes, schema=FIVE, seed=0):
    boxes = np.asarray(boxes, dtype=np.float32)
    points = np.random.default_rng(seed).random((len(boxes), len(schema), 2)) * 50
    return Detections(boxes, np.ones(len(boxes)), points, schema=schema)


def random_faces(n, height, width, seed=0, whole=False):
    rng = np.random.default_rng(seed)
    centre, side = rng.random((n, 2)) * [width, height], 1.5 + rng.random((n, 2)) * min(width, height) / 4
    boxes = np.concatenate([centre - side / 2, centre + side / 2], 1)
    return faces_of(np.round(boxes) + np.array([0, 0, 1, 1]) if whole else boxes, seed=seed)


def covered(boxes, height, width):
    """Pixels that some box touches, one pixel at a time."""
    at = np.zeros((height, width), dtype=bool)
    for x0, y0, x1, y1 in np.asarray(boxes, dtype=np.float64):
        x, y = np.arange(width), np.arange(height)
        at |= ((y + 1 > y0) & (y < y1))[:, None] & ((x + 1 > x0) & (x < x1))[None]
    return at


FACES = {
    "fractions": [[30.3, 20.6, 50.2, 47.9]],
    "barely over a pixel edge": [[30.0, 20.0, 50.0005, 47.0003]],
    "borders": [[-3.5, -2.2, 20.1, 18], [100.7, 70.2, 130, 95], [118.9, 10, 140, 30], [40, 88.5, 60, 300]],
    "overlapping": [[30, 30, 60, 60], [45.5, 40.5, 80, 75], [50, 50, 55, 55]],
    "padded fallback": [[5.5, 2.5, 114.2, 88.1]],
    "whole picture": [[-10, -10, 1e6, 1e6]],
    "one pixel": [[60.2, 40.3, 60.9, 40.8]],
}


@pytest.mark.parametrize("boxes", FACES.values(), ids=list(FACES))
def test_blank_rounds_outward_and_copies(boxes):
    image = picture()
    before = image.copy()
    hidden = blank(image, np.array(boxes))
    at = covered(boxes, 90, 120)
    assert (hidden[at] == GREY).all()
    np.testing.assert_array_equal(hidden[~at], image[~at])
    np.testing.assert_array_equal(image, before)


def test_blank_ignores_what_is_outside_and_copies_without_faces():
    image = picture()
    same = blank(image, np.array([[-20, 0, -5, 10], [130, 0, 140, 10]]))
    np.testing.assert_array_equal(same, image)
    assert not np.shares_memory(same, image)


def test_blank_hides_boxes_beyond_any_integer():
    assert (blank(picture(), np.array([[-1e30, -1e30, 1e30, 1e30]])) == GREY).all()


def test_box_mask_marks_every_touched_pixel():
    boxes = torch.tensor([[1.2, 0.0, 3.0, 1.0], [-5.0, 3.9, 99.0, 99.0]])
    x = box_mask(boxes, 4)
    assert x.shape == (2, 1, 4, 4)
    assert x[0, 0].tolist() == [[0, 1, 1, 0], [0] * 4, [0] * 4, [0] * 4]
    assert x[1, 0].tolist() == [[0] * 4, [0] * 4, [0] * 4, [1] * 4]


@pytest.mark.parametrize("boxes", FACES.values(), ids=list(FACES))
def test_native_round_trip_is_exact(boxes):
    image, faces = picture(), faces_of(boxes)
    for i in range(len(faces)):
        crops = cut(image, faces, None, [i])
        np.testing.assert_array_equal(paste(image, crops, crops.context, faces.boxes, feather=0), image)
        np.testing.assert_array_equal(paste(image, crops, crops.context, faces.boxes, feather=4), image)


def test_native_paste_changes_the_box_and_nothing_else():
    image, faces = picture(), faces_of(FACES["fractions"])
    crops = cut(image, faces)
    new = torch.where(crops.mask > 0, -crops.context, crops.context)
    result = paste(image, crops, new, faces.boxes)
    at = covered(faces.boxes, 90, 120)
    np.testing.assert_array_equal(result[at], 255 - image[at])
    np.testing.assert_array_equal(result[~at], image[~at])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("boxes", FACES.values(), ids=list(FACES))
def test_no_original_pixel_survives_in_a_box(boxes, size):
    image, faces = picture(), faces_of(boxes)
    crops = cut(image, faces, size)
    result = paste(image, crops, torch.ones_like(crops.context), faces.boxes)
    assert (result[covered(faces.boxes, 90, 120)] == 255).all()


@pytest.mark.parametrize("seed", range(5))
def test_no_original_pixel_survives_with_200_faces_in_chunks(seed):
    image, faces = picture(300, 400), random_faces(200, 300, 400, seed, whole=seed % 2 == 0)
    result = image
    for start in range(0, 200, 64):
        crops = cut(image, faces, 16, range(start, min(start + 64, 200)))
        result = paste(result, crops, torch.ones_like(crops.context), faces.boxes)
    at = covered(faces.boxes, 300, 400)
    assert (result[at] == 255).all()
    assert 0.3 < at.mean() < 1


@pytest.mark.parametrize("size", SIZES)
def test_mask_is_what_blank_hides(size):
    """No pixel that the mask calls known holds grey alone, at any resampling."""
    image, faces = np.zeros((90, 120, 3), np.uint8), faces_of([[30.9, 20.9, 45.1, 40.1], [50.5, 22.2, 55.5, 30.3]])
    crops = cut(blank(image, faces.boxes), faces, size)
    grey = (crops.context - (GREY / 127.5 - 1)).abs().amax(1, keepdim=True) < 0.01
    assert grey.any()
    assert (crops.mask[grey] == 1).all()


def test_ring_fades_out_and_ends():
    image = np.zeros((100, 100, 3), np.uint8)
    faces = faces_of([[40, 40, 60, 60]])
    crops = cut(image, faces)
    row = paste(image, crops, torch.ones_like(crops.context), faces.boxes, feather=3)[50, :, 0]
    assert row[36:41].tolist() == [0, 64, 128, 191, 255]
    assert row[59:64].tolist() == [255, 191, 128, 64, 0]
    assert not row[:37].any()


@pytest.mark.parametrize("size", SIZES)
def test_ring_never_touches_other_boxes(size):
    image = picture()
    faces = faces_of([[40, 30, 60, 50], [60.5, 30, 70, 50], [38, 51, 62, 55.5], [30, 30, 39.9, 40]])
    crops = cut(image, faces, size, [0])
    result = paste(image, crops, torch.ones_like(crops.context), faces.boxes, feather=6)
    others = covered(faces.boxes[1:], 90, 120) & ~covered(faces.boxes[:1], 90, 120)
    np.testing.assert_array_equal(result[others], image[others])
    assert (result != image).any(-1).sum() > covered(faces.boxes[:1], 90, 120).sum()  # there is a ring elsewhere


def test_later_face_is_on_top():
    image, faces = picture(), faces_of(FACES["overlapping"][:2])
    crops = cut(image, faces, 32)
    pixels = torch.stack([torch.full((3, 32, 32), v) for v in (-1.0, 1.0)])
    result = paste(image, crops, pixels, faces.boxes)
    assert (result[41:59, 46:59] == 255).all()
    assert (result[31:39, 31:44] == 0).all()


def test_input_is_never_modified():
    image, faces = picture(), faces_of(FACES["overlapping"])
    image.setflags(write=False)
    crops = cut(image, faces, 16)
    context = crops.context.clone()
    assert not np.shares_memory(paste(image, crops, -crops.context, faces.boxes), image)
    single = cut(image, faces, None, [0])
    single.context.zero_()  # a native crop is a copy, not a view
    np.testing.assert_array_equal(image, picture())
    assert torch.equal(crops.context, context)


def test_without_faces():
    image, none = picture(), Detections.empty()
    crops = cut(image, none, 16)
    assert (len(crops), crops.context.shape, crops.mask.shape) == (0, (0, 3, 16, 16), (0, 1, 16, 16))
    np.testing.assert_array_equal(paste(image, crops, crops.context, none.boxes), image)


@pytest.mark.parametrize("box", [[-20, 0, 0, 10], [120, 5, 130, 20], [0, 90, 10, 99], [5, -9, 9, -1]])
def test_box_outside_is_named(box):
    with pytest.raises(DetectionError, match=r"box 1 .* lies outside the 120x90 picture"):
        cut(picture(), faces_of([[1, 1, 5, 5], box]), 16)
    with pytest.raises(DetectionError, match="box 1"):
        cut(picture(), faces_of([[1, 1, 5, 5], box]), 16, [0])


def test_native_needs_one_face():
    with pytest.raises(DetectionError, match="one face at a time, not 2"):
        cut(picture(), faces_of(FACES["overlapping"][:2]))


def test_paste_fails_closed():
    image, faces = picture(), faces_of(FACES["overlapping"])
    crops = cut(image, faces, 16)
    with pytest.raises(ModelError, match="drawn pixels have shape"):
        paste(image, crops, crops.context[:2], faces.boxes)
    for feather in (-1, float("nan")):
        with pytest.raises(OptionError, match="feather"):
            paste(image, crops, crops.context, faces.boxes, feather=feather)


def test_fallback_pads_with_black_and_keypoints_follow():
    image = np.full((40, 100, 3), 77, np.uint8)
    faces = Detections([[20, 5, 70, 35]], [1], [[[45, 20], [20, 5], [3, -22], [87, 62], [np.nan, 0]]])
    crops = cut(image, faces)
    assert crops.regions.tolist() == [[3, -22, 87, 62]]
    assert (crops.context[0, :, :22] == -1).all()
    assert (crops.context[0, :, 62:] == -1).all()
    assert (crops.context[0, :, 22:62] > -0.5).all()
    expected = [[0.5, 0.5], [17 / 84, 27 / 84], [0, 0], [1, 1], [np.nan, 22 / 84]]
    np.testing.assert_allclose(crops.keypoints[0], expected, rtol=1e-6)
    assert crops.boxes.tolist() == [[17, 27, 67, 57]]


@pytest.mark.parametrize("schema", [FIVE, COCO7], ids=["five", "coco7"])
def test_training_and_use_agree(schema):
    image, faces = picture(), faces_of([[30.4, 20.7, 50.2, 47.9]], schema)
    crops = cut(blank(image, faces.boxes), faces)
    (region,), size = crops.regions.numpy(), crops.size
    raw = to_float(image[None, region[1] : region[3], region[0] : region[2]])
    boxes = torch.as_tensor(faces.boxes - np.tile(region[:2], 2)) / size
    trained = Crops.from_faces(raw, boxes.float(), crops.keypoints, schema)
    assert torch.equal(trained.mask, crops.mask)
    torch.testing.assert_close(trained.context, crops.context, atol=1e-6, rtol=0)
    assert (trained.size, trained.schema) == (size, schema)


def test_slicing_keeps_fields_together():
    faces = random_faces(5, 90, 120, 3)
    crops = cut(picture(), faces, 16)
    part = crops[1:3]
    assert len(part) == 2
    for name in ("context", "mask", "keypoints", "boxes", "regions"):
        torch.testing.assert_close(getattr(part, name), getattr(crops, name)[1:3], equal_nan=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*FACES, "many"])
def test_nothing_under_a_box_reaches_the_crops(name, size):
    faces = random_faces(40, 90, 120, 5) if name == "many" else faces_of(FACES[name])
    image, noise = picture(), picture(seed=99, high=256)
    other = np.where(covered(faces.boxes, 90, 120)[..., None], noise, image)
    assert (other != image).any()
    a, b = (cut(blank(each, faces.boxes), faces, size) for each in (image, other))
    for field in ("context", "mask", "keypoints", "boxes", "regions"):
        assert torch.equal(torch.nan_to_num(getattr(a, field)), torch.nan_to_num(getattr(b, field)))
    leaky_a, leaky_b = (cut(each, faces, size).context for each in (image, other))
    assert not torch.equal(leaky_a, leaky_b)  # without `blank` it does
