import pytest
import torch
from facenet_pytorch.models.mtcnn import ONet
from skimage.data import astronaut

from deepanon.embedders import Onet, build_embedder, face_windows
from deepanon.images import to_float


@pytest.fixture(scope="module")
def onet():
    return Onet()


def pictures(n=5, size=48, seed=0):
    values = torch.randint(0, 256, (n, 3, size, size), generator=torch.Generator().manual_seed(seed))
    return values / 127.5 - 1


def test_features_are_what_the_package_scores_faces_by(onet):
    """The package's own network, its own scaling: its face score, boxes and points follow from our features."""
    theirs = ONet().eval()
    images = pictures()
    boxes, points, scores = theirs(((images + 1) * 127.5 - 127.5) * 0.0078125)
    features = onet(images)
    assert features.shape == (5, 256)
    torch.testing.assert_close(theirs.softmax6_1(theirs.dense6_1(features)), scores)
    torch.testing.assert_close(theirs.dense6_2(features), boxes)
    torch.testing.assert_close(theirs.dense6_3(features), points)


def test_knows_a_face_from_none(onet):
    theirs = ONet().eval()
    picture = to_float(astronaut()[None])
    face = face_windows(picture, torch.tensor([[176.0, 60, 272, 190]]), onet.size)

    @torch.no_grad()
    def score(images):
        return float(theirs.softmax6_1(theirs.dense6_1(onet(images)))[0, 1])

    assert score(face) > 0.95
    assert score(face_windows(picture, torch.tensor([[20.0, 250, 116, 380]]), onet.size)) < 0.5  # the flag
    assert score(torch.zeros(1, 3, 48, 48)) < 0.5


def test_pictures_of_any_size_give_features_one_by_one(onet):
    images = pictures(size=64)
    together = onet(images)
    for row, image in enumerate(images):
        torch.testing.assert_close(onet(image[None])[0], together[row], atol=1e-4, rtol=1e-4)
    assert not together.requires_grad


def test_building_draws_no_random_numbers():
    before = torch.random.get_rng_state()
    assert build_embedder("onet").name == "onet"
    assert torch.equal(before, torch.random.get_rng_state())
