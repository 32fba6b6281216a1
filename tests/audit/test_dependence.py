"""Whether a picture that a method makes depends on what lies under the boxes, bit for bit."""

import numpy as np
import pytest

from deepanon import pipeline
from deepanon.anonymizers import build_anonymizer
from deepanon.audit import Audit, Limits, Profile
from deepanon.audit.attacks import Naive
from deepanon.audit.dependence import PHOTOS, dependence, noisy
from deepanon.audit.result import FAIL
from deepanon.crops import cut


class Leak:
    """Grey with a hundredth of what it is given, which is no face: so it says, and so the pipeline sees to it."""

    name, sees_face, size, random, description, cosmetic = "leak", False, None, False, "leak", False

    def __call__(self, crops, seeds):
        return 0.01 * crops.context


@pytest.fixture
def broken(monkeypatch):
    """The pipeline hides no face any more."""
    monkeypatch.setattr(pipeline, "cut", lambda image, faces, size, some, hidden=None: cut(image, faces, size, some))


def test_a_pipeline_that_hands_faces_to_a_method_that_must_not_see_them_is_found(people, broken):
    assert dependence(people.usable[:6], Leak()) == {"photos": 6, "changed": 6}


def test_a_method_that_breaks_its_promise_fails_the_audit(people, sights, broken):
    audit = Audit(
        "drawn", people, sights, Profile("tiny", [Naive()], [Naive()], size=96), Limits(far=0.1), resamples=50
    )
    result = audit({"leak": Leak()})
    verdict = result.verdicts["leak"]
    assert (verdict.picture, verdict.face, verdict.uses_face) == (FAIL, FAIL, True)
    assert result.methods["leak"]["depends"] == {"photos": PHOTOS, "changed": PHOTOS}


@pytest.mark.parametrize("method", [Leak(), build_anonymizer("blackout"), build_anonymizer("gan")])
def test_what_never_sees_a_face_makes_the_same_picture_of_any(people, method):
    assert dependence(people.usable[:6], method) == {"photos": 6, "changed": 0}


@pytest.mark.parametrize("method", ["gaussian", "pixelate8", "layered", "eye_bar", "gaussian+blackout_ellipse"])
def test_what_sees_the_face_makes_another_one(people, method):
    assert dependence(people.usable[:6], build_anonymizer(method)) == {"photos": 6, "changed": 6}


def test_so_many_photos_are_enough_and_noise_lies_under_the_boxes_alone(people):
    one = people.usable[0]
    assert dependence(people.usable, build_anonymizer("blackout"))["photos"] == PHOTOS
    image = one.read()
    x0, y0, x1, y1 = np.concatenate([np.floor(one.faces.boxes[0, :2]), np.ceil(one.faces.boxes[0, 2:])]).astype(int)
    made = noisy(image, one.faces, np.random.default_rng(0))
    x0, y0 = max(x0, 0), max(y0, 0)
    assert (made != image).any(axis=2)[y0:y1, x0:x1].mean() > 0.99
    made[y0:y1, x0:x1] = image[y0:y1, x0:x1]
    assert np.array_equal(made, image)
    assert dependence([], build_anonymizer("blackout")) == {"photos": 0, "changed": 0}
