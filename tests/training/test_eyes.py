import pytest
import torch

from deepanon.errors import ModelError, OptionError
from deepanon.models import MobileNetFeatures
from deepanon.training import retinaface_features, torchvision_features


def stored(tmp_path, change=lambda state: state):
    torch.manual_seed(0)
    state = MobileNetFeatures().state_dict()
    torch.save(change(state), tmp_path / "seen.pth")
    return state, tmp_path / "seen.pth"


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state,
        lambda state: {f"module.body.{name}": value for name, value in state.items()} | {"fpn.weight": torch.ones(2)},
        lambda state: {"epoch": 3, "state_dict": {f"body.{name}": value for name, value in state.items()}},
        lambda state: {name: value for name, value in state.items() if "num_batches" not in name},
    ],
    ids=["plain", "by several, in RetinaFace", "a checkpoint", "without counters"],
)
def test_weights_are_found_under_whatever_they_are_called(tmp_path, change):
    state, path = stored(tmp_path, change)
    features = retinaface_features(path, side=64)
    assert features.side == 64
    assert not any(p.requires_grad for p in features.parameters())
    for name, value in features.state_dict().items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {"other": torch.ones(1)}, "is not RetinaFace's MobileNet: stage1.0.0.weight and"),
        (lambda state: state | {"stage1.0.0.weight": torch.ones(3)}, "does not hold the weights"),
        (lambda state: [1, 2], "does not hold the weights"),
    ],
)
def test_other_files_are_refused(tmp_path, change, message):
    _, path = stored(tmp_path, change)
    with pytest.raises(ModelError, match=message):
        retinaface_features(path)


def test_junk_and_nothing_are_refused(tmp_path):
    (tmp_path / "junk.pth").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"junk.pth does not hold weights that can be read"):
        retinaface_features(tmp_path / "junk.pth")
    with pytest.raises(FileNotFoundError, match=r"no weights at .*gone.pth"):
        retinaface_features(tmp_path / "gone.pth")


def test_a_classifier_of_torchvision_gives_maps_that_halve():
    features = torchvision_features(weights=None, side=64)
    assert features.strides == (2, 4, 8, 16, 32)
    assert [x.shape[-1] for x in features(torch.zeros(1, 3, 64, 64))] == [32, 16, 8, 4, 2]
    with pytest.raises(OptionError, match="torchvision's resnet18 cannot be used"):
        torchvision_features("resnet18", weights=None)
    with pytest.raises(OptionError, match="torchvision's no_such_network cannot be used"):
        torchvision_features("no_such_network", weights=None)
