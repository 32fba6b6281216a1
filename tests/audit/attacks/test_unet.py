import numpy as np
import pytest
import torch

from deepanon.audit.attacks import unet
from deepanon.audit.attacks.unet import UNetReconstruction
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.rebuilder import Frame
from deepanon.audit.people.windows import masks

FRAME = Frame(24, 4)
BUDGET = Budget(epochs=10, batch=16, rate=4e-3, looks=1, half=False)
SHORT = Budget(epochs=1, batch=16, rate=2e-3, looks=1, half=False)


def attack(novice, budget=SHORT, **options):
    return UNetReconstruction(novice, budget, FRAME, width=8, depth=3, dense=64, **options)


@pytest.fixture(scope="module")
def broken(blurred, novice, eye):
    made = attack(novice, BUDGET)
    return made, made(blurred, {"eye": eye})["eye"]


def test_rebuilt_faces_are_recognised_where_blurred_ones_are_not(blurred, broken, naive, rank1):
    made, traces = broken
    assert rank1(traces, blurred) > naive + 0.08
    assert "gallery" in made.chosen["eye"]


def test_rebuilt_faces_are_nearer_to_the_photo_and_nothing_else_has_changed(blurred, broken, clear):
    pictures, probes = broken[1].pictures.astype(float), blurred.probes
    truth = clear.pictures[probes.photos].astype(float)
    inside = masks(probes)[..., None]
    assert (np.abs(pictures - truth) * inside).sum() < 0.85 * (np.abs(probes.pictures - truth) * inside).sum()
    assert ((pictures == probes.pictures) | inside).all()


def test_faces_without_anything_are_recognised_by_chance(grey, novice, eye, rank1):
    chance = 1 / len(np.unique(grey.gallery.people))
    assert rank1(attack(novice)(grey, {"eye": eye})["eye"], grey) == pytest.approx(chance, abs=1e-6)


def test_weights_do_not_depend_on_the_people_it_chooses_on(blurred, poisoned, novice, eye, monkeypatch):
    learnt = []

    def judged(known, rebuilder, watch):
        learnt[-1].append([value.detach().clone() for value in rebuilder.network.state_dict().values()])
        return {"eye": (0.5, 0.5)}

    monkeypatch.setattr(unet, "_judged", judged)
    trained = novice(blurred.known)
    monkeypatch.setattr(novice, "_train", lambda known: trained)
    for case in (blurred, poisoned):
        learnt.append([])
        attack(novice)(case, {"eye": eye})
    for one, other in zip(*learnt, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(learnt[0][0], learnt[0][1], strict=True))


def test_it_does_not_read_who_is_sought_and_repeats_itself(blurred, renamed, novice, eye):
    novice(blurred.known)
    state = torch.get_rng_state()
    weights = [p.clone() for p in novice(blurred.known).network.state_dict().values()]
    one, other = (attack(novice)(case, {"eye": eye})["eye"] for case in (blurred, renamed))
    assert np.array_equal(one.pictures, other.pictures)
    assert np.array_equal(one.probes, other.probes)
    assert torch.equal(torch.get_rng_state(), state)
    after = novice(blurred.known).network.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(weights, after, strict=True))
