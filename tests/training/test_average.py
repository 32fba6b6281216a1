import pytest
import torch
from torch import nn

from deepanon.training.average import follow, ramped


def test_a_weight_counts_half_after_the_half_life():
    network, average = nn.Linear(2, 2), nn.Linear(2, 2)
    nn.init.ones_(network.weight)
    nn.init.zeros_(average.weight)
    for _ in range(5):
        follow(average, network, 20, half_life=100)
    torch.testing.assert_close(average.weight, torch.full((2, 2), 0.5))


@pytest.mark.parametrize(
    ("since", "rampup", "expected"),
    [(0, None, 10_000), (0, 0.1, 1), (500, 0.1, 50), (50_000, 0.1, 5_000), (10**6, 0.1, 10_000)],
)
def test_the_half_life_is_short_after_a_growth(since, rampup, expected):
    assert ramped(10_000, since, rampup) == expected


def test_new_layers_leave_the_chance_behind_that_they_began_as():
    """After 10,000 images, 8 at a time, of a network that stands still."""
    network, began, left = nn.Linear(3, 3), nn.Linear(3, 3), {}
    for rampup in (None, 0.1):
        average = nn.Linear(3, 3)
        average.load_state_dict(began.state_dict())
        for since in range(0, 10_000, 8):
            follow(average, network, 8, ramped(10_000, since, rampup))
        away = (average.weight - network.weight).norm() / (began.weight - network.weight).norm()
        left[rampup] = float(away.detach())
    assert left[None] == pytest.approx(0.5, abs=0.01)
    assert left[0.1] < 0.01
