from dataclasses import replace

import numpy as np
import pytest

from deepanon.anonymizers import Cloak, build_anonymizer
from deepanon.audit.cloaking import CloakStudy, by_people, enrolled, replaced
from deepanon.errors import DataError


def test_half_of_everybodys_photos_are_enrolled(samples):
    assert enrolled(samples).reshape(8, 4).tolist() == [[True, True, False, False]] * 8
    odd = samples[np.arange(len(samples)) % 4 != 3]
    assert enrolled(odd).reshape(8, 3).tolist() == [[True, False, False]] * 8


def test_parts_have_nobody_in_common(samples):
    first, second = by_people(samples, 0.25, seed=1)
    assert (len(first), len(second)) == (8, 24)
    assert not set(first.people) & set(second.people)
    assert np.array_equal(by_people(samples, 0.25, seed=1)[0].people, first.people)
    with pytest.raises(DataError, match="8 people cannot be parted"):
        by_people(samples, 0.1, seed=1)


def test_somebody_with_one_photo_cannot_be_enrolled_and_looked_up(samples):
    with pytest.raises(DataError, match="two photos at least"):
        by_people(samples[np.arange(len(samples)) > 2], 0.5, seed=1)


def test_faces_are_replaced_one_by_one(samples):
    asked = []
    few = samples[samples.people < 2]
    black = replaced(few, build_anonymizer("blackout"), range(8), each=lambda rows: asked.append(rows) or rows)
    x0, y0, x1, y1 = few.boxes[5].astype(int)
    assert (black.pictures[5, y0:y1, x0:x1] == 0).all()
    assert few.pictures[5, y0:y1, x0:x1].any()
    assert asked == [range(8)]


def test_a_face_that_cannot_be_cut_is_an_error_and_no_success(samples, surrogate):
    lost = replace(samples, keypoints=np.tile(samples.keypoints[:, :1], (1, 5, 1)))
    study = CloakStudy(lost, {"own": surrogate.recogniser()}, resamples=10)
    with pytest.raises(DataError, match="'colours' cannot cut a face"):
        study.run({"weak": Cloak(surrogates=[surrogate], steps=1)})
