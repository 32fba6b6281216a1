import logging
import os
import resource
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from deepanon.data.synthetic import write_packed_crops
from deepanon.errors import OptionError
from deepanon.training import Checkpoints
from deepanon.weights import load_generator

OmegaConf = pytest.importorskip("omegaconf").OmegaConf
ROOT = Path(__file__).parent.parent
TINY = [
    "model.generator.resolution=16",
    "model.generator.widths={4:8,8:8,16:4}",
    "model.growth.phases=[{_target_:deepanon.models.Phase,resolution:8,batch_size:16,fade:0,stable:64},"
    "{_target_:deepanon.models.Phase,resolution:16,batch_size:8,fade:64,stable:64}]",
    "grid.rows=3",
    "trainer.accelerator=cpu",
    "+trainer.enable_progress_bar=false",
]


def train(*arguments, cwd, largest_file=resource.RLIM_INFINITY, **variables):
    """Run it in a process of its own, which may write files of so many bytes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"} | variables
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file)),
    )  # fmt: skip


def train_here(monkeypatch, folder, *arguments):
    """The same without a new process, which spends its time on imports."""
    monkeypatch.chdir(folder)
    quiet = ["hydra/job_logging=none", "hydra/hydra_logging=none"]  # "disabled" silences this process for good
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments, *quiet])
    runpy.run_path(str(ROOT / "train.py"), run_name="__main__")


@pytest.fixture(autouse=True)
def _logging_is_left_as_it_was():
    """Tests that run later in this process look at what is logged."""
    log = logging.getLogger("deepanon.training.metrics")
    before = log.disabled, logging.getLogger().level, log.manager.disable
    yield
    assert (log.disabled, logging.getLogger().level, log.manager.disable) == before


def test_makes_a_generator_and_goes_on_from_its_checkpoint(packed, tmp_path, monkeypatch):
    result = train(*TINY, f"data.root={packed}", "card.data=noise", cwd=tmp_path)
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


def test_training_in_short_stretches_is_training_in_one(packed, tmp_path, monkeypatch):
    quick = [*TINY, f"data.root={packed}", "logger=none", "distance=none"]
    train_here(monkeypatch, tmp_path, *quick, "output=whole")
    stretches = 0
    while not stretches or stored(tmp_path / "parts")["images_seen"] < 192:
        before = stored(tmp_path / "parts")["images_seen"] if stretches else 0
        train_here(monkeypatch, tmp_path, *quick, "output=parts", "limit.minutes=1e-9")  # one step at a time
        assert stored(tmp_path / "parts")["images_seen"] > before
        stretches += 1
    assert stretches > 4
    assert same_weights(stored(tmp_path / "whole"), stored(tmp_path / "parts"))


@pytest.mark.parametrize("minutes", [0, -1, "abc"])
def test_no_time_at_all_is_refused(packed, tmp_path, monkeypatch, minutes):
    with pytest.raises(SystemExit, match=r"^train\.py: minutes must"):
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", f"limit.minutes={minutes}")


def test_training_begins_from_a_generator_file_but_only_once(packed, tmp_path, monkeypatch):
    quick = [*TINY, f"data.root={packed}", "logger=none", "distance=none"]
    train_here(monkeypatch, tmp_path, *quick, "output=first")
    given = tmp_path / "first" / "generator.safetensors"
    begun = [*quick, f"start={given}", "model.frozen_images=1000", "output=second"]
    train_here(monkeypatch, tmp_path, *begun)
    files = {name: tmp_path / name / "generator.safetensors" for name in ("first", "second", "third")}
    assert drawn_by(files["second"]).equal(drawn_by(given))  # frozen, and the average with it

    train_here(monkeypatch, tmp_path, *quick, f"start={given}", "output=third")
    assert not drawn_by(files["third"]).equal(drawn_by(given))
    longer = [argument.replace("fade:64,stable:64", "fade:64,stable:72") for argument in quick]
    given.unlink()  # nobody needs it any more
    train_here(monkeypatch, tmp_path, *longer, f"start={given}", "output=third")
    assert load_generator(files["third"]).training["images_seen"] == 200


def drawn_by(file):
    """All weights of a generator file."""
    return torch.cat([value.flatten() for value in load_generator(file).network.state_dict().values()])


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("gone.safetensors", "no generator at gone.safetensors"),
        ("first", "training cannot start from first: architecture deepprivacy there, modulated here; resolution 64 "),
    ],
)
def test_a_start_that_cannot_be_made_is_one_line(packed, tmp_path, monkeypatch, start, message):
    with pytest.raises(SystemExit, match=f"^train.py: {message}"):
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", f"start={start}")


def test_a_wrong_value_is_one_clear_line(packed, tmp_path):
    result = train(*TINY, f"data.root={packed}", "model.lr=abc", cwd=tmp_path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1] == "train.py: lr must be a number, got 'abc' (config key model)"
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data.root=nowhere"], "nowhere/train.npz does not exist; data.root must be a folder of packed crops"),
        (["data.train.resolution=x"], "resolution must be a whole number, got 'x' (config key data.train)"),
        (["data.train.resolution=8"], "crops of 8 px do not fit growth to 16 px"),
        (["model.generator.widths={16:0}"], "widths[16] must be positive, got 0 (config key model.generator)"),
        (["model.growth.phases.0.batch_size=x"], "batch_size must be a whole number, got 'x'"),
        (["checkpoints.images=0"], "images must be positive, got 0 (config key checkpoints)"),
        (["+trainer.speed=9"], "speed"),
        (["seed=abc"], "seed must be a whole number from 0 to 4294967295, got 'abc'"),
        (["seed=5000000000"], "seed must be a whole number from 0 to 4294967295"),
        (["bar.line_seconds=abc"], "line_seconds must be a number, got 'abc' (config key bar)"),
        (["card=abc"], "card must be a table such as card.data=TEXT, got 'abc'"),
        (["+trainer.gradient_clip_val=1"], "Automatic gradient clipping is not supported for manual optimization"),
        (["model.reconstruction_weight=1"], "do nothing one without the other (config key model)"),
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
    message = r"out/train/last.ckpt is of another model.*output=; changed: model.generator.widths.16: 4 -> 6$"
    with pytest.raises(SystemExit, match=message):
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", "model.generator.widths={16:6}")
    (tmp_path / "out/train/last.ckpt").write_bytes(b"PK")
    with pytest.raises(SystemExit, match=r"train.py: out/train/last.ckpt is no usable checkpoint .* remove it"):
        train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}")


def test_a_schedule_is_only_changed_in_what_is_to_come(packed, tmp_path, monkeypatch):
    """Otherwise layers that were never trained would be drawn with at full weight, or trained ones lie idle."""
    arguments = [*TINY, f"data.root={packed}", "logger=none", "distance=none"]
    stop = ["+trainer.limit_train_batches=3", "trainer.max_epochs=1"]
    train_here(monkeypatch, tmp_path, *arguments, *stop)  # 48 of 64 images at 8 px
    message = r"was at 8 px after 48 images, model.growth.phases would be at 16 px: only what is still to come"
    with pytest.raises(SystemExit, match=message):
        train_here(monkeypatch, tmp_path, *arguments, "model.growth.phases.0.stable=32")
    train_here(monkeypatch, tmp_path, *arguments, "model.growth.phases.0.stable=48", "model.growth.phases.1.stable=8")


def test_a_training_that_went_bad_can_go_on_from_before(packed, tmp_path, monkeypatch):
    arguments = [*TINY, f"data.root={packed}", "logger=none", "distance=none", "checkpoints.images=16"]
    stop = ["+trainer.limit_train_batches=2", "trainer.max_epochs=1"]
    train_here(monkeypatch, tmp_path, *arguments, *stop)
    good, out = stored(tmp_path / "out/train"), tmp_path / "out/train"
    with pytest.raises(SystemExit, match=r"go on with a lower lr|the generator cannot be stored"):
        train_here(monkeypatch, tmp_path, *arguments, "model.lr=1e20")
    left = [stored(out, name) for name in ("last.ckpt", "previous.ckpt") if (out / name).is_file()]
    assert any(same_weights(checkpoint, good) for checkpoint in left)
    assert all(torch.isfinite(value).all() for value in left[0]["state_dict"].values())
    train_here(monkeypatch, tmp_path, *arguments, "model.lr=0.0001")
    assert load_generator(out / "generator.safetensors").training["images_seen"] == 192


def same_weights(one, other):
    return all(torch.equal(one["state_dict"][name], value) for name, value in other["state_dict"].items())


def stored(folder, file="last.ckpt"):
    """What a checkpoint holds, Lightning's counters aside."""
    checkpoint = torch.load(folder / file, weights_only=True)
    return {name: checkpoint[name] for name in ("state_dict", "optimizer_states", "images_seen")}


def test_a_run_in_two_parts_is_the_run_in_one(packed, tmp_path, monkeypatch, capsys):
    """96 images and then 96 more, through the growth and the fade, are 192."""
    arguments = [*TINY, f"data.root={packed}", "checkpoints.images=96"]
    train_here(monkeypatch, tmp_path, *arguments, "output=whole")
    train_here(
        monkeypatch, tmp_path, *arguments, "output=parts", "+trainer.limit_train_batches=8", "trainer.max_epochs=1"
    )
    assert stored(tmp_path / "parts")["images_seen"] == 96  # half way in the fade
    (tmp_path / "parts/.last.01234567.part.ckpt").write_text("left by a killed process")
    capsys.readouterr()
    train_here(monkeypatch, tmp_path, *arguments, "output=parts")
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "going on with parts/last.ckpt, after 96 images; changed:",
        "  trainer.max_epochs: 1 -> -1",
        "  trainer.limit_train_batches: 8 -> absent",
    ]
    assert not list((tmp_path / "parts").glob(".*"))
    whole, parts = stored(tmp_path / "whole"), stored(tmp_path / "parts")
    torch.testing.assert_close(parts, whole, rtol=0, atol=0)
    assert whole["images_seen"] == 192
    assert len(whole["state_dict"]) > 100


def test_what_was_changed_is_said_until_a_checkpoint_has_it(packed, tmp_path, monkeypatch, capsys):
    """A run with a changed setting that ends before its first checkpoint is not what training goes on from."""
    longer = [argument.replace("fade:64,stable:64", "fade:64,stable:96") for argument in TINY]
    arguments = [*longer, f"data.root={packed}", "distance=none", "logger=none"]
    train_here(monkeypatch, tmp_path, *arguments, "+trainer.limit_train_batches=8", "trainer.max_epochs=1")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "act", lambda *_: sys.exit("killed"))
        with pytest.raises(SystemExit, match="killed"):
            train_here(patch, tmp_path, *arguments, "model.betas=[0.5,0.9]")
    capsys.readouterr()
    train_here(monkeypatch, tmp_path, *arguments, "model.betas=[0.5,0.9]")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "going on with out/train/last.ckpt, after 96 images; changed:"
    assert "  model.betas.0: 0.0 -> 0.5" in said
    train_here(monkeypatch, tmp_path, *arguments, "model.betas=[0.5,0.9]")
    assert capsys.readouterr().out.splitlines()[0] == "going on with out/train/last.ckpt, after 224 images"


def test_a_full_disk_ends_training_with_one_line(packed, tmp_path, monkeypatch):
    """The system refuses files of more than 60,000 bytes; the checkpoint needs more."""
    arguments = [*TINY, f"data.root={packed}", "distance=none"]
    train_here(monkeypatch, tmp_path, *arguments)
    before = (tmp_path / "out/train/last.ckpt").read_bytes()
    assert len(before) > 60_000
    result = train(*arguments, "model.growth.phases.1.stable=96", cwd=tmp_path, largest_file=60_000)
    assert result.returncode == 1
    said = result.stderr.strip().splitlines()[-1]
    assert said.startswith(
        "train.py: out/train/last.ckpt cannot be written: File too large; what was there before is whole"
    )
    assert "Traceback" not in result.stderr
    assert (tmp_path / "out/train/last.ckpt").read_bytes() == before


def test_a_dry_run_shows_the_schedule_and_touches_no_data(tmp_path, monkeypatch, capsys):
    train_here(monkeypatch, tmp_path, *TINY, "data.root=nowhere", "dry_run=true")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["phase", "px", "alpha", "batch"]
    begin = ["1 8 1 16 64 64 4 ", "2 16 0 to 1 8 64 128 8 ", "2 16 1 8 64 192 8 ", "192 20 "]
    for line, beginning in zip(lines[1:5], begin, strict=True):
        assert " ".join(line.split()).startswith(beginning)
        assert line.endswith("s")
    assert not list(tmp_path.rglob("*.ckpt")) + list(tmp_path.rglob("config.yaml"))


def test_a_job_of_slurm_goes_on_from_its_own_checkpoint_alone(packed, tmp_path, monkeypatch):
    """Lightning would look for another where the job was started, and save one at a signal, in the middle of a step."""
    names = {"NTASKS": "1", "JOB_NAME": "train", "JOB_ID": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in names.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    (tmp_path / "hpc_ckpt_1.ckpt").write_text("of another run")
    handlers, act = [], Checkpoints.act
    monkeypatch.setattr(Checkpoints, "act", lambda *a: handlers.append(signal.getsignal(signal.SIGUSR1)) or act(*a))
    train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", "checkpoints.images=96", "logger=none")
    assert handlers == [signal.SIG_DFL] * 3
    assert stored(tmp_path / "out/train")["images_seen"] == 192


@pytest.mark.parametrize("logger", ["logger=none", "~logger"])
def test_training_without_a_log(packed, tmp_path, monkeypatch, logger):
    train_here(monkeypatch, tmp_path, *TINY, f"data.root={packed}", logger, "distance=none")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    written = {path.name for path in (tmp_path / "out/train").iterdir()}
    assert written == {"config.yaml", "last.ckpt", "generator.safetensors", "grid-00000192.png"}


def test_one_process_of_many_makes_the_dry_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    train_here(monkeypatch, tmp_path, *TINY, "data.root=nowhere", "dry_run=true")
    assert capsys.readouterr().out == ""


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The functions of train.py, on a machine on which nobody has logged in to wandb."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_IDENTITY_TOKEN_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return SimpleNamespace(**runpy.run_path(str(ROOT / "train.py"), run_name="train"))


def wandb(script, folder, grid_logged=True, **options):
    logger = OmegaConf.create({"_target_": "lightning.pytorch.loggers.WandbLogger", "offline": None} | options)
    return script.logger_settings(logger, folder, grid_logged=grid_logged)


def test_wandb_is_offline_unless_somebody_is_logged_in(script, tmp_path, monkeypatch):
    assert wandb(script, tmp_path)["offline"]
    with pytest.raises(OptionError, match="wandb is not logged in, and training does not ask"):
        wandb(script, tmp_path, offline=False)
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(OptionError, match="wandb login"):
        wandb(script, tmp_path)
    (tmp_path / ".netrc").write_text("machine elsewhere.org login a password b\n")
    assert not script.logged_in()
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password not-a-key\n")
    assert script.logged_in()
    assert not wandb(script, tmp_path)["offline"]
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert wandb(script, tmp_path)["offline"]
    (tmp_path / ".netrc").unlink()
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert not wandb(script, tmp_path)["offline"]  # offline=True would undo it
    monkeypatch.setenv("WANDB_MODE", "")
    monkeypatch.setenv("WANDB_API_KEY", "not-a-key")
    assert not wandb(script, tmp_path)["offline"]
    assert wandb(script, tmp_path, offline=True)["offline"]


def test_going_online_with_faces_is_said(script, tmp_path, monkeypatch, capsys):
    wandb(script, tmp_path)
    monkeypatch.setenv("WANDB_API_KEY", "not-a-key")
    wandb(script, tmp_path, grid_logged=False)
    wandb(script, tmp_path, offline=True)
    assert not capsys.readouterr().out
    wandb(script, tmp_path)
    assert "online and gets the sample grids, which show real held-out faces; grid.log=false" in capsys.readouterr().out


def test_a_run_keeps_its_name_in_its_folder(script, tmp_path):
    first = wandb(script, tmp_path / "a")
    assert wandb(script, tmp_path / "a") == first
    assert first["resume"] == "allow"
    assert len(first["id"]) == 8
    assert wandb(script, tmp_path / "b")["id"] != first["id"]


@pytest.mark.slow
def test_wandb_writes_offline_and_goes_on_with_the_same_run(packed, tmp_path):
    pytest.importorskip("wandb")
    arguments = [*TINY, f"data.root={packed}", "logger=wandb"]
    for stable in (64, 96):
        growth = f"model.growth.phases.1.stable={stable}"
        result = train(*arguments, growth, cwd=tmp_path, WANDB_MODE="offline", HOME=str(tmp_path))
        assert result.returncode == 0, result.stderr
    out = tmp_path / "out/train"
    runs = [path.name.rpartition("-")[2] for path in (out / "wandb").glob("offline-run-*")]
    assert runs == [(out / "wandb-id.txt").read_text()] * 2


@pytest.mark.slow
def test_two_processes_are_started_by_the_trainers_own_flags(packed, tmp_path):
    arguments = [*TINY, f"data.root={packed}", "metrics.images=32", "distance=none"]
    two = ["trainer.devices=2", "trainer.strategy=ddp_find_unused_parameters_true"]
    for output, more in (("one", []), ("two", two)):
        result = train(*arguments, f"output={output}", *more, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("generator written to") == 1
    one, both = (
        np.genfromtxt(tmp_path / o / "log/version_0/metrics.csv", delimiter=",", names=True) for o in ("one", "two")
    )
    assert one["step"].tolist() == both["step"].tolist() == [32, 64, 96, 128, 160, 192]
    for name in ("discriminatorloss", "generatorl1", "generatorgradient", "discriminatorreal"):
        np.testing.assert_allclose(one[name][:4], both[name][:4], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(one[name], both[name], rtol=1e-2)  # sums in another order grow apart step by step


@pytest.mark.slow
def test_quick_makes_a_generator_and_a_grid_in_three_minutes(tmp_path):
    """On two cores, from crops on a disk; drawn ones here."""
    write_packed_crops(tmp_path / "crops", "train", 400, seed=1)
    write_packed_crops(tmp_path / "crops", "val", 300, seed=2)
    start = time.perf_counter()
    result = train("experiment=quick", "data.root=crops", cwd=tmp_path, OMP_NUM_THREADS="2")
    assert result.returncode == 0, result.stderr
    assert time.perf_counter() - start < 180
    assert load_generator(tmp_path / "out/train/generator.safetensors").network.resolution == 32
    assert (tmp_path / "out/train/grid-00008000.png").is_file()
