"""Gradients reach the pixels, and what they flow through is what the recogniser of the same parts does."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.embedders import (
    Aligned,
    Differentiable,
    Facenet,
    Margin,
    Mobilefacenet,
    Onet,
    Surrogate,
    TorchScript,
    build_surrogates,
    differentiable,
)
from deepanon.embedders.warp import reduced, warped
from deepanon.errors import DetectionError, ModelError, OptionError
from deepanon.images import to_float
from deepanon.models import MobileFaceNet


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 7, 5)

    def forward(self, x):
        return self.layer(x).tanh().flatten(1)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weights by kind, all random."""
    from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1

    folder = tmp_path_factory.mktemp("surrogates")
    torch.manual_seed(0)
    torch.jit.script(Small()).save(folder / "torchscript.pt")
    torch.save({"net_state_dict": MobileFaceNet().state_dict()}, folder / "mobilefacenet.pt")
    torch.save(InceptionResnetV1().state_dict(), folder / "facenet.pt")
    return {kind: folder / f"{kind}.pt" for kind in ("torchscript", "mobilefacenet", "facenet")}


@pytest.fixture(scope="module")
def scene():
    return draw_scene(200, 180, 1, seed=3, face=95)


def tensors(image, faces):
    return to_float(image[None]), torch.tensor(faces.boxes), torch.tensor(faces.points)


def whole_levels(kind, side=160):
    rng = np.random.default_rng(len(kind))
    return to_float(rng.integers(0, 256, (2, side, side, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", ["torchscript", "mobilefacenet", "facenet"])
def test_features_of_whole_levels_are_what_a_call_gives(files, kind):
    embedder = build_surrogates(kind, files[kind])[0].embedder
    assert isinstance(embedder, Differentiable)
    images = whole_levels(kind).requires_grad_()
    found = embedder.features(images)
    torch.testing.assert_close(found.detach(), embedder(images.detach()), rtol=1e-3, atol=1e-4)
    (gradient,) = torch.autograd.grad(found[0].square().sum(), images)
    assert gradient[0].abs().sum() > 0
    assert gradient[1].abs().sum() == 0  # another picture has no part in it


@pytest.mark.parametrize("kind", ["torchscript", "mobilefacenet", "facenet"])
def test_weights_are_frozen_and_can_be_trained_on_demand(files, kind):
    embedder = build_surrogates(kind, files[kind])[0].embedder
    images = whole_levels(kind)
    assert not embedder.features(images).requires_grad
    for weight in embedder.network.parameters():
        weight.requires_grad_()
    embedder.features(images).sum().backward()
    assert any(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in embedder.network.parameters())


def test_features_are_not_rounded(files):
    embedder = Mobilefacenet(files["mobilefacenet"])
    images = whole_levels("mobilefacenet")
    nudged = images + 0.3 / 127.5
    assert torch.equal(embedder(images), embedder(nudged.clamp(-1, 1)))
    assert not torch.allclose(embedder.features(images), embedder.features(nudged))


def test_the_surrogate_is_its_recogniser(files, scene):
    image, faces = scene
    for kind, file in files.items():
        surrogate = build_surrogates(kind, file)[0]
        theirs = surrogate.recogniser()(image, faces)
        ours = surrogate(*tensors(image, faces)).detach().numpy()
        assert (ours * theirs).sum() > 0.998, kind
        assert np.linalg.norm(ours) == pytest.approx(1, abs=1e-5)
        assert surrogate.needs_keypoints is (kind != "facenet")


def test_gradients_reach_the_face_and_nothing_else(files, scene):
    image, faces = scene
    surrogate = Surrogate(TorchScript(files["torchscript"], 112, mean=127.5, std=127.5), Aligned())
    pixels, boxes, points = tensors(image, faces)
    pixels.requires_grad_()
    surrogate(pixels, boxes, points)[0, 0].backward()
    assert pixels.grad.isfinite().all()
    x0, y0, x1, y1 = faces.boxes[0].astype(int)
    assert pixels.grad[..., y0:y1, x0:x1].abs().sum() > 0
    assert pixels.grad[..., :5, :5].abs().sum() == 0


@pytest.mark.parametrize("seed", range(4))
def test_warped_is_what_opencv_warps(seed):
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.integers(0, 256, (90, 130, 3), dtype=np.uint8), (0, 0), 1.5)
    points = rng.uniform(-10, 110, (5, 2))  # some outside: black there
    cut = Aligned()
    theirs = cut(image, Detections(np.array([[0, 0, 90, 90.0]]), np.ones(1), points[None]))
    ours = cut.windows(to_float(image[None]), torch.zeros(1, 4), torch.as_tensor(points[None]))
    apart = ((ours + 1) * 127.5)[0].permute(1, 2, 0).numpy() - theirs
    assert np.abs(apart).max() < 3.5  # levels: OpenCV rounds places to 1/32 px, and the result
    assert np.abs(apart).mean() < 0.5


def test_warped_by_nothing_is_the_picture():
    image = torch.rand(1, 3, 20, 20) * 2 - 1
    torch.testing.assert_close(warped(image, torch.eye(2, 3)[None], 20), image)
    moved = warped(image, torch.tensor([[[1.0, 0, 3], [0, 1, 0]]]), 20)
    torch.testing.assert_close(moved[..., 3:], image[..., :-3])
    torch.testing.assert_close(moved[..., :3], torch.full((1, 3, 20, 3), -1.0))  # black


def test_reduced_is_opencvs_area():
    image = np.random.default_rng(0).integers(0, 256, (170, 131, 3), dtype=np.uint8)
    theirs = cv2.resize(image, (40, 40), interpolation=cv2.INTER_AREA)
    ours = reduced(torch.as_tensor(image).permute(2, 0, 1)[None].double(), 40)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).max() <= 0.51
    assert reduced(torch.zeros(1, 3, 20, 90), 40).shape == (1, 3, 40, 40)


def test_margins_windows_are_its_cut(scene):
    image, faces = scene
    cut = Margin(14, 60)
    ours = (cut.windows(*tensors(image, faces)) + 1) * 127.5
    assert np.abs(ours[0].permute(1, 2, 0).numpy() - cut(image, faces)).max() <= 0.51


def test_what_cannot_be_cut_is_an_error(scene):
    image, faces = scene
    pixels, boxes, points = tensors(image, faces)
    with pytest.raises(DetectionError, match="face 0 has no keypoints"):
        Aligned().windows(pixels, boxes, points * float("nan"))
    with pytest.raises(DetectionError, match="no whole pixel"):
        Margin().windows(pixels, boxes + 1000, points)


def test_who_cannot_be_a_surrogate_is_told(files, tmp_path):
    with pytest.raises(OptionError, match=r"'onet'.*facenet, mobilefacenet, torchscript"):
        differentiable(Onet())
    with pytest.raises(OptionError, match="'onet'"):
        Surrogate(Onet(), Aligned())
    with pytest.raises(OptionError, match="choose one of: facenet, mobilefacenet, torchscript"):
        build_surrogates("arcface", files["torchscript"])
    with pytest.raises(OptionError, match="2 recognisers for 1 weights"):
        build_surrogates("facenet+mobilefacenet", files["facenet"])
    with pytest.raises(FileNotFoundError, match="nothing"):
        build_surrogates("mobilefacenet", f"{files['mobilefacenet']}+{tmp_path / 'nothing.pt'}")

    class Rounded(nn.Module):
        def forward(self, x):
            return x.detach().mean(dim=(2, 3))

    torch.jit.script(Rounded()).save(tmp_path / "rounded.pt")
    with pytest.raises(ModelError, match="lets no gradient pass"):
        TorchScript(tmp_path / "rounded.pt", 16).features(torch.zeros(1, 3, 16, 16, requires_grad=True))


def test_several_by_name(files):
    both = build_surrogates("mobilefacenet+facenet", f"{files['mobilefacenet']}+{files['facenet']}")
    assert [type(surrogate.embedder) for surrogate in both] == [Mobilefacenet, Facenet]
    twice = build_surrogates("mobilefacenet", f"{files['mobilefacenet']}+{files['mobilefacenet']}")
    assert len(twice) == 2
    assert len({surrogate.description for surrogate in both}) == 2
