"""Checkpoints on a full disk, of a killed process, damaged, of another model. Processes that must die are forked."""

import os
import resource
import signal

import pytest
import torch

from deepanon import files
from deepanon.errors import ModelError, SaveError
from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, Phase
from deepanon.training import GANTrainer
from deepanon.training.checkpoint import WholeFiles, look

WIDTHS = {4: 8, 8: 8, 16: 4}


def module(**widths):
    torch.manual_seed(0)
    wide = {int(k[1:]): v for k, v in widths.items()}
    networks = DeepPrivacyGenerator(16, WIDTHS | wide), DeepPrivacyDiscriminator(16, WIDTHS)
    return GANTrainer(*networks, Growth([Phase(16, 8, 0, 16)]))


def write(path, seen=8):
    facts = {"schedule": [{"resolution": 16, "batch_size": 8, "fade": 0, "stable": 16}]}
    content = {"state_dict": module().state_dict(), "images_seen": seen, "deepanon": {"training": facts}}
    WholeFiles().save_checkpoint(content, path)
    return path


def in_fork(act):
    """Run `act` in a process of its own; return its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        act()
    finally:
        os._exit(1)


def test_a_process_killed_in_the_middle_of_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = write(tmp_path / "last.ckpt")
    before = path.read_bytes()

    def killed_half_way(self, contents):
        with self.open("wb") as stream:
            stream.write(contents[: len(contents) // 2])
            stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(type(path), "write_bytes", killed_half_way)
    assert os.WTERMSIG(in_fork(lambda: write(path, 16))) == signal.SIGKILL
    assert path.read_bytes() == before
    assert look(path).images_seen == 8
    (part,) = [other for other in tmp_path.iterdir() if other != path]
    assert part.stat().st_size == len(before) // 2
    (tmp_path / ".notes.part").write_text("somebody else's")
    assert files.remove_parts(tmp_path) == [part]
    assert sorted(other.name for other in tmp_path.iterdir()) == [".notes.part", "last.ckpt"]


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path):
    """The system refuses to write more than 20,000 bytes to a file."""
    path = write(tmp_path / "last.ckpt")
    before, said = path.read_bytes(), tmp_path / "said"
    assert len(before) > 40_000

    def fill():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            write(path, 16)
        except SaveError as error:
            said.write_text(str(error))

    in_fork(fill)
    assert said.read_text() == (
        f"{path} cannot be written: File too large; what was there before is whole. "
        "Mend that, then start the same command again"
    )
    assert path.read_bytes() == before
    assert sorted(other.name for other in tmp_path.iterdir()) == ["last.ckpt", "said"]


def truncate(blob):
    return blob[: len(blob) // 2]


def flip(blob):
    return blob[: len(blob) // 2] + bytes([blob[len(blob) // 2] ^ 255]) + blob[len(blob) // 2 + 1 :]


@pytest.mark.parametrize(
    "damage", [truncate, flip, lambda _: b"", lambda _: b"nonsense"], ids=["cut", "bit", "empty", "text"]
)
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    path = write(tmp_path / "last.ckpt")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        ModelError, match=r"last\.ckpt is no usable checkpoint \(.+\); put a copy of it back, or remove it"
    ):
        look(path)


def test_something_else_is_not_a_checkpoint(tmp_path):
    torch.save({"weights": 1}, tmp_path / "last.ckpt")
    with pytest.raises(ModelError, match="no usable checkpoint"):
        look(tmp_path / "last.ckpt")


def test_another_model_is_named_by_its_first_layer_that_differs(tmp_path):
    stored = look(write(tmp_path / "last.ckpt"))
    stored.check_model(module())
    message = (
        r"generator\.from_rgb\.16\.weight is \(4, 4, 1, 1\) there and \(6, 4, 1, 1\) here; see model\.generator, or "
    )
    with pytest.raises(ModelError, match=message):
        stored.check_model(module(_16=6))
