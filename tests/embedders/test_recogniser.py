import json

import numpy as np
import pytest
import torch
from torch import nn

from deepanon.data.pairs import make_pairs
from deepanon.data.people import read_people
from deepanon.detections import Detections
from deepanon.embedders import Aligned, Margin, Onet, OpenVino, Recogniser, TorchScript
from deepanon.embedders.cuts import TEMPLATES
from deepanon.errors import ImageError, ModelError

RECOGNISERS = {  # what the weights at hand want to be fed with
    "reid0095": ("bgr", Aligned("reid0095")),
    "mobilefacenet_y1": ("rgb", Aligned("arcface")),
}


class Corner(nn.Module):
    """The colour of the first pixel."""

    def forward(self, x):
        return x[:, :, 0, 0]


class Broken(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3)) / 0 - 1


def scripted(tmp_path, network=None, cut=None):
    torch.jit.script(network or Corner()).save(tmp_path / "net.pt")
    return Recogniser(TorchScript(tmp_path / "net.pt", 16), cut or Margin(0, 16))


def faces(*boxes, keypoints=None):
    return Detections(np.array(boxes, dtype=np.float32), np.ones(len(boxes)), keypoints)


def test_every_face_gets_a_vector_of_unit_length_in_order(tmp_path):
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[:20, :20], image[20:, 40:] = (30, 40, 0), (0, 0, 9)
    vectors = scripted(tmp_path)(image, faces((40, 20, 60, 40), (0, 0, 20, 20)))
    np.testing.assert_allclose(vectors, [[0, 0, 1], [0.6, 0.8, 0]], atol=1e-6)
    assert vectors.dtype == np.float32


def test_a_face_that_cannot_be_cut_has_no_vector(tmp_path):
    points = np.full((3, 5, 2), np.nan)
    points[1] = TEMPLATES["arcface"][1]
    recogniser = Recogniser(Onet(), Aligned())
    image = np.random.default_rng(0).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    vectors = recogniser(image, faces(*[(5, 5, 90, 90)] * 3, keypoints=points))
    assert np.isnan(vectors).all(axis=1).tolist() == [True, False, True]
    assert np.linalg.norm(vectors[1]) == pytest.approx(1, abs=1e-6)
    unknown = recogniser(image, faces((5, 5, 90, 90)))
    assert unknown.shape == (1, recogniser.length) == (1, 256)
    assert np.isnan(unknown).all()
    assert recogniser(image, Detections.empty()).shape == (0, 256)


def test_networks_that_give_no_usable_vector_are_named_with_the_picture(tmp_path):
    image = np.full((30, 30, 3), 7, dtype=np.uint8)
    with pytest.raises(ModelError, match=r"'net' gives values that are not finite numbers for a face of Ann/1\.jpg"):
        scripted(tmp_path, Broken())(image, faces((0, 0, 9, 9)), "Ann/1.jpg")
    with pytest.raises(ModelError, match=r"'net' gives zeros only for a face of Ann/1\.jpg"):
        scripted(tmp_path)(image * 0, faces((0, 0, 9, 9)), "Ann/1.jpg")
    with pytest.raises(ImageError, match="a picture must be"):
        scripted(tmp_path)(image.astype(float), faces((0, 0, 9, 9)))


def test_the_description_says_all_that_vectors_depend_on(tmp_path):
    said = {
        scripted(tmp_path, cut=cut).description
        for cut in (Margin(0, 16), Margin(2, 16), Aligned(), Aligned("reid0095"))
    }
    assert len(said) == 4
    assert all("SHA-256" in line for line in said)


@pytest.mark.parametrize("name", RECOGNISERS)
def test_real_recognisers_tell_people_apart(deepanon_data, name):
    """On 99.7 % of 1,200 such pairs the best threshold is right; the README of the network says 99.5 % on LFW."""
    pytest.importorskip("openvino")
    weights, root = deepanon_data.parent / "weights" / f"{name}.xml", deepanon_data / "identities"
    if not (weights.is_file() and root.is_dir()):
        pytest.skip(f"no {weights} or no {root}")
    order, cut = RECOGNISERS[name]
    recogniser = Recogniser(OpenVino(weights, order=order), cut)
    photos = read_people(root / "identities.tar", limit=25)
    found = json.loads((root / "detections.json").read_text())
    pairs = make_pairs(photos, folds=2, per_fold=50)
    rows = np.unique([pairs.first, pairs.second])
    vectors = np.full((len(photos), recogniser.length), np.nan)
    for row in rows:
        image, stored = photos[row].read(), found[photos[row].name]
        boxes = np.array(stored["boxes"])
        middle = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] - image.shape[1::-1], axis=1).argmin()
        who = faces(boxes[middle], keypoints=np.array(stored["keypoints"])[middle : middle + 1])
        vectors[row] = recogniser(image, who, photos[row].name)[0]
    alike = (vectors[pairs.first] * vectors[pairs.second]).sum(axis=1)
    best = max(((alike > threshold) == pairs.same).mean() for threshold in alike)
    assert best >= 0.98
    assert alike[pairs.same].mean() - alike[~pairs.same].mean() > 0.5
