"""Similarity of old and new faces, and the threshold."""

import numpy as np
import pytest

from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.embedders import Aligned, OpenVino, Recogniser
from deepanon.errors import OptionError
from deepanon.verifying import measured_threshold, similarities, threshold_here
from deepanon.verifying.likeness import strangers


def test_the_same_picture_is_alike_and_another_is_less(scene, recogniser):
    image, faces = scene
    other = draw_scene(720, 420, 3, seed=9, face=110)[0]
    assert similarities(recogniser, image, image, faces, faces) == pytest.approx(np.ones(3), abs=1e-5)
    assert (similarities(recogniser, image, other, faces, faces[:0]) < 0.9).all()


def test_the_new_face_is_looked_for_where_it_was_found_too(scene, recogniser):
    image, faces = scene
    moved = np.roll(image, (12, 12), axis=(0, 1))  # the same faces, a little beside
    found = Detections(faces.boxes + 12, faces.scores, faces.points + 12)
    without = similarities(recogniser, image, moved, faces, faces[:0])
    with_own = similarities(recogniser, image, moved, faces, found)
    assert (without < 0.99).all()
    assert with_own == pytest.approx(np.ones(3), abs=1e-5)


def test_a_face_that_cannot_be_cut_has_no_similarity(scene):
    image, faces = scene
    bare = Detections(faces.boxes, faces.scores)

    class Net:
        name, size, description = "net", 112, "net"

        def __call__(self, images):
            return images.flatten(1)[:, :16] + 2

    assert np.isnan(similarities(Recogniser(Net(), Aligned()), image, image, bare, bare)).all()


def test_strangers_are_pairs_of_faces_that_do_not_touch(scene, recogniser):
    image, faces = scene
    assert len(strangers(recogniser, image, faces)) == 3
    double = Detections.merge([faces[0], Detections(faces[0].boxes + 3, np.ones(1))])
    assert len(strangers(recogniser, image, double)) == 0


def test_the_threshold_accepts_one_in_a_hundred():
    values = np.arange(1000) / 1000
    assert (values > threshold_here(values)).sum() == 10
    with pytest.raises(OptionError, match="there are 99"):
        threshold_here(values[:99])


def test_only_known_networks_have_a_threshold(recogniser):
    assert measured_threshold(recogniser) is None


def test_the_measured_threshold_is_of_the_file_that_it_names(deepanon_data):
    weights = deepanon_data.parent / "weights" / "reid0095.xml"
    if not weights.is_file():
        pytest.skip("no reid0095.xml beside DEEPANON_DATA")
    known = Recogniser(OpenVino(weights, order="bgr"), Aligned("reid0095"))
    assert measured_threshold(known) == pytest.approx(0.36)
