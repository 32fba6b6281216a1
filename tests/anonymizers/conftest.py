"""A recogniser with random weights, for what needs one to work against."""

import pytest
import torch

from deepanon.models import MobileFaceNet


@pytest.fixture(scope="session")
def recogniser_file(tmp_path_factory):
    """A checkpoint of MobileFaceNet that has learnt nothing."""
    path = tmp_path_factory.mktemp("recogniser") / "random.pt"
    torch.manual_seed(0)
    torch.save({"net_state_dict": MobileFaceNet().state_dict()}, path)
    return path
