"""A face that came out too similar is drawn again, and black at last."""

import numpy as np
import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.errors import OptionError
from deepanon.verifying import Comparison, Limits, draw_verified
from deepanon.verifying.again import next_seed


class Careless:
    """Draws the face that it sees for some seeds, and another one for all others."""

    name, sees_face, size, random, description = "careless", True, 64, True, "careless"

    def __init__(self, bad=(), random=True):
        self.bad, self.random, self.asked = set(bad), random, []

    def __call__(self, crops, seeds):
        self.asked += seeds
        rows = []
        for context, seed in zip(crops.context, seeds, strict=True):
            other = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
            other = torch.nn.functional.interpolate(other[None], 64, mode="bicubic")[0].clamp(-1, 1)
            rows.append(context if seed in self.bad or self.bad == {"all"} else other)
        return torch.stack(rows)


@pytest.fixture
def three():
    return draw_scene(480, 320, 3, seed=5, face=60)


def safe(image, drawn, faces):
    comparison, limits = Comparison(image, drawn.pixels, faces.boxes), Limits()
    return all(c.covered >= limits.covered and c.follows <= limits.follows for c in map(comparison, faces.boxes))


def test_what_is_well_is_left_alone(three):
    image, faces = three
    drawn = draw_verified(image, faces, Careless(), [1, 2, 3])
    assert drawn.tries.tolist() == [1, 1, 1]
    assert not drawn.black.any()
    assert safe(image, drawn, faces)


def test_only_the_face_that_is_too_similar_gets_another_seed(three, recogniser):
    image, faces = three
    method = Careless(bad={2, next_seed(2, 2)})
    drawn = draw_verified(image, faces, method, [1, 2, 3], recogniser, 0.9)
    assert drawn.tries.tolist() == [1, 3, 1]
    assert method.asked[-3:] == [1, next_seed(2, 3), 3]
    assert not drawn.black.any()
    assert (drawn.similarity < 0.9).all()
    assert safe(image, drawn, faces)
    again = draw_verified(image, faces, Careless(bad={2, next_seed(2, 2)}), [1, 2, 3], recogniser, 0.9)
    assert np.array_equal(again.pixels, drawn.pixels)


def test_a_face_that_stays_too_similar_is_black_at_last(three):
    image, faces = three
    bad = {2, *(next_seed(2, number) for number in range(2, 9))}
    drawn = draw_verified(image, faces, Careless(bad), [1, 2, 3], tries=3)
    assert drawn.black.tolist() == [False, True, False]
    assert drawn.tries.tolist() == [1, 3, 1]
    x0, y0, x1, y1 = faces.boxes[1]
    assert not drawn.pixels[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))].any()
    assert np.isnan(drawn.similarity[1])
    assert safe(image, drawn, faces)


def test_a_recogniser_alone_can_send_faces_back(three, recogniser):
    image, faces = three
    drawn = draw_verified(image, faces, Careless(), [1, 2, 3], recogniser, -1.0, tries=2)
    assert drawn.black.all()  # nobody is less alike than -1


def test_a_method_without_chance_is_not_tried_twice(three):
    image, faces = three
    method = Careless({"all"}, random=False)
    drawn = draw_verified(image, faces, method, [1, 2, 3])
    assert drawn.black.all()
    assert len(method.asked) == 3


def test_blackout_and_no_faces_pass(three, recogniser):
    image, faces = three
    drawn = draw_verified(image, faces, build_anonymizer("blackout"), [1, 2, 3], recogniser, 0.5)
    assert not drawn.black.any()
    nobody = draw_verified(image, Detections.empty(), Careless(), [])
    assert np.array_equal(nobody.pixels, image)


def test_overlapping_faces_end_too(three):
    image, _ = three
    boxes = np.array([[50, 50, 150, 150], [100, 60, 200, 170], [90, 90, 110, 110]], dtype=np.float32)
    faces = Detections(boxes, np.ones(3))
    drawn = draw_verified(image, faces, Careless({"all"}), [1, 2, 3], tries=2)
    assert drawn.black.all()
    assert not drawn.pixels[50:150, 50:150].any()


def test_the_generator_passes_its_own_check(three):
    image, faces = three
    drawn = draw_verified(image, faces, build_anonymizer("gan"), [1, 2, 3])
    assert safe(image, drawn, faces)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"threshold": 0.5}, "no"), ({"tries": 0}, "tries"), ({"recogniser": "grid"}, "no threshold is known")],
)
def test_wrong_wishes(options, message, three, recogniser):
    options = options | ({"recogniser": recogniser} if "recogniser" in options else {})
    with pytest.raises(OptionError, match=message):
        draw_verified(*three, Careless(), [1, 2, 3], **options)
