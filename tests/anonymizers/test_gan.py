"""The generator as a method: where its noise comes from, and what it says of itself."""

import numpy as np
import pytest
import torch

from deepanon.anonymizers import Gan
from deepanon.data.synthetic import draw_scene
from deepanon.errors import OptionError
from deepanon.files import sha256_of
from deepanon.pipeline import replace_faces
from deepanon.runtimes import Pace
from deepanon.weights import BUNDLED, DEFAULT


@pytest.fixture(scope="module")
def scene():
    return draw_scene(200, 200, 2, seed=2)


def test_random_z_follows_the_seed_and_zero_does_not(scene):
    image, faces = scene
    drawn, static = Gan(), Gan(z="zero")
    assert (drawn.random, static.random) == (True, False)
    first, second = (replace_faces(image, faces, drawn, [seed, seed]) for seed in (1, 2))
    assert not np.array_equal(first, second)
    zero = [replace_faces(image, faces, static, [seed, seed]) for seed in (1, 2)]
    assert np.array_equal(*zero)
    assert not np.array_equal(zero[0], first)


def test_zero_is_zero(scene, monkeypatch):
    """What reaches the network is no noise at all."""
    seen, gan = [], Gan(z="zero")
    original = gan.runtime
    monkeypatch.setattr(gan, "runtime", lambda c, m, k, z: seen.append(z) or original(c, m, k, z))
    replace_faces(*scene, gan, [5, 6])
    assert sum(len(z) for z in seen) == 2
    assert all(torch.equal(z, torch.zeros_like(z)) for z in seen)


def test_the_description_names_the_file():
    digest = sha256_of(BUNDLED[DEFAULT].path)[:16]
    lines = {z: Gan(z=z).description for z in ("random", "zero")}
    for z, line in lines.items():
        assert f"{DEFAULT}.safetensors (SHA-256 {digest})" in line
        assert line.endswith(f"run by torch, {z} z")
    assert Gan(BUNDLED[DEFAULT].path).description == lines["random"]


def test_another_z_is_refused():
    with pytest.raises(OptionError, match="random, zero"):
        Gan(z="small")


def test_draws_what_the_plain_network_draws(scene):
    """The promised bound, where it counts: in pixels."""
    image, faces = scene
    gan = Gan()
    fast = replace_faces(image, faces, gan, [1, 2])
    gan.runtime = gan.loaded.network
    plain = replace_faces(image, faces, gan, [1, 2])
    assert not np.array_equal(fast, image)
    assert np.abs(fast.astype(int) - plain).max() <= 1


def test_how_many_at_a_time_changes_a_level_at_most(scene):
    image, faces = scene
    results = [replace_faces(image, faces, Gan(**how), [1, 2]) for how in ({}, {"batch": 2}, {"streams": 2})]
    assert Gan(batch=2).runtime.pace == Pace(2, 1)
    assert np.abs(results[0].astype(int) - results[1]).max() <= 1
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize("wrong", [{"batch": -1}, {"streams": -2}])
def test_a_number_of_faces_below_none_is_refused(wrong):
    with pytest.raises(OptionError, match="must be 0 or more"):
        Gan(**wrong)
