"""Matrices of the methods: they give what the methods give, on drawn faces."""

import numpy as np
import pytest

from deepanon.anonymizers import ANONYMIZERS, build_anonymizer
from deepanon.audit.attacks.operators import OPERATORS, Place, operator_of
from deepanon.audit.people.samples import sample_region
from deepanon.data.synthetic import draw_face
from deepanon.detections import FIVE, Detections
from deepanon.pipeline import replace_faces

OPTIONS = ["gaussian:sigma=0.04", "pixelate:cells=5", "mosaic:cells=4", "heavy_blur:share=0.2"]
NO_FILTER = {"gan", "noise", "cloak", "dp_pix", "k_same", "layered", "layered_lite", "layered_strong", "eye_bar"}


def drawn(size, seed):
    """A drawn picture, its face, the crop around it, and where the box lies in that."""
    image, box, points = draw_face(size, np.random.default_rng(seed))
    face = Detections(box[None], np.ones(1), points[None], schema=FIVE)
    x0, y0 = np.floor(box[:2]).astype(int)
    x1, y1 = np.ceil(box[2:]).astype(int)
    left, top, right, _ = sample_region(face, size, size)
    place = Place((int(x0 - left), int(y0 - top), int(x1 - left), int(y1 - top)), int(right - left))
    return image, face, place, (x0, y0, x1, y1)


def predicted(name, face, place):
    rows, columns = operator_of(name)(place)
    return np.rint(np.stack([rows @ channel @ columns.T for channel in np.moveaxis(face.astype(np.float64), 2, 0)], 2))


@pytest.mark.parametrize("size", [60, 131, 250])
@pytest.mark.parametrize("name", [name for name in OPERATORS if not name.endswith("_crop")] + OPTIONS)
def test_an_operator_gives_what_its_method_gives_within_one_level(name, size):
    image, face, place, (x0, y0, x1, y1) = drawn(size, size)
    made = replace_faces(image, face, build_anonymizer(name), [0])[y0:y1, x0:x1]
    assert np.abs(predicted(name, image[y0:y1, x0:x1], place) - made).max() <= 1


@pytest.mark.parametrize("size", [131, 250])
@pytest.mark.parametrize("name", [name for name in OPERATORS if name.endswith("_crop")])
def test_an_operator_in_the_crop_differs_at_the_rim_alone(name, size):
    image, face, place, (x0, y0, x1, y1) = drawn(size, size)
    made = replace_faces(image, face, build_anonymizer(name), [0])[y0:y1, x0:x1]
    away = np.abs(predicted(name, image[y0:y1, x0:x1], place) - made)
    assert np.percentile(away, 90) <= 3, np.percentile(away, [50, 90, 99, 100])
    assert away.mean() < 2


def test_operators_keep_a_face_of_one_colour():
    place = Place((20, 15, 71, 80), 110)
    for name, build in OPERATORS.items():
        rows, columns = build()(place)
        assert rows.shape == (65, 65), name
        assert columns.shape == (51, 51), name
        assert np.allclose(rows.sum(axis=1), 1, atol=1e-5), name
        assert np.allclose(columns.sum(axis=1), 1, atol=1e-5), name


def test_every_method_that_is_a_filter_has_its_operator():
    left = ANONYMIZERS.keys() - NO_FILTER - {"blackout_ellipse"}
    assert {name for name in left if build_anonymizer(name).sees_face} == set(OPERATORS)


@pytest.mark.parametrize("name", ["", "gan", "gan+gaussian", "gaussian+gaussian9", "blackout"])
def test_chains_and_what_is_no_filter_have_none(name):
    assert operator_of(name) is None
