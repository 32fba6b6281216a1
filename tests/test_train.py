import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepanon.weights import load_generator

pytest.importorskip("hydra")
ROOT = Path(__file__).parent.parent
TINY = [
    "model.generator.resolution=16",
    "model.generator.widths={4:8,8:8,16:4}",
    "model.growth.phases=[{_target_:deepanon.models.Phase,resolution:8,batch_size:16,fade:0,stable:64},"
    "{_target_:deepanon.models.Phase,resolution:16,batch_size:8,fade:64,stable:64}]",
    "+grid.rows=3",
    "trainer.accelerator=cpu",
    "+trainer.enable_progress_bar=false",
]


def train(*arguments, cwd):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280, check=False)


def train_here(monkeypatch, folder, *arguments):
    """The same without a new process, which spends its time on imports."""
    monkeypatch.chdir(folder)
    quiet = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled"]
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments, *quiet])
    runpy.run_path(str(ROOT / "train.py"), run_name="__main__")


def test_makes_a_generator_and_goes_on_from_its_checkpoint(packed, tmp_path, monkeypatch):
    result = train(*TINY, f"data.root={packed}", "+card.data=noise", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    out = tmp_path / "out" / "train"
    assert "generator written to out/train/generator.safetensors" in result.stdout
    assert {"last.ckpt", "config.yaml", "grid-00000192.png", "generator.safetensors"} <= {p.name for p in out.iterdir()}
    assert not list(out.glob(".*"))
    assert np.asarray(Image.open(out / "grid-00000192.png")).shape == (3 * 128, 5 * 128, 3)
    loaded = load_generator(out / "generator.safetensors")
    facts = loaded.training
    assert (loaded.network.resolution, facts["data"], facts["images_seen"]) == (16, "noise", 192)
    assert facts["crops"] == {"train": 24, "held_out": 6}
    assert facts["distances"]["onet"]["images_seen"] == 192
    assert load_generator(out / "best.safetensors").training["distances"]["onet"]["resolution"] == 16
    assert "fd/onet/face" in (out / "log" / "version_0" / "metrics.csv").read_text().partition("\n")[0]

    longer = [argument.replace("fade:64,stable:64", "fade:64,stable:96") for argument in TINY]
    train_here(monkeypatch, tmp_path, *longer, f"data.root={packed}")
    facts = load_generator(out / "generator.safetensors").training
    assert facts["images_seen"] == 224
    assert "data" not in facts  # the facts are those of this run


def test_a_wrong_value_is_one_clear_line(packed, tmp_path):
    result = train(*TINY, f"data.root={packed}", "+model.lr=abc", cwd=tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1] == "train.py: lr must be a number, got 'abc' (config key model)"
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.root=nowhere"], "nowhere/train.npz does not exist; data.root must be a folder of packed crops"),
        (["data.train.resolution=x"], "resolution must be a positive whole number, got 'x' (config key data.train)"),
        (["data.train.resolution=8"], "crops of 8 px do not fit growth to 16 px"),
        (["model.generator.widths={16:0}"], "widths[16] must be positive, got 0 (config key model.generator)"),
        (["model.growth.phases.0.batch_size=x"], "batch_size must be a whole number, got 'x'"),
        (["checkpoints.images=0"], "images must be positive, got 0 (config key checkpoints)"),
        (["+trainer.speed=9"], "speed"),
        (["seed=abc"], "seed must be a number, got 'abc'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_values_end_training_before_it_starts(packed, tmp_path, monkeypatch, arguments, message):
    with pytest.raises(SystemExit) as end:
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", *arguments)
    assert str(end.value.code).startswith("train.py: ")
    assert message in str(end.value.code)
    assert "\n" not in str(end.value.code)


@pytest.mark.parametrize("workers", [0, 1])
def test_damaged_crops_end_training_with_one_line(tmp_path, packer, monkeypatch, workers):
    root = packer(
        tmp_path / "crops", "train", 24, members=lambda files: {key: blob[:-9] for key, blob in files.items()}
    )
    packer(root, "val", 6)
    with pytest.raises(SystemExit) as end:
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={root}", f"data.workers={workers}")
    assert str(end.value.code).startswith("train.py: 11 of 24 crops cannot be read, more than max_corrupt=10: ")
    assert "\n" not in str(end.value.code)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "data.root"),
        (["data.root=x", "lr=abc"], "'lr'"),
        (["data.root=x", "model=nobody"], "nobody"),
        (["data.root=x", "data.colour=red"], "colour"),
    ],
    ids=["no root", "unknown key", "unknown model", "unknown option"],
)
def test_missing_and_unknown_keys(tmp_path, monkeypatch, capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        train_here(monkeypatch, tmp_path, *arguments)
    assert end.value.code not in (0, None)
    said = f"{end.value.code} {capsys.readouterr().err}"
    assert message in said
    assert "Traceback" not in said


def test_a_checkpoint_of_another_model_is_refused(packed, tmp_path, monkeypatch):
    train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}")
    with pytest.raises(SystemExit, match=r"out/train/last.ckpt is of another model.*output="):
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", "model.generator.widths={16:6}")
