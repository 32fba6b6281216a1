import pytest
import torch
import torch.nn.functional as F

from deepanon.models.identity_net import IdentityNet, MarginHead


def test_pictures_become_vectors():
    network = IdentityNet(32, 8, 24)
    assert network(torch.randn(3, 3, 32, 32)).shape == (3, 24)
    assert 0.9e6 < sum(p.numel() for p in IdentityNet().parameters()) < 1.1e6


def test_a_picture_in_a_batch_is_what_it_is_alone():
    network, images = IdentityNet(32, 4, 8).eval(), torch.randn(4, 3, 32, 32)
    assert torch.allclose(network(images)[2:3], network(images[2:3]), atol=1e-5)


def test_side_must_halve_four_times():
    with pytest.raises(ValueError, match="multiple of 16"):
        IdentityNet(40)


def test_loss_is_that_of_the_cosines_with_a_margin_off_the_right_one():
    head, vectors, people = MarginHead(5, 3, margin=0.3, scale=10.0), torch.randn(4, 5), torch.tensor([0, 2, 1, 2])
    cosines = torch.stack([F.cosine_similarity(vectors, row[None]) for row in head.weight], dim=1)
    for row, person in enumerate(people):
        cosines[row, person] -= 0.3
    assert head(vectors, people).item() == pytest.approx(F.cross_entropy(10 * cosines, people).item(), rel=1e-5)
    assert head(3 * vectors, people).item() == pytest.approx(head(vectors, people).item(), rel=1e-5)
