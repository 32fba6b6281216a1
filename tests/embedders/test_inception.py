import hashlib

import pytest
import torch

from deepanon.embedders import Inception, build_embedder, inception
from deepanon.errors import ModelError, OptionError

torch_fidelity = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", reason="extra 'fid' not installed")


def bare():
    """torch-fidelity's network as it is before it loads its weights."""
    extractor = torch_fidelity.FeatureExtractorInceptionV3
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extractor, "load_state_dict", lambda *_: None)
        patch.setattr(torch, "load", lambda *_, **__: {})
        return extractor("bare", ["2048"], feature_extractor_weights_path="none")


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    """A file of the right form with random weights, and the network that it was made of."""
    folder = tmp_path_factory.mktemp("inception")
    network = bare()
    torch.save(network.state_dict(), folder / "weights.pth")
    return folder / "weights.pth", network


@pytest.fixture
def trusted(random_weights, monkeypatch):
    path, network = random_weights
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    return path, network


def test_feeds_the_network_with_whole_levels_that_do_not_wrap(trusted):
    path, network = trusted
    before = torch.random.get_rng_state()
    embedder = Inception(path)
    assert torch.equal(before, torch.random.get_rng_state())
    levels = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    levels[0, :, :4] = 255
    images = levels / 127.5 - 1
    images[0, :, :4] = 1.004  # what (x * 255).byte() turns black
    features = embedder(images)
    assert features.shape == (2, 2048)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features, network(levels)[0])
    assert features.std() > 0


def test_other_weights_are_refused(random_weights):
    with pytest.raises(ModelError, match=r"is not the published file: its SHA-256 begins .* not 6726825d"):
        Inception(random_weights[0])


class Hostile:
    """Runs a call when it is unpickled."""

    def __reduce__(self):
        return print, ("unpickled",)


def test_a_file_that_holds_more_than_weights_is_not_unpickled(tmp_path, monkeypatch, capsys):
    torch.save({"weight": torch.zeros(1), "object": Hostile()}, tmp_path / "w.pth")
    digest = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "SHA256", digest[:8])
    with pytest.raises(ModelError, match="does not hold plain weights"):
        Inception(tmp_path / "w.pth")
    assert "unpickled" not in capsys.readouterr().out


def test_missing_weights_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/hub/checkpoints/weights-inception.*: put https://github"):
        build_embedder("inception")
    with pytest.raises(FileNotFoundError, match="no Inception weights at nowhere"):
        build_embedder("inception", weights="nowhere.pth")


def test_weights_that_other_tools_keep_are_found(trusted, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    place = tmp_path / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    place.parent.mkdir(parents=True)
    place.symlink_to(trusted[0])
    assert Inception().name == "inception"


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(OptionError, match=r"pip install 'deepanon\[fid\]'"):
        Inception()
