import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.crops import GREY
from deepanon.data.synthetic import draw_scene
from deepanon.errors import OptionError
from deepanon.evaluation.observing import CONTEXT, JPEG, NONE, build_variants
from deepanon.images import read_image, write_image

METHODS = {"noise": build_anonymizer("noise"), "blackout": build_anonymizer("blackout")}


@pytest.fixture(scope="module")
def scene():
    return draw_scene(200, 120, 1, 3, face=70)


def test_random_methods_come_once_a_seed():
    names = [variant.name for variant in build_variants(METHODS, (0, 5), (NONE, JPEG, CONTEXT))]
    assert names == ["none", "jpeg", "context", "noise-0", "noise-5", "blackout"]
    assert len({variant.key for variant in build_variants(METHODS)}) == 6
    assert [variant.name for variant in build_variants(METHODS, [1], ())] == ["none", "noise-1", "blackout"]


@pytest.mark.parametrize("seeds", [(), (1, 1), (-1,), ("a",), (True,)])
def test_impossible_seeds_are_refused(seeds):
    with pytest.raises(OptionError, match="seeds must be different"):
        build_variants(METHODS, seeds)


def test_unknown_references_are_refused():
    with pytest.raises(OptionError, match="unknown reference 'nothing'; choose of: none, jpeg, context"):
        build_variants(METHODS, references=("nothing",))


def test_what_each_does(scene, tmp_path):
    image, faces = scene
    made = {v.name: v(image, faces, "a.jpg") for v in build_variants(METHODS, (0, 1), (JPEG, CONTEXT))}
    x0, y0, x1, y1 = (int(v) for v in faces.boxes[0].round())
    inside = np.s_[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
    assert (made["none"] == image).all()
    assert made["none"] is not image
    write_image(tmp_path / "a.jpg", image)
    assert (made["jpeg"] == read_image(tmp_path / "a.jpg").pixels).all()
    assert (made["jpeg"] != image).any()
    assert (made["context"][inside] == GREY).all()
    assert (made["blackout"][inside] == 0).all()
    assert (made["noise-0"][inside] != made["noise-1"][inside]).any()


def test_faces_of_other_photos_get_other_seeds(scene):
    image, faces = scene
    noise = build_variants(METHODS, (0,))[2]
    assert (noise(image, faces, "a") == noise(image, faces, "a")).all()
    assert (noise(image, faces, "a") != noise(image, faces, "b")).any()
