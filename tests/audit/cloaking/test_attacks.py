import numpy as np
import pytest

from deepanon.audit.cloaking import attacks


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture
def world():
    """20 people, 4 vectors each in 32 dimensions; the last 8 dimensions are where a cloak may move them."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, 32))
    centres[:, 24:] *= 0.3
    people = np.repeat(np.arange(20), 4)
    return centres[people] + 0.2 * rng.normal(size=(80, 32)), people, rng


def test_nearest_and_linear_name_the_right_person(world):
    vectors, people, _ = world
    gallery = np.arange(80) % 4 < 2
    for attack in (attacks.nearest, attacks.linear):
        named = attack(unit(vectors)[gallery], people[gallery] + 7, unit(vectors)[~gallery])
        assert (named == people[~gallery] + 7).mean() > 0.95
        shuffled = attack(unit(vectors)[gallery], np.roll(people[gallery], 6), unit(vectors)[~gallery])
        assert (shuffled == people[~gallery]).mean() < 0.1


def test_linear_solves_the_same_system_as_the_textbook(world):
    vectors, people, _ = world
    middle, target = vectors.mean(0), np.eye(20)[people]
    inputs = vectors - middle
    ridge = attacks.RIDGE * (inputs**2).sum() / len(inputs)
    weights = np.linalg.solve(inputs.T @ inputs + ridge * np.eye(32), inputs.T @ (target - target.mean(0)))
    probes = np.random.default_rng(1).normal(size=(30, 32))
    assert np.array_equal(attacks.linear(vectors, people, probes), (probes - middle).dot(weights).argmax(1))


def test_only_the_person_looked_for_is_poisoned(world):
    vectors, people, _ = world
    gallery = np.arange(80) % 4 < 2
    clear, probes, who, owners = unit(vectors)[gallery], unit(vectors)[~gallery], people[gallery], people[~gallery]
    own = (clear, clear, who, probes, owners)
    assert attacks.poisoned(attacks.nearest, *own).mean() == 1
    assert attacks.poisoned(attacks.nearest, clear, -clear, who, probes, owners).mean() == 0
    one = np.where((who == 3)[:, None], -clear, clear)
    hits = attacks.poisoned(attacks.nearest, clear, one, who, probes, owners)
    assert set(owners[hits == 0]) == {3}


def test_the_threshold_lets_so_many_strangers_in(world):
    vectors, people, _ = world
    rng = np.random.default_rng(3)
    many, who = unit(rng.normal(size=(300, 16))), np.arange(300)
    at = attacks.threshold(many, who)
    passed = (many @ many.T > at)[~np.eye(300, dtype=bool)]
    assert passed.mean() == pytest.approx(attacks.FAR, abs=1e-3)
    v = unit(vectors)
    own = attacks.accepted(v, v, people, people, -2)
    assert (own == 1).all()
    assert (attacks.accepted(v, v, people, people, 2) == 0).all()


def test_a_head_that_has_seen_cloaks_of_others_looks_past_them(world):
    """A cloak that moves vectors along a few directions, by chance and far, is found out by what others' cloaks did."""
    vectors, people, rng = world
    shift = np.zeros((80, 32))
    shift[:, 24:] = 40 * rng.normal(size=(80, 8))
    clear, cloaked = unit(vectors), unit(vectors + shift)
    learnt, gallery = people < 10, np.arange(80) % 4 < 2
    project = attacks.discriminant(np.concatenate([clear[learnt], cloaked[learnt]]), np.tile(people[learnt], 2))

    def right(x, y):
        rows = ~learnt & gallery, ~learnt & ~gallery
        return (attacks.nearest(x[rows[0]], people[rows[0]], y[rows[1]]) == people[rows[1]]).mean()

    assert right(clear, cloaked) < 0.7
    assert right(project(clear), project(cloaked)) > right(clear, cloaked) + 0.2
    np.testing.assert_allclose(np.linalg.norm(project(cloaked), axis=1), 1)
