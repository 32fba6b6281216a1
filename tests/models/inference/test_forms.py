"""Inference forms draw what the plain networks draw."""

import copy

import pytest
import torch

from deepanon.models import GENERATORS, build_generator
from deepanon.models.inference import FORMS, TOLERANCE, inference_form
from deepanon.models.inference.layers import Points, cells_of
from deepanon.models.layers import keypoint_maps
from deepanon.weights import BUNDLED, load_generator

WIDTHS = {4: 16, 8: 12, 16: 8, 32: 6}


def trained(architecture, **options):
    """A network whose biases, too, are not what they start with."""
    torch.manual_seed(0)
    network = build_generator(architecture, resolution=32, widths=WIDTHS, **options).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    return network


def test_every_architecture_has_a_form():
    assert FORMS.keys() == GENERATORS.keys()


@pytest.mark.parametrize("switches", [(True, True), (False, False)], ids=["ours", "paper's"])
@pytest.mark.parametrize("faces", [1, 2, 5])
@pytest.mark.parametrize("architecture", GENERATORS)
def test_draws_what_the_plain_network_draws(architecture, faces, switches, given):
    network = trained(architecture, mask_channel=switches[0], composite=switches[1])
    form, inputs = inference_form(network), given(network, faces)
    with torch.inference_mode():
        plain, drawn = network(*inputs), form(*inputs)
    assert drawn.shape == plain.shape
    assert plain.std() > 0.1
    torch.testing.assert_close(drawn, plain, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("model", BUNDLED)
def test_of_what_ships(model, given):
    network = load_generator(model).network
    form = inference_form(network)
    for faces in (1, 3):
        inputs = given(network, faces)
        with torch.inference_mode():
            torch.testing.assert_close(form(*inputs), network(*inputs), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_leaves_its_network_and_inputs_as_they_are(architecture, given):
    network = trained(architecture)
    before = copy.deepcopy(network.state_dict())
    inputs = given(network, 2)
    kept = [one.clone() for one in inputs]
    form = inference_form(network)
    with torch.inference_mode():
        first = form(*inputs)
        again = form(*inputs)
    assert torch.equal(first, again)  # nothing that is worked on in place stays
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    for one, was in zip(inputs, kept, strict=True):
        torch.testing.assert_close(one, was, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_a_face_does_not_depend_on_the_faces_beside_it(architecture, given):
    network = trained(architecture)
    form, inputs = inference_form(network), given(network, 4)
    other = given(network, 4, seed=2)
    mixed = [torch.cat([mine[:1], theirs[1:]]) for mine, theirs in zip(inputs, other, strict=True)]
    with torch.inference_mode():
        assert torch.equal(form(*inputs)[0], form(*mixed)[0])
        torch.testing.assert_close(form(*inputs)[:1], form(*(one[:1] for one in inputs)), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("architecture", GENERATORS)
def test_known_pixels_stay_to_the_bit(architecture, given):
    network = trained(architecture)
    context, mask, points, z = given(network, 2)
    with torch.inference_mode():
        drawn = inference_form(network)(context, mask, points, z)
    known = (mask == 0).expand_as(drawn)
    assert torch.equal(drawn[known], context[known])


def test_points_are_drawn_as_keypoint_maps_are():
    points = torch.tensor([[[0.1, 0.9], [0.999, 0.0], [1.0, 0.5], [-0.1, 0.5], [torch.nan, 0.5]]])
    for size in (4, 16):
        assert torch.equal(Points(cells_of(points, 16), 16).maps(size), keypoint_maps(points, size))


def test_an_unknown_architecture_is_named():
    network = trained("lean")
    network.architecture = "other"
    with pytest.raises(ValueError, match="no inference form of 'other'; known: deepprivacy, modulated, lean"):
        inference_form(network)
