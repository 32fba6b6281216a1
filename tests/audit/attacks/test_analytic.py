"""The rung that knows the formula."""

from dataclasses import replace

import numpy as np
import pytest

from deepanon.audit.attack import NotRun
from deepanon.audit.attacks.analytic import Analytic
from deepanon.audit.attacks.recipes import RichardsonLucy, Wiener
from deepanon.audit.scores import match
from deepanon.errors import OptionError


@pytest.fixture(scope="module")
def blurred(drawing):
    return drawing.case("gaussian")


class Spy:
    """A recipe that notes what it is shown."""

    def __init__(self):
        self.shown = []

    def __call__(self, projection, faces):
        self.shown.append(projection.seen.numpy().copy())
        return Wiener(1e-5)(projection, faces)


def test_people_are_recognised_again_and_pictures_come_back(blurred, drawing):
    traces = Analytic((Wiener(1e-5),))(blurred, {"pixels": drawing.pixel_eye()})["pixels"]
    clear = drawing.drawn(range(100, 106), photos=2000)
    assert drawing.psnr(traces.pictures, clear.pictures) > drawing.psnr(blurred.probes.pictures, clear.pictures) + 2
    scores = match(traces, blurred.gallery.people, blurred.probes.people)
    assert (scores.matrix.argmax(axis=1) == scores.owner).mean() >= 5 / 6
    assert traces.deployable
    outside = np.ones(blurred.probes.pictures.shape[:3], dtype=bool)
    for row, box in enumerate(blurred.probes.boxes):
        x0, y0, x1, y1 = np.concatenate([np.floor(box[:2]), np.ceil(box[2:])]).astype(int)
        outside[row, y0:y1, x0:x1] = False
    assert np.array_equal(traces.pictures[outside], blurred.probes.pictures[outside])


def test_a_recipe_is_chosen_on_tuning_people_alone(blurred, drawing):
    spy = Spy()
    attack = Analytic((spy, RichardsonLucy(1)))
    attack(blurred, {"pixels": drawing.pixel_eye()})
    assert attack.chosen == {"pixels": spy}
    assert [len(seen) for seen in spy.shown] == [int(blurred.known.tuning.sum()), len(blurred.probes)]

    other = replace(blurred, probes=blurred.probes.showing(np.full_like(blurred.probes.pictures, 90)))
    again = Analytic((spy, RichardsonLucy(1)))
    again(other, {"pixels": drawing.pixel_eye()})
    assert again.chosen == attack.chosen


def test_what_suits_tuning_people_is_what_is_chosen(blurred, drawing):
    bad, good = Wiener(10.0), Wiener(1e-5)
    for recipes in ((bad, good), (good, bad)):
        attack = Analytic(recipes)
        attack(blurred, {"pixels": drawing.pixel_eye()})
        assert attack.chosen == {"pixels": good}


def test_faces_come_from_people_who_are_not_tuned_on(blurred, drawing):
    eyes, attack = {"pixels": drawing.pixel_eye()}, Analytic((Wiener(1e-5),))
    kept = attack(blurred, eyes)["pixels"].pictures
    spoiled = blurred.known.clear.pictures.copy()
    spoiled[blurred.known.tuning] //= 2  # as a choice it could matter, as prior never
    other = replace(blurred, known=replace(blurred.known, clear=blurred.known.clear.showing(spoiled)))
    assert np.array_equal(attack(other, eyes)["pixels"].pictures, kept)


@pytest.mark.parametrize(("method", "name", "scales", "why"), [
    ("blackout", None, True, "no operator is known of method 'blackout'; known are .*gaussian9"),
    ("gaussian", "", True, "none of the library's"),
    ("gaussian", None, False, "scale"),
])  # fmt: skip
def test_what_cannot_be_undone_is_not_run(method, name, scales, why, drawing):
    with pytest.raises(NotRun, match=why):
        Analytic()(drawing.case(method, known=3, sought=2, scales=scales, name=name), {"pixels": drawing.pixel_eye()})


def test_without_people_to_choose_on_it_is_not_run(blurred, drawing):
    nobody = replace(blurred, known=replace(blurred.known, tuning=np.zeros(12, dtype=bool)))
    with pytest.raises(NotRun, match="choose"):
        Analytic()(nobody, {"pixels": drawing.pixel_eye()})


def test_options_are_checked_and_described():
    with pytest.raises(OptionError, match="recipe"):
        Analytic(())
    with pytest.raises(OptionError, match="side"):
        Analytic(side=2)
    assert "Wiener(noise=1e-05)" in Analytic().description
    assert "seed 7" in Analytic(seed=7).description
