"""Drawn people, several pictures of each, and a recogniser with random weights that tells them apart by colour."""

import numpy as np
import pytest
import torch
from torch import nn

from deepanon.audit.people.samples import Samples
from deepanon.data.synthetic import draw_face
from deepanon.embedders import Aligned, Surrogate, TorchScript

SIDE = 72
PEOPLE, PHOTOS = 8, 4


class Colours(nn.Module):
    """Where which colour lies, coarsely: enough to know a drawn person by. Convolved, so that it can be misled."""

    def forward(self, x):
        x = nn.functional.avg_pool2d(x, 14)
        x = x - x.mean()
        return x.flatten(1)


@pytest.fixture(scope="session")
def surrogate(tmp_path_factory):
    path = tmp_path_factory.mktemp("colours") / "colours.pt"
    torch.jit.script(Colours()).save(path)
    return Surrogate(TorchScript(path, 56, mean=127.5, std=127.5), Aligned("arcface", 56), "colours")


@pytest.fixture(scope="session")
def samples():
    """8 people, 4 photos each: one drawing, with other noise, shift and light."""
    rng, rows = np.random.default_rng(0), []
    for person in range(PEOPLE):
        picture, box, points = draw_face(SIDE, np.random.default_rng(100 + person))
        for _ in range(PHOTOS):
            light = rng.uniform(0.9, 1.1) * picture + rng.normal(0, 3, picture.shape)
            dx, dy = (int(v) for v in rng.integers(-3, 4, 2))
            moved = np.roll(light.clip(0, 255).astype(np.uint8), (dy, dx), (0, 1))
            shift = np.array([dx, dy])
            rows.append((moved, box + np.tile(shift, 2), points + shift, person))
    pictures, boxes, points, people = (np.array(column) for column in zip(*rows, strict=True))
    return Samples(pictures, boxes.astype(np.float32), points.astype(np.float32), people, np.arange(len(people)))
