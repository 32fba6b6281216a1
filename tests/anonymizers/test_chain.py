"""Chains: stages in their order, each on what the one before has drawn, each with its own seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import deepanon.pipeline as pipeline
from deepanon.anonymizers import ByLabel, Chain, build_anonymizer, build_rules
from deepanon.anonymizers.chain import rescaled
from deepanon.crops import Crops, blank, cut
from deepanon.data.synthetic import draw_scene
from deepanon.detections import FIVE, Detections
from deepanon.errors import ModelError, OptionError
from deepanon.images import to_float, to_uint8
from deepanon.pipeline import replace_faces
from deepanon.seeds import derive

SEEDS = [21, 22, 23]


@pytest.fixture(scope="module")
def scene():
    return draw_scene(360, 260, 3, seed=9)


class Stage:
    """Fills its crops with one level, and keeps what it was given."""

    def __init__(self, level=0.0, name="stage", sees_face=True, size=None, random=False, cosmetic=False):
        self.level, self.name, self.sees_face, self.size = level, name, sees_face, size
        self.random, self.cosmetic, self.description = random, cosmetic, f"{name} drawn"
        self.given = []

    def __call__(self, crops, seeds):
        self.given.append((crops, list(seeds)))
        return torch.full_like(crops.context, self.level)


def inside(box):
    return np.s_[int(np.floor(box[1])) : int(np.ceil(box[3])), int(np.floor(box[0])) : int(np.ceil(box[2]))]


@pytest.mark.parametrize(
    "text",
    ["gan+gaussian", "gan+mosaic:cells=5+heavy_blur", "gaussian+noise", "solid+layered_lite", "solid+gan+eye_bar"],
)
def test_a_chain_is_one_method_after_the_other(text, scene):
    """By hand: whole pictures, stage by stage, where no other face is near."""
    image, faces = scene
    alone, seed = faces[[1]], 77
    by_hand = image
    for number, name in enumerate(text.split("+")):
        by_hand = replace_faces(by_hand, alone, build_anonymizer(name), [derive(seed, number)])
    out = replace_faces(image, alone, build_anonymizer(text), [seed])
    box = inside(alone.boxes[0])
    assert np.array_equal(out[box], by_hand[box])
    changed = (out != image).any(-1)
    changed[box] = False
    assert not changed.any()  # only the box is handed on: nothing fades out around it


def test_order_matters_and_a_chain_of_one_is_the_method(scene):
    image, faces = scene
    there, back = (replace_faces(image, faces, build_anonymizer(text), SEEDS)
                   for text in ("noise+gaussian", "gaussian+noise"))  # fmt: skip
    assert not np.array_equal(there, back)
    for name in ("gaussian", "noise", "solid"):
        one = replace_faces(image, faces, Chain([build_anonymizer(name)]), SEEDS)
        assert np.array_equal(one, replace_faces(image, faces, build_anonymizer(name), SEEDS))


def test_seeds_differ_by_stage_and_follow_from_the_faces():
    first, second, third = (Stage(name=name) for name in "abc")
    image, faces = draw_scene(360, 260, 3, seed=9)
    replace_faces(image, faces, Chain([first, second, third]), SEEDS)
    given = [[seeds[0] for _, seeds in stage.given] for stage in (first, second, third)]
    assert given[0] == SEEDS  # so that it begins with what the first method alone draws
    assert len({seed for some in given for seed in some}) == 9
    assert given == [[derive(seed, number) for seed in SEEDS] for number in range(3)]
    twice = build_anonymizer("noise+noise")
    alone = build_anonymizer("noise")
    assert not np.array_equal(*(replace_faces(image, faces, method, SEEDS) for method in (twice, alone)))


def test_a_later_stage_gets_the_drawing_and_neighbours_stay_hidden(scene):
    image, faces = scene
    boxes = faces.boxes.copy()
    boxes[1] = boxes[0] + 9  # overlaps the first
    faces = Detections(boxes, faces.scores, faces.keypoints)
    blind, seeing, small = Stage(-0.5, sees_face=False), Stage(0.5), Stage(0.75, sees_face=False, size=32)
    replace_faces(image, faces, Chain([blind, seeing, small]), SEEDS)
    for row in range(3):
        first, second, third = (stage.given[row][0] for stage in (blind, seeing, small))
        assert np.allclose(first.context, cut(blank(image, boxes), faces, None, [row]).context, atol=1e-6)
        x0, y0, x1, y1 = second.boxes[0].int().tolist()
        own = torch.zeros_like(second.mask)
        own[..., y0:y1, x0:x1] = 1
        expected = torch.where(own > 0, to_float(np.full((1, 1, 1, 3), 64, np.uint8)), first.context)
        assert np.allclose(second.context, expected, atol=1e-6)  # -0.5 is level 64; the neighbour in its box is grey
        assert np.array_equal(third.context, cut(blank(image, boxes), faces, 32, [row]).context)  # hidden again


def test_rescaled_crops_are_those_that_cut_makes(scene):
    image, faces = scene
    hidden = blank(image, faces.boxes)
    for row in range(3):
        native = cut(hidden, faces, None, [row])
        for size in (16, 64, 128, 300):
            ours, theirs = rescaled(native, size), cut(hidden, faces, size, [row])
            assert np.array_equal(ours.context, theirs.context)
            assert np.array_equal(ours.mask, theirs.mask)
            assert np.allclose(ours.boxes, theirs.boxes, atol=1e-3)
            assert np.array_equal(ours.keypoints, theirs.keypoints)


def test_faces_of_a_batch_do_not_know_of_each_other(scene, monkeypatch):
    image, faces = scene
    chain = build_anonymizer("gan+gan")
    assert chain.size == 128
    together = replace_faces(image, faces, chain, SEEDS)
    monkeypatch.setattr(pipeline, "BATCH", 1)
    assert np.abs(together.astype(int) - replace_faces(image, faces, chain, SEEDS)).max() <= 1
    mixed = build_anonymizer("gan+gaussian+dp_pix")
    assert mixed.size is None
    crops = cut(blank(image, faces.boxes), faces, 128)  # as held-out crops are drawn: several, all of one size
    whole = mixed(crops, SEEDS)
    for row in range(3):
        one = mixed(crops[row : row + 1], SEEDS[row : row + 1])
        assert np.abs(to_uint8(one).astype(int) - to_uint8(whole[row : row + 1])).max() <= 1
    assert mixed(crops[:0], []).shape == (0, 3, 128, 128)
    left = replace_faces(image, faces, mixed, SEEDS, faces=[2])
    assert np.array_equal(
        left[inside(faces.boxes[2])], replace_faces(image, faces, mixed, SEEDS)[inside(faces.boxes[2])]
    )


def test_a_chain_says_of_itself_what_is_true_of_its_stages():
    blind, seeing = Stage(sees_face=False, name="a"), Stage(name="b", random=True, cosmetic=True, size=8)
    assert (Chain([blind, seeing]).sees_face, Chain([seeing, blind]).sees_face) == (False, True)
    assert Chain([blind, seeing]).random
    assert not Chain([seeing, blind]).random  # what chance decided is gone
    assert build_anonymizer("noise+blackout+gaussian").random is False
    assert build_anonymizer("noise+gaussian").random
    assert Chain([seeing, seeing]).cosmetic
    assert not Chain([seeing, blind]).cosmetic
    del blind.cosmetic  # a method from elsewhere that knows nothing of the word
    assert not Chain([seeing, blind]).cosmetic
    assert ByLabel({"face": seeing, "plate": blind}).cosmetic
    assert not build_rules("face=gan+gaussian,plate=solid").cosmetic
    assert (Chain([seeing, seeing]).size, Chain([seeing, blind]).size) == (8, None)
    nested = Chain([Chain([blind, seeing]), blind])
    assert [stage.name for stage in nested.stages] == ["a", "b", "a"]
    assert (nested.name, nested.description) == ("a+b+a", "a drawn, then b drawn, then a drawn")
    with pytest.raises(OptionError, match="one method at least"):
        Chain([])


def test_no_method_that_ships_is_cosmetic_but_cloaks():
    from deepanon.anonymizers import ANONYMIZERS, Cloak

    assert [name for name in ANONYMIZERS if name != "cloak" and build_anonymizer(name).cosmetic] == []
    assert Cloak.cosmetic


def test_a_cloak_stays_cosmetic_whatever_is_done_to_it_but_hiding_the_face():
    cloak, plain, blind = Stage(cosmetic=True), Stage(), Stage(sees_face=False)
    assert Chain([cloak, plain]).cosmetic
    assert Chain([plain, cloak]).cosmetic
    assert not Chain([cloak, blind]).cosmetic
    assert not Chain([blind, cloak]).cosmetic
    assert not Chain([plain, plain]).cosmetic


def test_what_is_no_drawing_never_reaches_the_next_stage(scene):
    image, faces = scene

    class Broken(Stage):
        def __call__(self, crops, seeds):
            return self.level * crops.context if self.level != 0 else crops.context[:0]

    last = Stage(sees_face=False)
    with pytest.raises(ModelError, match="'broken' of a chain produced values that are not numbers"):
        replace_faces(image, faces, Chain([Broken(torch.nan, "broken"), last]), SEEDS)
    with pytest.raises(ModelError, match="'broken' of a chain gives"):
        replace_faces(image, faces, Chain([Broken(0, "broken"), last]), SEEDS)
    assert last.given == []


def test_held_out_crops_with_fractional_boxes():
    """As quality is measured: faces hidden in stored crops, boxes between pixels."""
    rng = np.random.default_rng(0)
    images = to_float(rng.integers(0, 256, (2, 128, 128, 3), dtype=np.uint8))
    boxes = torch.tensor([[0.2, 0.2, 0.8, 0.9], [0.213, 0.277, 0.741, 0.833]])
    crops = Crops.from_faces(images, boxes, torch.full((2, 5, 2), torch.nan), FIVE)
    other = replace(crops, context=torch.where(crops.mask > 0, -images, crops.context))
    for text in ("gan+gaussian", "gaussian+gan"):
        method = build_anonymizer(text)
        outputs = [method(each, [1, 2]) for each in (crops, other)]
        assert np.array_equal(*outputs)  # the generator hides the box, whatever the crop shows there
        own = crops.mask.bool().expand(-1, 3, -1, -1)
        assert np.array_equal(outputs[0][~own], crops.context[~own])
