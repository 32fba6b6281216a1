import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.audit.cloaking import Sample, by_people
from deepanon.embedders import Recogniser
from deepanon.errors import DataError


def test_half_of_everybodys_photos_are_enrolled(sample):
    assert sample.enrolled.reshape(8, 4).tolist() == [[True, True, False, False]] * 8
    odd = sample.only(np.arange(len(sample)) % 4 != 3)
    assert odd.enrolled.reshape(8, 3).tolist() == [[True, False, False]] * 8


def test_parts_have_nobody_in_common(sample):
    first, second = by_people(sample, 0.25, seed=1)
    assert (len(first), len(second)) == (8, 24)
    assert not set(first.people) & set(second.people)
    assert np.array_equal(by_people(sample, 0.25, seed=1)[0].people, first.people)
    with pytest.raises(DataError, match="8 people cannot be parted"):
        by_people(sample, 0.1, seed=1)


def test_faces_are_replaced_one_by_one(sample):
    asked = []
    few = sample.only(sample.people < 2)
    black = few.replaced(build_anonymizer("blackout"), range(8), each=lambda rows: asked.append(rows) or rows)
    x0, y0, x1, y1 = few.boxes[5].astype(int)
    assert (black.pictures[5, y0:y1, x0:x1] == 0).all()
    assert few.pictures[5, y0:y1, x0:x1].any()
    assert asked == [range(8)]


def test_vectors_are_the_recognisers(sample, surrogate):
    recogniser = surrogate.recogniser()
    vectors = sample.vectors(recogniser)
    np.testing.assert_allclose(vectors[3], recogniser(sample.pictures[3], sample.face(3))[0], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_face_that_cannot_be_cut_is_an_error_and_no_success(sample, surrogate):
    same = np.tile(sample.keypoints[:, :1], (1, 5, 1))
    lost = Sample(sample.pictures, sample.boxes, same, sample.people)
    with pytest.raises(DataError, match="'colours' cannot cut the face of photo 0"):
        lost.vectors(Recogniser(surrogate.embedder, surrogate.cut, "colours"))


def test_what_is_no_sample_is_refused(sample):
    whole = {name: getattr(sample, name) for name in ("pictures", "boxes", "keypoints", "people")}
    with pytest.raises(DataError, match="two photos at least"):
        Sample(**{**whole, "people": np.arange(len(sample))})
    with pytest.raises(DataError, match="needs its five keypoints"):
        Sample(**{**whole, "keypoints": sample.keypoints * np.nan})
    with pytest.raises(DataError, match="got float64"):
        Sample(**{**whole, "pictures": sample.pictures / 255})
