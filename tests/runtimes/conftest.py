"""A small generator, and inputs for it."""

import pytest
import torch

from deepanon.detections import FIVE
from deepanon.models import build_generator
from deepanon.weights import LoadedGenerator


@pytest.fixture
def loader():
    """Function: architecture, seed -> a small generator of it."""

    def load(architecture="lean", seed=0):
        torch.manual_seed(seed)
        network = build_generator(architecture, resolution=16, widths={4: 12, 8: 8, 16: 6})
        return LoadedGenerator(network.eval().requires_grad_(False), FIVE, pose_free=True)

    return load


@pytest.fixture
def given():
    """Function: network, number of faces -> inputs, the last of them without keypoints."""

    def inputs(network, faces, seed=1):
        rng, size = torch.Generator().manual_seed(seed), network.resolution
        mask = torch.zeros(faces, 1, size, size)
        mask[..., size // 4 : -size // 4, size // 4 :] = 1
        context = torch.where(mask > 0, 0.0039, torch.rand(faces, 3, size, size, generator=rng) * 2 - 1)
        points = torch.rand(faces, network.keypoints, 2, generator=rng)
        points[-1] = torch.nan
        return context, mask, points, torch.randn(faces, network.noise, 4, 4, generator=rng)

    return inputs


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The package's folder in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deepanon"
