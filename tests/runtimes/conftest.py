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
def cache(tmp_path, monkeypatch):
    """The package's folder in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "deepanon"
