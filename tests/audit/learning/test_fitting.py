import pytest
import torch
from torch import nn

from deepanon.audit.learning.fitting import Budget, fit, seeded, varied
from deepanon.errors import OptionError


def trained(budget, judge=None, seed=0):
    with seeded(1):
        network = nn.Linear(2, 1)
    inputs = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.0]])
    steps = []

    def loss(rows, random):
        steps.append(rows)
        return (network(inputs[rows]) - inputs[rows].sum(1, keepdim=True)).square().mean()

    return network, fit(network, loss, 4, budget, seed, judge and (lambda: judge(network))), steps


def test_it_learns_in_so_many_epochs_and_sees_every_row_as_often():
    network, said, steps = trained(Budget(epochs=200, batch=2, rate=0.05))
    assert said == []
    assert len(steps) == 400
    assert torch.bincount(torch.cat(steps)).tolist() == [200] * 4
    assert network(torch.tensor([[1.0, 1.0]])).item() == pytest.approx(2, abs=0.15)
    assert not network.training


def test_the_best_look_is_kept():
    looks = iter([0.1, 0.5, 0.9, 0.2, 0.3])
    kept = []

    def judge(network):
        assert not network.training
        kept.append(network.weight.detach().clone())
        return next(looks)

    network, said, _ = trained(Budget(epochs=8, batch=2, looks=4), judge)
    assert said == [0.1, 0.5, 0.9, 0.2, 0.3]
    assert torch.equal(network.weight, kept[2])
    assert not torch.equal(kept[2], kept[4])


def test_a_network_that_training_makes_worse_stays_as_it_was():
    looks = iter([1.0, 0.0])
    network, _, _ = trained(Budget(epochs=2, batch=2, looks=1), lambda network: next(looks))
    with seeded(1):
        assert torch.equal(network.weight, nn.Linear(2, 1).weight)


def test_seeds_decide_and_nothing_else_is_touched():
    state = torch.get_rng_state()
    one, again, other = (trained(Budget(epochs=3, batch=2), seed=seed)[0].weight for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_time_can_be_limited():
    assert len(trained(Budget(epochs=10**6, batch=4, minutes=1e-3))[2]) < 10**6


def test_pictures_are_varied_by_what_is_drawn_for_each():
    pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    same = pictures[:1].expand(3, -1, -1, -1)
    made, again = (varied(same, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(made, again)
    assert made.shape == (3, 3, 16, 16)
    assert (made[0] - made[1]).abs().mean() > 0.05
    assert made.abs().max() < 1.5


def test_numbers_that_make_no_sense_are_refused():
    for wrong in ({"epochs": 0}, {"looks": 0}, {"rate": 0.0}, {"minutes": -1.0}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            Budget(**wrong)
