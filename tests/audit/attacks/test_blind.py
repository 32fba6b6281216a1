"""Restorers as attackers: what passes the self-test and what does not. Published weights are not at hand here."""

import pytest
import torch

from deepanon.audit.attack import NotRun
from deepanon.audit.attacks.blind import Blind
from deepanon.audit.scores import match
from deepanon.errors import ModelError


class Made:
    """A restorer that is a function."""

    description = "a function"

    def __init__(self, name, function):
        self.name, self.restore = name, function


PERFECT = Made("perfect", lambda faces: faces)


@pytest.fixture(scope="module")
def blurred(drawing):
    return drawing.case("gaussian9", known=4, sought=3)


@pytest.fixture(scope="module")
def eyes(drawing):
    return {"pixels": drawing.pixel_eye()}


def test_a_perfect_restorer_passes_its_test_and_gives_pictures(blurred, eyes, drawing):
    attack = Blind(PERFECT)
    psnr, alike = attack.self_test(PERFECT, blurred.known.clear, eyes)
    assert psnr > 50
    assert alike > 0.95
    traces = attack(blurred, eyes)["pixels"]
    assert traces.deployable
    assert traces.pictures.shape == blurred.probes.pictures.shape
    assert drawing.psnr(traces.pictures, blurred.probes.pictures) > 35
    assert match(traces, blurred.gallery.people, blurred.probes.people).matrix.shape == (3, 3)


@pytest.mark.parametrize(("name", "function"), [
    ("half its range", lambda faces: (faces * 2 - 1).clamp(0, 1)),  # what spandrel's own call does to GFPGAN
    ("negative", lambda faces: 1 - faces),
    ("one face for all", lambda faces: torch.full_like(faces, 0.5)),
    ("upside down", lambda faces: faces.flip(2)),
])  # fmt: skip
def test_a_restorer_that_spoils_clear_faces_is_not_run(name, function, blurred, eyes):
    with pytest.raises(NotRun, match=r"self-test.*dB.*likeness"):
        Blind(Made(name, function))(blurred, eyes)


@pytest.mark.parametrize("function", [lambda faces: faces[:, :, ::2], lambda faces: faces * float("nan")])
def test_a_restorer_that_gives_something_else_is_not_run(function, blurred, eyes):
    with pytest.raises(NotRun, match="makes"):
        Blind(Made("odd", function))(blurred, eyes)


def test_every_face_is_restored_once_whatever_the_batch(blurred, eyes):
    shown = []
    restorer = Made("counting", lambda faces: (shown.append(len(faces)), faces)[1])
    Blind(restorer, batch=2, tested=3)(blurred, eyes)
    assert shown == [2, 1, 2, 1]  # three in the self-test, three probes


def test_without_weights_it_is_not_run_and_says_which(blurred, eyes):
    with pytest.raises(NotRun, match=r"GFPGANv1\.4\.pth"):
        Blind()(blurred, eyes)


def test_a_file_that_is_not_there_is_an_error(blurred, eyes, tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        Blind(weights=tmp_path / "GFPGANv1.4.pth")(blurred, eyes)


def test_description_says_what_is_used():
    assert "a function" in Blind(PERFECT).description
    assert "GFPGANv1.4.pth" in Blind(weights="here/GFPGANv1.4.pth").description
    assert Blind(PERFECT).name == "blind restoration (perfect)"
