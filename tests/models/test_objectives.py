import pytest
import torch
import torch.nn.functional as F

from deepanon.models import NonSaturating, WassersteinGP
from deepanon.models.losses import gradient_penalty, zero_centred_penalty


class Linear(torch.nn.Module):
    """f(x) = <w, x>, whose gradient is w everywhere."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0)))

    def forward(self, x):
        return (x * self.w).sum((1, 2, 3))


@pytest.fixture
def given():
    rng = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(5, 3, 4, 4, generator=rng) for _ in range(2))
    mask = torch.zeros(5, 1, 4, 4)
    mask[..., :2] = 1
    return real, fake, mask, torch.rand(5, 1, 1, 1, generator=rng)


@pytest.mark.parametrize("masked", [False, True])
def test_wasserstein_is_the_sum_of_its_parts(given, masked):
    real, fake, mask, epsilon = given
    f = Linear()
    loss, logs = WassersteinGP(7.0, 0.5, masked).discriminator(f, f, real, fake, mask, epsilon, 0)
    penalty = gradient_penalty(f, real, fake, epsilon, mask if masked else None)
    expected = f(fake).mean() - f(real).mean() + 7 * penalty + 0.5 * f(real).square().mean()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(WassersteinGP().generator(f, real, fake), -f(fake).mean())
    assert logs.keys() == {"discriminator/real", "discriminator/fake", "discriminator/penalty"}


def test_drift_weight_is_honoured(given):
    f = Linear()
    losses = [WassersteinGP(0.0, drift).discriminator(f, f, *given, 0)[0] for drift in (0.0, 1.0, 2.0)]
    torch.testing.assert_close(losses[1] - losses[0], f(given[0]).square().mean())
    torch.testing.assert_close(losses[2] - losses[0], 2 * f(given[0]).square().mean())


def test_penalties_come_every_so_often_with_their_whole_weight(given):
    f, real, fake = Linear(), given[0], given[1]
    objective, plain = NonSaturating(0.3, 0.2, every=4), NonSaturating(0.0, 0.0)
    base = plain.discriminator(f, f, *given, 0)[0]
    extra = [float((objective.discriminator(f, f, *given, turn)[0] - base).detach()) for turn in range(8)]
    due = (
        (given[0].shape[-1] / 32) ** 2
        * 4
        * (0.15 * zero_centred_penalty(f, real) + 0.1 * zero_centred_penalty(f, fake)).item()
    )
    assert extra == pytest.approx([due, 0, 0, 0] * 2, rel=1e-4)


def test_penalties_use_the_exact_discriminator(given):
    def refuse(x):
        if x.requires_grad:
            raise AssertionError("a penalty through the fast path")
        return f(x)

    f = Linear()
    for objective in (WassersteinGP(), NonSaturating(1.0, 1.0, every=1)):
        objective.discriminator(refuse, f, *given, 0)[0].backward()


def test_penalty_is_the_same_for_a_picture_at_any_resolution():
    """D averages over pixels, so it is the same function at both sizes."""
    small = torch.randn(3, 3, 8, 8)
    large, epsilon, mask = F.interpolate(small, scale_factor=4), torch.rand(3, 1, 1, 1), torch.ones(3, 1, 1, 1)

    def f(x):
        return x.mean((2, 3)).square().sum(1)

    losses = [
        NonSaturating(5.0, every=1).discriminator(f, f, x, x, mask, epsilon, 0)[0]
        - NonSaturating(0.0).discriminator(f, f, x, x, mask, epsilon, 0)[0]
        for x in (small, large)
    ]
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize("relativistic", [False, True])
def test_the_two_pull_in_opposite_directions(given, relativistic):
    real, fake, mask, epsilon = given
    objective, f = NonSaturating(0.0, relativistic=relativistic), Linear()
    shift = torch.zeros((), requires_grad=True)

    def shifted(x):
        return f(x) + shift * (x is fake)

    objective.discriminator(shifted, shifted, real, fake, mask, epsilon, 0)[0].backward()
    down = shift.grad.item()
    shift.grad = None
    objective.generator(shifted, real, fake).backward()
    assert down > 0 > shift.grad.item()


def test_relativistic_generator_compares_within_one_context(given):
    f, real, fake = Linear(), given[0], given[1]
    loss = NonSaturating(0.0, relativistic=True).generator(f, real, fake)
    torch.testing.assert_close(loss, F.softplus(f(real) - f(fake)).mean())


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: WassersteinGP(penalty_weight="10"), TypeError, "penalty_weight must be a number, got '10'"),
        (lambda: WassersteinGP(drift_weight=-1), ValueError, "drift_weight must be finite and 0 or more"),
        (lambda: WassersteinGP(masked="yes"), TypeError, "masked must be true or false"),
        (lambda: NonSaturating(r1_weight=float("nan")), ValueError, "r1_weight must be finite"),
        (lambda: NonSaturating(every=0), ValueError, "every must be positive"),
        (lambda: NonSaturating(relativistic=1), TypeError, "relativistic must be true or false"),
    ],
)
def test_impossible_objectives(build, error, message):
    with pytest.raises(error, match=message):
        build()
