import pytest
import torch
import torch.nn.functional as F

from deepanon.models.losses import (
    critic_loss,
    drift_penalty,
    generator_loss,
    gradient_penalty,
    non_saturating_discriminator_loss,
    non_saturating_generator_loss,
    reconstruction_loss,
    relativistic_loss,
    scaled_loss,
    zero_centred_penalty,
)


def test_signs():
    """Minimising the critic's loss parts real from drawn; minimising the generator's raises the drawn score."""
    real, fake = torch.tensor([2.0, 4.0], requires_grad=True), torch.tensor([1.0, -3.0], requires_grad=True)
    loss = critic_loss(real, fake)
    assert loss == -4
    loss.backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    fake.grad = None
    generator_loss(fake).backward()
    assert generator_loss(fake) == 1
    assert (fake.grad < 0).all()


def test_drift_is_the_mean_square():
    assert drift_penalty(torch.tensor([3.0, -1.0])) == 5


@pytest.mark.parametrize("scale", [0.0, 0.25, 1.0, 3.0])
def test_gradient_penalty_of_a_linear_critic(scale):
    """f(x) = <w, x> has the gradient w everywhere, so the penalty is (|w| - 1)^2: two-sided, whole crop."""
    rng = torch.Generator().manual_seed(0)
    w = torch.randn(3, 8, 8, generator=rng)
    w = w / w.norm() * scale
    real, fake, epsilon = torch.randn(4, 3, 8, 8), torch.randn(4, 3, 8, 8), torch.rand(4, 1, 1, 1)
    penalty = gradient_penalty(lambda x: (x * w).sum((1, 2, 3)), real, fake, epsilon)
    assert penalty.item() == pytest.approx((scale - 1) ** 2, abs=1e-5)


def test_gradient_penalty_is_taken_between_real_and_drawn():
    """f(x) = |x|^2 / 2 has the gradient x, so the penalty tells where it was taken."""
    real, fake = torch.full((3, 3, 2, 2), 2.0), torch.full((3, 3, 2, 2), -1.0)
    epsilon = torch.tensor([0.0, 0.5, 0.75]).view(3, 1, 1, 1)
    penalty = gradient_penalty(lambda x: x.square().sum((1, 2, 3)) / 2, real, fake, epsilon)
    norms = torch.tensor([1.0, 0.5, 1.25]) * 12**0.5  # |x|: epsilon 0 is the drawn crop, 1 the real one
    torch.testing.assert_close(penalty, (norms - 1).square().mean())


def test_gradient_penalty_trains_the_critic_and_not_the_generator():
    weight = torch.tensor(0.5, requires_grad=True)
    fake = torch.randn(2, 3, 4, 4, requires_grad=True)
    gradient_penalty(
        lambda x: weight * x.sum((1, 2, 3)), torch.randn(2, 3, 4, 4), fake, torch.rand(2, 1, 1, 1)
    ).backward()
    norm = 0.5 * 48**0.5  # d/dw (w sqrt(48) - 1)^2
    assert weight.grad.item() == pytest.approx(2 * (norm - 1) * 48**0.5, rel=1e-4)
    assert fake.grad is None


def test_gradient_penalty_survives_a_flat_critic():
    weight = torch.zeros((), requires_grad=True)
    real, fake = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    penalty = gradient_penalty(lambda x: weight * x.sum((1, 2, 3)), real, fake, torch.rand(2, 1, 1, 1))
    penalty.backward()
    assert penalty == 1
    assert torch.isfinite(weight.grad)


def test_masked_gradient_penalty_looks_at_hidden_pixels_only():
    """f(x) = <w, x>: the norm is that of w where the mask is 1."""
    w, mask = torch.ones(3, 4, 4), torch.zeros(2, 1, 4, 4)
    mask[0, :, 0, :3] = 1
    real, fake, epsilon = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), torch.rand(2, 1, 1, 1)
    penalty = gradient_penalty(lambda x: (x * w).sum((1, 2, 3)), real, fake, epsilon, mask)
    torch.testing.assert_close(penalty, torch.tensor(((3 - 1) ** 2 + (0 - 1) ** 2) / 2))


def test_reconstruction_counts_hidden_pixels_only():
    real, mask = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
    mask[0, :, :2], mask[1, :, 0, 0] = 1, 1
    fake = torch.where(mask > 0, torch.tensor([0.5, 0.1]).view(2, 1, 1, 1), 100.0).expand(2, 3, 4, 4)
    torch.testing.assert_close(reconstruction_loss(fake, real, mask), torch.tensor(0.3))  # every crop counts alike
    assert reconstruction_loss(fake, real, torch.zeros_like(mask)) == 0


def test_scales_see_what_pixels_do_not():
    """A chequer is gone at half the size, an even shift is the same at all of them, and open pixels count at none."""
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1
    fake, even = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    chequer = 0.5 * (-1.0) ** (torch.arange(8)[:, None] + torch.arange(8)).expand(1, 3, 8, 8)
    for scales, seen in ((1, 0.5), (2, 0.25), (3, 0.5 / 3)):
        assert scaled_loss(fake, even, mask, scales).item() == pytest.approx(0.5)
        assert scaled_loss(fake, chequer, mask, scales).item() == pytest.approx(seen)
    assert scaled_loss(fake, even, torch.zeros_like(mask), 3).item() == 0


def test_logistic_losses():
    real, fake = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    expected = F.binary_cross_entropy_with_logits(real, torch.ones(2)) + F.binary_cross_entropy_with_logits(
        fake, torch.zeros(2)
    )
    torch.testing.assert_close(non_saturating_discriminator_loss(real, fake), expected)
    torch.testing.assert_close(
        non_saturating_generator_loss(fake), F.binary_cross_entropy_with_logits(fake, torch.ones(2))
    )
    torch.testing.assert_close(
        relativistic_loss(real, fake), F.binary_cross_entropy_with_logits(real - fake, torch.ones(2))
    )


def test_zero_centred_penalty_of_a_linear_discriminator():
    w = torch.randn(3, 4, 4)
    penalty = zero_centred_penalty(lambda x: (x * w).sum((1, 2, 3)), torch.randn(5, 3, 4, 4))
    torch.testing.assert_close(penalty, w.square().sum())
