from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepanon.audit.attack import OWN
from deepanon.audit.attacks import parrot_full
from deepanon.audit.attacks.parrot_full import GALLERIES, ParrotFull
from deepanon.audit.learning import novice as novices
from deepanon.audit.learning.fitting import Budget
from deepanon.audit.learning.novice import Novice
from deepanon.audit.scores import Traces
from deepanon.embedders import Aligned, Recogniser
from deepanon.errors import OptionError
from deepanon.models.identity_net import IdentityNet

BUDGET = Budget(epochs=8, batch=32, rate=2e-3, looks=2, half=False)
SHORT = Budget(epochs=1, batch=32, rate=2e-3, looks=1, half=False)


class Small:
    """A differentiable embedder: a network of random weights."""

    name, size, description = "small", 32, "small"

    def __init__(self):
        with torch.random.fork_rng():
            torch.manual_seed(3)
            self.network = IdentityNet(32, 8, 16).eval().requires_grad_(False)

    def features(self, images):
        return self.network(images)

    @torch.no_grad()
    def __call__(self, images):
        return self.network(images)


def test_it_recognises_blurred_faces_where_the_naive_eye_does_not(blurred, novice, naive, rank1):
    attack = ParrotFull(novice, BUDGET)
    traces = attack(blurred, {})
    clear = novice(blurred.known)
    before = rank1(Traces(clear(blurred.gallery), clear(blurred.probes)), blurred)
    assert set(traces) == {OWN}
    assert rank1(traces[OWN], blurred) > max(before + 0.25, naive + 0.08)  # hair around the box is seen by all
    assert np.linalg.norm(traces[OWN].gallery, axis=1) == pytest.approx(1, abs=1e-4)
    assert any(f"gallery {kind}" in attack.chosen[OWN] for kind in GALLERIES)


def test_faces_without_anything_are_recognised_by_chance(grey, novice, rank1):
    chance = 1 / len(np.unique(grey.gallery.people))
    assert rank1(ParrotFull(novice, SHORT)(grey, {})[OWN], grey) == pytest.approx(chance, abs=0.02)


def test_weights_do_not_depend_on_the_people_it_chooses_on(blurred, poisoned, novice, monkeypatch):
    learnt = []

    def judge(self, learner):
        learnt[-1].append([p.detach().clone() for p in learner.network.state_dict().values()])
        return dict.fromkeys(GALLERIES, 0.5)

    monkeypatch.setattr(parrot_full.Judge, "__call__", judge)
    clear = novice(blurred.known)
    monkeypatch.setattr(novice, "_train", lambda known: clear)
    for case in (blurred, poisoned):
        learnt.append([])
        ParrotFull(novice, SHORT)(case, {})
    assert len(learnt[0]) == len(learnt[1]) == 2
    for one, other in zip(*learnt, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(learnt[0][0], learnt[0][1], strict=True))


def test_the_novice_does_not_learn_from_the_people_it_chooses_on(blurred, poisoned, monkeypatch):
    monkeypatch.setattr(novices, "recognised", lambda *_: 0.5)
    small = Novice(SHORT, side=32, width=4, features=16)
    one, other = (small(known).network.state_dict() for known in (blurred.known, poisoned.known))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_it_does_not_read_who_is_sought_and_repeats_itself(blurred, renamed, novice):
    state = torch.get_rng_state()
    attack = ParrotFull(novice, SHORT)
    one, other = attack(blurred, {})[OWN], attack(renamed, {})[OWN]
    assert np.array_equal(one.gallery, other.gallery)
    assert np.array_equal(one.probes, other.probes)
    assert torch.equal(torch.get_rng_state(), state)


def test_another_seed_gives_other_weights(blurred, novice, monkeypatch):
    monkeypatch.setattr(parrot_full.Judge, "__call__", lambda self, learner: dict.fromkeys(GALLERIES, 0.5))
    one, other = (ParrotFull(novice, SHORT, seed=seed)(blurred, {})[OWN] for seed in (0, 1))
    assert not np.array_equal(one.probes, other.probes)


def test_a_backbone_is_trained_as_a_copy(blurred, novice):
    embedder = Small()
    before = {name: value.clone() for name, value in embedder.network.state_dict().items()}
    recogniser = Recogniser(embedder, Aligned("arcface", 32))
    traces = ParrotFull(novice, SHORT, {"small": recogniser}, SHORT)(blurred, {})
    assert set(traces) == {OWN, "small fine-tuned"}
    assert traces["small fine-tuned"].probes.shape == (len(blurred.probes), 16)
    assert all(torch.equal(before[name], value) for name, value in embedder.network.state_dict().items())
    assert not any(p.requires_grad for p in embedder.network.parameters())


def test_a_recogniser_outside_torch_cannot_be_trained(blurred, novice):
    outside = Recogniser(SimpleNamespace(name="file", size=32), Aligned("arcface", 32))
    with pytest.raises(OptionError, match="'file' is run outside torch"):
        ParrotFull(novice, SHORT, {"file": outside})


def test_what_results_depend_on_is_said(novice):
    text = ParrotFull(novice, BUDGET, pulls=(0.0, 2.0), seed=4).description
    for part in ("width 8", "32 px", "8 epochs of 32 at 0.002", "0 or 2", "seed 4"):
        assert part in text
