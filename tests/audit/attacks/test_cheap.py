"""Attackers that cost seconds, on drawn people: what each of them must and must not reach."""

from dataclasses import replace

import numpy as np
import pytest

from deepanon.audit.attacks import (
    EmbeddingInversion,
    LinearMap,
    LinearReconstruction,
    Naive,
    ParrotGallery,
    ParrotHead,
    RebuiltHead,
    Reverse,
)
from deepanon.audit.controls.changes import constant, permuted

LINEAR = LinearMap(32)
LEARNING = [ParrotHead(), EmbeddingInversion(), LinearReconstruction(LINEAR), RebuiltHead(LINEAR)]
EVERY = [Naive(), Reverse(), ParrotGallery(), *LEARNING]
RNG = np.random.default_rng(0)
named = pytest.mark.parametrize("attack", EVERY, ids=lambda attack: attack.name)


@named
def test_clear_photos_are_recognised_by_everybody(attack, ground, reach):
    least = {"embedding inversion": 0.35, "rebuilt head": 0.75}.get(attack.name, 0.9)  # few examples to learn from
    assert all(share > least for share in reach(attack, ground.case(ground.clear), ground).values())


@named
def test_one_and_the_same_picture_tells_nobody(attack, ground, reach):
    case = ground.case(constant(ground.clear, RNG))
    chance = 1 / len(np.unique(case.gallery.people))
    assert all(share <= chance + 0.12 for share in reach(attack, case, ground).values())


def test_a_strong_blur_hides_from_who_knows_nothing_and_not_from_who_learns(ground, hidden, reach):
    case = ground.case(hidden("gaussian:sigma=0.2"))
    naive = max(reach(Naive(), case, ground).values())
    adapted = max(max(reach(attack, case, ground).values()) for attack in LEARNING)
    assert adapted > naive + 0.3


def test_a_fixed_permutation_falls_to_a_linear_map_alone(ground, reach):
    case = ground.case(permuted(ground.clear, RNG))
    naive, linear = (max(reach(attack, case, ground).values()) for attack in (Naive(), LinearReconstruction(LINEAR)))
    assert naive < 0.5
    assert linear > 0.9


@named
def test_who_is_on_a_probe_is_never_read(attack, ground, hidden):
    case = ground.case(hidden("pixelate8"))
    dealt = replace(case, probes=replace(case.probes, people=case.probes.people[::-1].copy()))
    for name, traces in attack(case, ground.eyes).items():
        other = attack(dealt, ground.eyes)[name]
        assert np.array_equal(traces.probes, other.probes)
        assert np.array_equal(traces.gallery, other.gallery)


@named
def test_every_vector_has_unit_length_and_there_is_one_for_each_photo(attack, ground, hidden):
    case = ground.case(hidden("pixelate8"))
    for traces in attack(case, ground.eyes).values():
        sides = (len(case.gallery), len(case.probes))
        assert (len(traces.gallery), len(traces.probes)) == (sides[::-1] if traces.swapped else sides)
        for vectors in (traces.gallery, traces.probes):
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_nothing_is_learnt_from_whom_strength_is_chosen_on(ground, hidden):
    """A head that is fitted before the choice does not see tuning people; afterwards it may: all are its own."""
    case = ground.case(hidden("pixelate8"))
    known = case.known
    noise = np.random.default_rng(3).integers(0, 256, known.clear.pictures.shape, dtype=np.uint8)
    tuning = known.tuning[:, None, None, None]
    spoilt = replace(known, clear=known.clear.showing(np.where(tuning, noise, known.clear.pictures)))
    fit, other = (LINEAR.fit(k.clear[k.fitting], k.anonymized[k.fitting]) for k in (known, spoilt))
    inputs = LINEAR.flat(case.probes)
    assert np.array_equal(fit(inputs, 1e-3), other(inputs, 1e-3))


def test_what_was_chosen_is_said(ground, hidden):
    case = ground.case(hidden("pixelate8"))
    for attack in LEARNING:
        assert all("of its own people" in traces.note for traces in attack(case, ground.eyes).values())


def test_rebuilt_pictures_keep_what_lies_around_the_box(ground, hidden):
    from deepanon.audit.people.windows import masks

    case = ground.case(hidden("pixelate8"))
    made = next(iter(LinearReconstruction(LINEAR)(case, ground.eyes).values())).pictures
    outside = ~masks(case.probes)
    assert np.array_equal(made[outside], case.probes.pictures[outside])
    assert not np.array_equal(made, case.probes.pictures)
