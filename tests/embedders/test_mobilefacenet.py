"""The published weights are not shipped; the network is the real one, with random weights of the same form."""

import json

import numpy as np
import pytest
import torch

from deepanon.data.pairs import make_pairs
from deepanon.data.people import read_people
from deepanon.detections import Detections
from deepanon.embedders import Aligned, Recogniser, build_embedder
from deepanon.errors import ImageError, ModelError
from deepanon.models import MobileFaceNet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return MobileFaceNet().eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("mobilefacenet") / "068.ckpt"
    torch.save({"epoch": 68, "net_state_dict": network.state_dict()}, path)
    return path


def test_the_network_is_the_papers():
    """0.99 million parameters, table 2 of the paper."""
    network = MobileFaceNet()
    assert 985_000 < sum(weight.numel() for weight in network.parameters()) < 1_000_000
    assert len(network.blocks) == 15
    assert network.eval()(torch.zeros(2, 3, 112, 96)).shape == (2, 128)


def test_it_sees_the_middle_of_arcfaces_square(weights, network):
    embedder = build_embedder("mobilefacenet", weights=weights)
    images = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        theirs = network((((images + 1) * 127.5).round()[..., 8:104] - 127.5) / 128)
    torch.testing.assert_close(embedder(images), theirs)
    other = images.clone()
    other[..., :8], other[..., 104:] = 0, 0
    assert torch.equal(embedder(other), embedder(images))
    assert embedder(torch.zeros(1, 3, 224, 224)).shape == (1, 128)


def test_it_says_what_it_is(weights):
    state = torch.random.get_rng_state()
    embedder = build_embedder("mobilefacenet", weights=weights)
    assert torch.equal(state, torch.random.get_rng_state())
    assert embedder.name == "mobilefacenet 068"
    assert build_embedder("mobilefacenet", weights=weights, name="mine").name == "mine"
    assert all(word in embedder.description for word in ("SHA-256", "middle 96 of 112 px RGB", "(x - 127.5) / 128"))
    with pytest.raises(ImageError, match="takes"):
        embedder(torch.zeros(3, 112, 112))


def test_a_bare_state_dict_is_as_good_and_other_files_are_refused(weights, network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "bare.pt")
    images = torch.zeros(1, 3, 112, 112)
    bare = build_embedder("mobilefacenet", weights=tmp_path / "bare.pt")
    assert torch.equal(bare(images), build_embedder("mobilefacenet", weights=weights)(images))
    with pytest.raises(FileNotFoundError, match="no weights at"):
        build_embedder("mobilefacenet", weights=tmp_path / "nothing.pt")
    (tmp_path / "junk.pt").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"junk\.pt does not hold the weights of MobileFaceNet"):
        build_embedder("mobilefacenet", weights=tmp_path / "junk.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ModelError, match=r"list\.pt does not hold"):
        build_embedder("mobilefacenet", weights=tmp_path / "list.pt")
    state = {**network.state_dict(), "margin.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "more.pt")
    with pytest.raises(ModelError, match=r"more\.pt does not hold .*margin\.weight"):
        build_embedder("mobilefacenet", weights=tmp_path / "more.pt")


def test_real_weights_tell_people_apart(deepanon_data):
    """On 99.2 % of 300 such pairs the best threshold is right; its authors report 99.2 % or so on LFW."""
    weights = deepanon_data.parent / "weights" / "mobilefacenet_casia.pt"
    root = deepanon_data / "identities"
    if not (weights.is_file() and root.is_dir()):
        pytest.skip(f"no {weights} or no {root}")
    recogniser = Recogniser(build_embedder("mobilefacenet", weights=weights), Aligned("arcface"))
    photos = read_people(root / "identities.tar", limit=50)
    found = json.loads((root / "detections.json").read_text())
    pairs = make_pairs(photos, folds=2, per_fold=100)
    vectors = np.full((len(photos), 128), np.nan)
    for row in np.unique([pairs.first, pairs.second]):
        image, stored = photos[row].read(), found[photos[row].name]
        boxes, points = np.array(stored["boxes"], np.float32), np.array(stored["keypoints"])
        middle = np.linalg.norm(boxes[:, :2] + boxes[:, 2:] - image.shape[1::-1], axis=1).argmin()
        who = Detections(boxes[middle : middle + 1], np.ones(1), points[middle : middle + 1])
        vectors[row] = recogniser(image, who, photos[row].name)[0]
    alike = (vectors[pairs.first] * vectors[pairs.second]).sum(axis=1)
    assert max(((alike > threshold) == pairs.same).mean() for threshold in alike) >= 0.97
    assert alike[pairs.same].mean() - alike[~pairs.same].mean() > 0.5
