import pytest
import torch

from deepanon.crops import GREY
from deepanon.training.diffaugment import DiffAugment
from deepanon.training.draws import Draws

GREY_VALUE = GREY / 127.5 - 1


def view(n=6, size=16):
    rng = torch.Generator().manual_seed(0)
    image = torch.rand(n, 3, size, size, generator=rng) * 2 - 1
    mask = torch.zeros(n, 1, size, size)
    mask[:, :, 4:12, 4:12] = 1
    context = torch.where(mask > 0, GREY_VALUE, image)
    return image, context, mask, torch.rand(n, 5, 2, generator=rng)


def numbers(how, n=6, seed=0):
    return how.draw(Draws(seed, 0, n))


def test_nothing_is_varied_at_zero():
    given, how = view(), DiffAugment(1, 0, 0, 0)
    for before, after in zip(given, how.apply(given, numbers(how)), strict=True):
        torch.testing.assert_close(before, after)


def test_picture_and_context_stay_consistent():
    """Outside the hole the picture still equals its context, so the variation itself betrays nothing."""
    how = DiffAugment()
    image, context, mask, _ = how.apply(view(), numbers(how))
    known = (mask == 0).expand_as(image)
    torch.testing.assert_close(image[known], context[known])
    assert not torch.allclose(image, view()[0])


def test_shift_moves_pixels_mask_and_keypoints_together():
    given, how = view(), DiffAugment(1, 0, 0.25, 0)
    image, _, mask, points = how.apply(given, numbers(how))
    for i in range(6):
        dx, dy = ((points - given[3])[i, 0] * 16).round().int().tolist()
        assert abs(dx) <= 4
        assert abs(dy) <= 4
        expected = torch.zeros_like(given[0][i])
        for y in range(16):
            for x in range(16):
                if 0 <= y - dy < 16 and 0 <= x - dx < 16:
                    expected[:, y, x] = given[0][i, :, y - dy, x - dx]
        torch.testing.assert_close(image[i], expected)
        assert mask[i].sum() == 64  # the hole is still whole
        assert mask[i, 0, 4 + dy : 12 + dy, 4 + dx : 12 + dx].all()
    assert len({tuple(p) for p in (points - given[3])[:, 0].mul(16).round().int().tolist()}) > 2


@pytest.mark.parametrize(("probability", "least", "most"), [(0.0, 0, 0), (0.3, 40, 80), (1.0, 200, 200)])
def test_a_share_of_the_crops_is_varied_with_all_that_belongs_to_them(probability, least, most):
    given, how = view(n=200), DiffAugment(probability)
    out = how.apply(given, numbers(how, 200))
    everything = [(after != before).flatten(1).any(1) for after, before in zip(out, given, strict=True)]
    assert least <= everything[0].sum() <= most
    assert not (everything[2] & ~everything[0]).any()  # no mask moves without its crop
    assert not (everything[3] & ~everything[0]).any()


def test_unknown_keypoints_stay_unknown():
    image, context, mask, points = view()
    how = DiffAugment()
    assert how.apply((image, context, mask, torch.full_like(points, torch.nan)), numbers(how))[3].isnan().all()


def test_cutout_greys_one_square_of_the_asked_size():
    given, how = view(n=40), DiffAugment(1, 0, 0, 0.5)
    image, _, mask, _ = how.apply(given, numbers(how, 40))
    changed = ((image - given[0]).abs() > 1e-5).any(1)
    assert torch.equal(mask, given[2])
    assert ((image[changed[:, None].expand_as(image)] - GREY_VALUE).abs() < 1e-6).all()
    assert changed.flatten(1).sum(1).max() == 64  # 8 x 8 where it lies inside
    assert changed.flatten(1).sum(1).min() < 64  # cut at the border


def test_gradient_reaches_the_picture():
    image, *rest = view()
    image.requires_grad_(True)
    how = DiffAugment()
    how.apply((image, *rest), numbers(how))[0].square().sum().backward()
    assert (image.grad.flatten(1).abs().sum(1) > 0).all()


@pytest.mark.parametrize(
    ("changes", "error"), [({"colour": 2}, ValueError), ({"shift": -0.1}, ValueError), ({"cutout": "x"}, TypeError)]
)
def test_impossible_values_are_named(changes, error):
    with pytest.raises(error, match=f"diffaugment: {next(iter(changes))}"):
        DiffAugment(**changes)
