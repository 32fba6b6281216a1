import pytest
import torch

from deepanon.detections import FIVE
from deepanon.errors import ModelError
from deepanon.weights import load_generator
from deepanon.weights.checkpoints import read_checkpoint


@pytest.mark.parametrize(("stop", "size"), [(24, 8), (32, 8), (40, 8), (44, 16), (56, 16)])
def test_any_checkpoint_gives_the_generator_that_training_wrote(trained, stop, size):
    """Before, in (32, 40) and after a fade: the averaged weights, at the resolution whose layers are trained."""
    folder = trained(stop)
    loaded, written = read_checkpoint(folder / "last.ckpt"), load_generator(folder / "generator.safetensors")
    assert loaded.network.resolution == written.network.resolution == size
    assert (loaded.schema, loaded.pose_free) == (FIVE, True)
    assert loaded.training["images_seen"] == written.training["images_seen"] == stop
    stored = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    for name, value in loaded.network.state_dict().items():
        assert torch.equal(value, stored[f"ema.{name}"])
        torch.testing.assert_close(value, written.network.state_dict()[name], atol=1e-3, rtol=1e-3)
    assert not loaded.network.training
    assert not any(p.requires_grad for p in loaded.network.parameters())


def changed(folder, target, change):
    """A copy of a checkpoint with `change` made to it."""
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, target)
    return target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("deepanon"), r"not a checkpoint of train\.py"),
        (lambda c: c.pop("state_dict"), r"not a checkpoint of train\.py"),
        (lambda c: c.update(deepanon=7), r"not a checkpoint of train\.py"),
        (lambda c: c["deepanon"].update(format=2), "checkpoint format 2 is not 1"),
        (lambda c: c["deepanon"].pop("generator"), "KeyError: 'generator'"),
        (lambda c: c["deepanon"].update(architecture="vae"), "unknown generator architecture 'vae'"),
        (lambda c: c["deepanon"].update(schema="six"), "unknown keypoint schema 'six'"),
        (lambda c: c["deepanon"].update(resolution=64), "not a usable checkpoint"),
        (lambda c: c["deepanon"].update(training="none"), "training facts"),
        (lambda c: c["state_dict"].pop("ema.core.0.0.weight"), r"Missing key.*core\.0\.0\.weight"),
    ],
)
def test_checkpoints_that_do_not_fit_are_refused(trained, tmp_path, change, message):
    path = changed(trained(56), tmp_path / "changed.ckpt", change)
    with pytest.raises(ModelError, match=rf"(?s)changed\.ckpt.*{message}"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\x80\x02" + b, lambda b: b[:9]]
)
def test_damaged_checkpoints_are_refused(trained, tmp_path, damage):
    (tmp_path / "last.ckpt").write_bytes(damage((trained(56) / "last.ckpt").read_bytes()))
    with pytest.raises(ModelError, match=r"last\.ckpt is not a checkpoint that can be read"):
        read_checkpoint(tmp_path / "last.ckpt")


class Hostile:
    """Runs a call when it is unpickled."""

    def __reduce__(self):
        return print, ("unpickled",)


def test_nothing_in_a_checkpoint_is_run(tmp_path, capsys):
    torch.save({"deepanon": Hostile()}, tmp_path / "last.ckpt")
    with pytest.raises(ModelError, match="is not a checkpoint that can be read"):
        read_checkpoint(tmp_path / "last.ckpt")
    assert "unpickled" not in capsys.readouterr().out


def test_missing_files_and_generator_files(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*last\.ckpt; train\.py writes"):
        read_checkpoint(tmp_path / "last.ckpt")
    with pytest.raises(ModelError, match="is a generator file already"):
        read_checkpoint(trained(56) / "generator.safetensors")
    torch.save([1, 2], tmp_path / "list.ckpt")
    with pytest.raises(ModelError, match=r"not a checkpoint of train\.py"):
        read_checkpoint(tmp_path / "list.ckpt")
