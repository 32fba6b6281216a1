from pathlib import Path

import numpy as np
import pytest
import torch

from deepanon import geometry
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import Detections
from deepanon.embedders import TorchScript
from deepanon.errors import DataError, ModelError, OptionError
from deepanon.evaluation.observing import Attributes
from deepanon.evaluation.observing.stream import Record
from deepanon.evaluation.utility import attribute_values
from deepanon.evaluation.utility.agreement import agree, apart

BOXES = np.array([[2, 2, 12, 12], [20, 5, 30, 15], [50, 50, 60, 60], [3, 20, 9, 26]], dtype=np.float32)


class Colour(torch.nn.Module):
    """Scores of three classes: how red, green and blue the picture is."""

    def forward(self, images):
        return images.mean((2, 3))


class Box:
    """The plain box, stretched."""

    size, description = 8, "box at 8 px"

    def __call__(self, image, face):
        x0, y0, x1, y1 = geometry.clip(face.boxes[0], image.shape[1], image.shape[0]).astype(int)
        if x1 <= x0 or y1 <= y0:
            return None
        return image[y0:y1, x0:x1][np.linspace(0, y1 - y0 - 1, 8).astype(int)][
            :, np.linspace(0, x1 - x0 - 1, 8).astype(int)
        ]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "colour.pt"
    torch.jit.script(Colour()).save(str(path))
    return TorchScript(path, size=8)


def photo(number=0, ignored=(False, False, False, True)):
    return AnnotatedPhoto(
        Path(f"{number}.jpg"), f"{number}.jpg", BOXES, np.array(ignored), {"occlusion": np.array([0, 1, 1, 0])}
    )


def painted(*colours):
    """A grey picture of 40 px with the faces in these colours; the third lies outside."""
    image = np.full((40, 40, 3), 99, np.uint8)
    for (x0, y0, x1, y1), colour in zip(BOXES.astype(int), colours, strict=True):
        image[y0:y1, x0:x1] = colour
    return image


RED, GREEN, BLUE = (200, 10, 20), (5, 180, 30), (0, 0, 255)


def look(network, image, of=None):
    of = of or photo()
    return Attributes(network, Box())(Record(of, image, image, Detections.empty()))["outputs"]


def test_says_what_the_network_says_of_every_face(network):
    found = look(network, painted(RED, GREEN, BLUE, BLUE))
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(found[[0, 1, 3]], [RED, GREEN, BLUE], atol=1e-3)


def test_its_key_names_network_and_cut(network):
    key = Attributes(network, Box()).key
    assert network.description in key
    assert "box at 8 px" in key


def test_looks_at_the_anonymized_picture(network):
    record = Record(photo(), painted(RED, RED, RED, RED), painted(GREEN, GREEN, GREEN, GREEN), Detections.empty())
    assert Attributes(network, Box())(record)["outputs"][0].argmax() == 1


def test_pictures_without_faces(network):
    empty = AnnotatedPhoto(Path("e.jpg"), "e.jpg", np.zeros((0, 4), np.float32), np.zeros(0, bool))
    outside = AnnotatedPhoto(Path("o.jpg"), "o.jpg", BOXES[2:3], np.zeros(1, bool))
    assert look(network, painted(RED, RED, RED, RED), empty).shape == (0, 0)
    assert look(network, painted(RED, RED, RED, RED), outside).shape == (1, 0)


def test_agreement_and_distance(network):
    photos = [photo(i) for i in range(3)]
    before = [look(network, painted(RED, GREEN, RED, RED))] * 3
    same, half = before, [look(network, painted(RED, BLUE, RED, BLUE))] * 3
    for kind, expected in (("classes", 0.5), ("coefficients", np.linalg.norm(np.subtract(GREEN, BLUE)) / 2)):
        values = attribute_values("x", "net", kind, photos, before, {"none": [same], "m": [half, half]}, 20)
        table = {(v.method, v.scope): v for v in values}
        assert {v.metric for v in values} == {"agreement" if kind == "classes" else "coefficients"}
        assert table["none", "all"].value == (1 if kind == "classes" else 0)
        assert table["m", "all"].value == pytest.approx(expected, rel=1e-4)
        assert table["m", "all"].seeds == pytest.approx((expected, expected), rel=1e-4)
        assert table["m", "all"].n == 6  # the third face lies outside, the fourth is ignored
        assert "of 9 annotated faces" in table["m", "all"].note
        assert table["m", "occlusion 0"].value == table["none", "all"].value
        assert not any(scope.startswith("yaw") for _, scope in table)


def test_yaws_of_a_detector_make_bins(network):
    before = [look(network, painted(RED, GREEN, RED, RED))]
    yaws = np.array([0.0, -40.0, np.nan])
    values = attribute_values("x", "net", "classes", [photo()], before, {"none": [before]}, 20, yaws=yaws)
    assert {v.scope for v in values if v.scope.startswith("yaw")} == {"yaw 0-15°", "yaw 30-60°", "yaw unknown"}


def test_formulas():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 50, 4))
    assert agree(a, b).mean() == np.mean(
        [list(x).index(max(x)) == list(y).index(max(y)) for x, y in zip(a, b, strict=True)]
    )
    assert apart(a, b) == pytest.approx(
        [sum((p - q) ** 2 for p, q in zip(x, y, strict=True)) ** 0.5 for x, y in zip(a, b, strict=True)]
    )
    a[3] = np.nan
    assert np.isnan(agree(a, b)[3])
    assert np.isnan(apart(a, b)[3])
    assert np.isfinite(agree(a, b)[4:]).all()


def test_what_does_not_fit(network, tmp_path):
    before = [look(network, painted(RED, GREEN, RED, RED))]
    with pytest.raises(OptionError, match="unknown kind of outputs 'logits'; choose one of: classes, coefficients"):
        attribute_values("x", "n", "logits", [photo()], before, {})
    with pytest.raises(DataError, match="1 photos, but outputs of 2"):
        attribute_values("x", "n", "classes", [photo()], before * 2, {})
    with pytest.raises(DataError, match=r"0.jpg: outputs of shape \(2, 3\) for 4 faces"):
        attribute_values("x", "n", "classes", [photo()], [before[0][:2]], {})
    with pytest.raises(DataError, match="no outputs of method 'm'"):
        attribute_values("x", "n", "classes", [photo()], before, {"m": []})

    class Broken(torch.nn.Module):
        def forward(self, images):
            return images.mean((2, 3)) / 0

    torch.jit.script(Broken()).save(str(tmp_path / "broken.pt"))
    with pytest.raises(ModelError, match=r"not finite numbers for 0\.jpg"):
        look(TorchScript(tmp_path / "broken.pt", size=8), painted(RED, RED, RED, RED))
