import torch

from deepanon.training.draws import Draws, Share


def everything(draws):
    return torch.cat([draws.uniform(3), draws.normal(2, 2).flatten(1), draws.uniform()[:, None]], 1)


def test_draws_depend_on_seed_and_clock_alone():
    first = everything(Draws(3, 100, 4))
    torch.manual_seed(5)
    assert torch.equal(first, everything(Draws(3, 100, 4)))
    assert not torch.equal(first, everything(Draws(4, 100, 4)))
    assert not torch.equal(first, everything(Draws(3, 104, 4)))


def test_a_crop_meets_the_same_numbers_however_many_share_the_work():
    whole = everything(Draws(0, 8, 8))
    for world in (2, 4):
        parts = [everything(Draws(0, 8, 8 // world, share=Share(rank, world))) for rank in range(world)]
        assert torch.equal(torch.cat(parts), whole)


def test_uniform_and_normal_are_what_they_say():
    draws = Draws(1, 0, 20_000)
    uniform, normal = draws.uniform(), draws.normal()
    assert 0 <= uniform.min() < 0.01
    assert 0.99 < uniform.max() < 1
    assert abs(normal.mean()) < 0.03
    assert abs(normal.std() - 1) < 0.03
