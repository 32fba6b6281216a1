"""The published weights cannot be had in a test; the network is the real one, with random weights of the same form."""

import hashlib
import threading
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from deepanon.detections import Detections
from deepanon.embedders import Margin, Recogniser, build_embedder, facenet
from deepanon.errors import ModelError, OptionError

with warnings.catch_warnings():
    from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return InceptionResnetV1(classify=True, num_classes=11).eval()  # the published files hold a classifier too


@pytest.fixture(scope="module")
def release(network, tmp_path_factory):
    """A folder with the file that a release would hold."""
    folder = tmp_path_factory.mktemp("release")
    torch.save(network.state_dict(), folder / "20180402-114759-vggface2.pt")
    return folder


@pytest.fixture
def served(release, monkeypatch, tmp_path):
    """A server of that folder, an empty cache, and what was asked for."""
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, _, *args):
            asked.append(args[0])

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(release)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(facenet, "URLS", {k: f"{url}/{v.rsplit('/')[-1]}" for k, v in facenet.URLS.items()})
    yield asked
    server.shutdown()
    server.server_close()


def test_weights_are_fetched_once_to_where_facenet_pytorch_looks(served, network, release, tmp_path, monkeypatch):
    embedder = build_embedder("facenet")
    kept = tmp_path / "torch" / "checkpoints" / "20180402-114759-vggface2.pt"
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert hashlib.sha256(kept.read_bytes()).hexdigest()[:16] in embedder.description
    assert build_embedder("facenet").description == embedder.description
    assert len(served) == 1
    images = torch.rand(2, 3, 160, 160, generator=torch.Generator().manual_seed(1)) * 2 - 1
    network.classify = False
    with torch.no_grad():  # fixed_image_standardization of facenet-pytorch
        theirs = network((((images + 1) * 127.5).round() - 127.5) / 128)
    torch.testing.assert_close(embedder(images), theirs)
    assert embedder.name == "facenet vggface2"


def test_a_failed_download_says_what_to_do(served, tmp_path):
    with pytest.raises(ModelError, match=r"cannot be downloaded .*404.* elsewhere and put it at .*casia-webface\.pt"):
        build_embedder("facenet", pretrained="casia-webface")
    assert not list(tmp_path.rglob("*.pt"))


def test_weights_from_a_file(release, tmp_path):
    state = torch.random.get_rng_state()
    path = release / "20180402-114759-vggface2.pt"
    recogniser = Recogniser(build_embedder("facenet", weights=path, name="mine"), Margin(14))
    assert torch.equal(state, torch.random.get_rng_state())
    image = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    vectors = recogniser(image, Detections(np.array([[10, 10, 90, 120]]), np.ones(1)))
    assert vectors.shape == (1, 512)
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)
    assert recogniser.name == "mine"


def test_files_that_hold_something_else(release, tmp_path):
    with pytest.raises(FileNotFoundError, match="no weights at"):
        build_embedder("facenet", weights=tmp_path / "nothing.pt")
    (tmp_path / "junk.pt").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"junk\.pt does not hold the weights of facenet-pytorch's"):
        build_embedder("facenet", weights=tmp_path / "junk.pt")
    state = torch.load(release / "20180402-114759-vggface2.pt", weights_only=True)
    del state["last_bn.weight"]
    torch.save(state, tmp_path / "part.pt")
    with pytest.raises(ModelError, match=r"part\.pt does not hold .*last_bn\.weight"):
        build_embedder("facenet", weights=tmp_path / "part.pt")
    with pytest.raises(OptionError, match="choose one of: casia-webface, vggface2"):
        build_embedder("facenet", pretrained="ms1m")
