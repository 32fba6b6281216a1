import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.cli import main
from deepanon.weights import load_generator


def export(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["export", *map(str, arguments)])
    return end.value.code


def test_makes_a_generator_that_draws_and_a_card(trained, tmp_path, capsys):
    assert export(trained(32) / "last.ckpt", "-o", tmp_path / "new" / "mine.safetensors") == 0
    out = capsys.readouterr().out
    assert "mine.safetensors: deepprivacy generator, 8 px, images seen: 32" in out
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["mine.md", "mine.safetensors"]
    card = (tmp_path / "new" / "mine.md").read_text(encoding="utf-8")
    assert "FD(onet)" in card
    assert "| Images seen | 32 |" in card
    assert "| Crops | train 24, held out 6 |" in card
    assert "Made after 32 of 56 images, fully grown to 8 px." in card
    assert f"{card.count('to be stated by')} fields are left" in out
    assert build_anonymizer("gan", model=tmp_path / "new" / "mine.safetensors").size == 8


def test_a_card_that_somebody_filled_in_is_not_lost(trained, tmp_path, capsys):
    target, card = tmp_path / "mine.safetensors", tmp_path / "mine.md"
    card.write_text("filled in")
    assert export(trained(56) / "last.ckpt", "-o", target) == 2
    assert "mine.md exists; --overwrite replaces the file and its card" in capsys.readouterr().err
    assert card.read_text() == "filled in"
    assert not target.exists()
    assert export(trained(56) / "last.ckpt", "-o", target, "--overwrite") == 0
    assert "filled in" not in card.read_text(encoding="utf-8")
    assert load_generator(target).network.resolution == 16
    assert export(trained(56) / "last.ckpt", "-o", target) == 2


@pytest.mark.parametrize(
    ("name", "message"), [("mine.ckpt", "ends in .safetensors"), ("folder.safetensors", "is a folder")]
)
def test_impossible_targets_are_said_before_anything_is_read(tmp_path, capsys, name, message):
    (tmp_path / "folder.safetensors").mkdir()
    assert export("nowhere.ckpt", "-o", tmp_path / name) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "no checkpoint at"),
        (lambda path: path.write_bytes(b"junk"), "is not a checkpoint that can be read"),
        (lambda path: torch.save({"state_dict": {}}, path), "is not a checkpoint of train.py"),
    ],
)
def test_wrong_checkpoints_leave_nothing_behind(tmp_path, capsys, write, message):
    write(tmp_path / "last.ckpt")
    before = sorted(tmp_path.iterdir())
    assert export(tmp_path / "last.ckpt", "-o", tmp_path / "mine.safetensors") == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before
