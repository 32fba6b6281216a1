"""What survives of a face: nothing of one that is replaced, all of one that is only compressed anew."""

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.data.synthetic import draw_scene
from deepanon.errors import OptionError
from deepanon.pipeline import replace_faces
from deepanon.verifying import Comparison

SEEDS = [1, 2, 3]


def replaced(scene, method):
    image, faces = scene
    return replace_faces(image, faces, build_anonymizer(method), SEEDS)


def test_of_the_same_picture_everything_survives(scene, changes):
    image, faces = scene
    for change in changes(image, image.copy(), faces):
        assert (change.survives, change.flat) == (1.0, False)
        assert change.follows == pytest.approx(1)


@pytest.mark.parametrize("quality", [95, 75, 50, 30])
def test_a_face_that_is_only_compressed_survives(quality, scene, compress, changes):
    image, faces = scene
    assert min(change.survives for change in changes(image, compress(image, quality), faces)) > 0.8


@pytest.mark.parametrize("quality", [95, 75, 50])
@pytest.mark.parametrize("method", ["gan", "blackout", "noise"])
def test_of_a_replaced_face_nothing_survives(method, quality, scene, compress, changes):
    image, faces = scene
    for change in changes(image, compress(replaced(scene, method), quality), faces):
        assert change.covered >= 0.9
        assert change.follows < 0.9


def test_a_black_box_is_flat(scene, changes):
    assert all(change.flat for change in changes(scene[0], replaced(scene, "blackout"), scene[1]))


@pytest.mark.parametrize("quality", [95, 75])
@pytest.mark.parametrize("part", [(0, 0, 1, 0.5), (0, 0.5, 1, 1), (0, 0, 0.5, 1), (0, 0.2, 1, 0.5)])
def test_a_part_that_is_left_is_seen(part, quality, scene, compress, changes):
    image, faces = scene
    output = replaced(scene, "gan")
    for x0, y0, x1, y1 in faces.boxes:
        left, right = (round(x0 + edge * (x1 - x0)) for edge in part[::2])
        top, bottom = (round(y0 + edge * (y1 - y0)) for edge in part[1::2])
        output[top:bottom, left:right] = image[top:bottom, left:right]
    assert max(change.covered for change in changes(image, compress(output, quality), faces)) < 0.9


@pytest.mark.parametrize("method", ["gaussian9", "pixelate16"])
def test_a_weak_method_changes_pixels_and_keeps_shapes(method, scene, changes):
    for change in changes(scene[0], replaced(scene, method), scene[1]):
        assert change.follows > 0.9 or change.covered < 0.9


def test_darkening_hides_nothing(scene, changes):
    image, faces = scene
    dark = image.copy()
    for x0, y0, x1, y1 in faces.boxes.astype(int):
        dark[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] //= 3
    assert min(change.follows for change in changes(image, dark, faces)) > 0.95


def test_another_picture_is_foreign_and_the_same_is_not(scene, compress):
    image, faces = scene
    other = draw_scene(720, 420, 3, seed=6, face=110)[0]
    assert Comparison(image, other, faces.boxes).foreign
    assert not Comparison(image, compress(image, 30), faces.boxes).foreign
    assert not Comparison(image, replaced(scene, "blackout"), faces.boxes).foreign


def test_without_a_rest_shapes_decide(compress):
    image, faces = draw_scene(160, 160, 1, seed=3, face=80)
    whole = np.array([[0, 0, 160, 160]], dtype=np.float32)
    comparison = Comparison(image, compress(image, 40), whole)
    assert comparison.noise == np.inf
    assert comparison(faces.boxes[0]).survives > 0.8
    assert Comparison(image, np.zeros_like(image), whole)(faces.boxes[0]).flat


@pytest.mark.parametrize("box", [(-50, -50, -10, -10), (-9, 100, 9, 130), (600, 350, 900, 500)])
def test_boxes_at_borders_and_beyond(box, scene):
    image = scene[0]
    change = Comparison(image, image, np.array([box]))(np.array(box))
    assert change.survives == (0 if box[2] < 0 else 1)


def test_a_dark_face_that_is_left_is_not_taken_for_a_black_box(scene, changes):
    image, faces = scene
    dark = (image // 12).astype(np.uint8)
    assert all(change.survives == 1 for change in changes(dark, dark.copy(), faces))


def test_pictures_of_two_sizes_are_refused(scene):
    with pytest.raises(OptionError, match="one size"):
        Comparison(scene[0], scene[0][:-1], scene[1].boxes)
