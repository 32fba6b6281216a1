import hashlib

import pytest
import torch
import torchvision

from deepanon.errors import ImageError, ModelError, OptionError
from deepanon.evaluation.quality import Lpips, perceptual

torchmetrics = pytest.importorskip("torchmetrics.functional.image.lpips")
MODELS = {
    "alex": lambda: torchvision.models.alexnet().features,
    "vgg": lambda: torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"]),
}
TAPS = {"alex": (1, 4, 7, 9, 11), "vgg": (3, 8, 15, 22, 29)}  # ReLUs of the paper, by torchvision's numbers


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    """{net: (file of the right form with random weights, its convolutions)}; their linear parts left out."""
    folder, made = tmp_path_factory.mktemp("lpips"), {}
    for net in MODELS:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            features = MODELS[net]()
        path = folder / f"{net}.pth"
        torch.save({f"features.{name}": value for name, value in features.state_dict().items()}, path)
        made[net] = path, features
    return made


@pytest.fixture
def trusted(random_weights, monkeypatch):
    files = {
        net: (path.name, hashlib.sha256(path.read_bytes()).hexdigest()[:8])
        for net, (path, _) in random_weights.items()
    }  # fmt: skip
    monkeypatch.setattr(perceptual, "BACKBONES", files)
    return random_weights


def pictures(n=3, side=48, seed=0):
    """Whole levels in [-1, 1]."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 3, side, side), generator=rng) / 127.5 - 1


def by_the_paper(net, features, a, b):
    """Equation 1 of Zhang et al. 2018: unit length along channels, squared difference, weights, mean, sum."""
    weights = torch.load(f"{torchmetrics.__file__.rsplit('/', 1)[0]}/lpips_models/{net}.pth", "cpu", weights_only=True)
    shift, scale = (torch.tensor(v).view(1, 3, 1, 1) for v in ([-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]))
    total = torch.zeros(len(a))
    a, b, tap = (a - shift) / scale, (b - shift) / scale, 0
    for number, layer in enumerate(features[: TAPS[net][-1] + 1]):
        a, b = layer(a.clone()), layer(b.clone())
        if number in TAPS[net]:
            unit = [x / torch.sqrt((x**2).sum(1, keepdim=True) + 1e-8) for x in (a, b)]
            total += ((unit[0] - unit[1]) ** 2 * weights[f"lin{tap}.model.1.weight"]).sum(1).mean((1, 2))
            tap += 1
    assert tap == 5
    return total


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_is_its_formula(trusted, net):
    path, features = trusted[net]
    before = torch.random.get_rng_state()
    lpips = Lpips(net, path)
    assert torch.equal(before, torch.random.get_rng_state())
    a, b = pictures(), pictures(seed=1)
    with torch.no_grad():
        expected = by_the_paper(net, features, a, b)
    torch.testing.assert_close(lpips(a, b), expected)
    assert (expected > 1e-4).all()


def test_equal_pictures_are_at_zero_and_more_change_is_farther(trusted, monkeypatch):
    lpips, a = Lpips("alex", trusted["alex"][0]), pictures()
    assert lpips(a, a).tolist() == [0, 0, 0]
    values = [float(lpips(a, torch.lerp(a, pictures(seed=1), share)).mean()) for share in (0.1, 0.4, 1)]
    assert 0 < values[0] < values[1] < values[2]
    whole = lpips(a, pictures(seed=1))
    monkeypatch.setattr(perceptual, "BATCH", 2)
    torch.testing.assert_close(lpips(a, pictures(seed=1)), whole)
    assert lpips(a[:0], a[:0]).shape == (0,)


def test_looks_where_torchvision_keeps_it(trusted, monkeypatch):
    path = trusted["alex"][0]
    folder = path.parent / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(folder.parent))
    with pytest.raises(FileNotFoundError, match=r"put https://download.pytorch.org/models/alex.pth there"):
        Lpips()
    (folder / path.name).write_bytes(path.read_bytes())
    assert Lpips().name == "lpips(alex)"


def test_other_files_are_refused(random_weights, tmp_path, monkeypatch):
    with pytest.raises(ModelError, match=r"its SHA-256 begins .* no LPIPS"):
        Lpips("alex", random_weights["alex"][0])
    with pytest.raises(OptionError, match="unknown LPIPS backbone 'squeeze'; choose one of: alex, vgg"):
        Lpips("squeeze")
    path = tmp_path / "partial.pth"
    torch.save({"features.0.weight": torch.zeros(64, 3, 11, 11)}, path)
    monkeypatch.setattr(perceptual, "BACKBONES", {"alex": ("x.pth", hashlib.sha256(path.read_bytes()).hexdigest()[:8])})
    with pytest.raises(ModelError, match=r"lacks slice1\.0\.bias"):
        Lpips("alex", path)


def test_pictures_that_do_not_fit(trusted):
    lpips = Lpips("alex", trusted["alex"][0])
    with pytest.raises(ImageError, match="one shape"):
        lpips(pictures(), pictures(2))
    with pytest.raises(ImageError, match="needs pictures of 31 px"):
        lpips(pictures(side=30), pictures(side=30))
    assert lpips(pictures(side=31), pictures(side=31)).shape == (3,)
