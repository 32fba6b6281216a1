import logging

import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image

from deepanon.data.crops import PackedCrops
from deepanon.errors import ModelError
from deepanon.models import DeepPrivacyDiscriminator as Discriminator
from deepanon.models import DeepPrivacyGenerator as Generator
from deepanon.models import Growth, Phase
from deepanon.training import Checkpoints, GANTrainer, SampleGrid
from deepanon.training.callbacks import Every, tile
from deepanon.training.checkpoint import WholeFiles
from deepanon.weights import load_generator

WIDTHS = {4: 8, 8: 8, 16: 4}


class Trainer:
    """Stands in for Lightning's."""

    is_global_zero, loggers, callbacks, datamodule = True, (), (), None

    def save_checkpoint(self, path, weights_only):
        WholeFiles().save_checkpoint({"saved": len(self.saved)}, path)
        self.saved.append(path)

    def __init__(self):
        self.saved = []


class Module(GANTrainer):
    trainer = None


def module(images_seen=0, **options):
    growth = Growth([Phase(8, 4, 0, 20), Phase(16, 4, 20, 20)])
    made = Module(Generator(16, WIDTHS), Discriminator(16, WIDTHS), growth, **options)
    made.trainer, made.images_seen = Trainer(), images_seen
    return made


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_acts_once_per_so_many_images_and_at_the_end():
    class Note(Every):
        def act(self, module):
            acted.append(module.images_seen)

    acted, every, clock = [], Note(100), module(250)
    every.on_train_start(None, clock)
    for clock.images_seen in (260, 298, 302, 340, 400, 720, 730):
        every.on_train_batch_end(None, clock, None, None, 0)
    every.on_train_end(None, clock)
    assert acted == [302, 400, 720, 730]


@pytest.mark.parametrize("images", [0, -1, "x", 2.5])
def test_impossible_intervals(images, tmp_path):
    with pytest.raises((TypeError, ValueError), match="images must be"):
        Checkpoints(tmp_path, images)


@pytest.mark.parametrize(("seen", "resolution"), [(4, 8), (20, 8), (30, 8), (40, 8), (44, 16), (60, 16)])
def test_generator_file_holds_the_layers_that_are_trained(tmp_path, seen, resolution):
    trained = module(seen)
    trained.trainer.callbacks = [Checkpoints(tmp_path / "out", 10, {"data": "mine"})]
    trained.trainer.callbacks[0].act(trained)
    assert names(tmp_path / "out") == ["generator.safetensors", "last.ckpt"]
    loaded = load_generator(tmp_path / "out" / "generator.safetensors")
    assert loaded.network.resolution == resolution
    assert (loaded.training["data"], loaded.training["images_seen"]) == ("mine", seen)
    assert loaded.training["schedule"][1] == {"resolution": 16, "batch_size": 4, "fade": 20, "stable": 20}
    assert loaded.pose_free
    torch.testing.assert_close(
        dict(loaded.network.state_dict())["core.0.0.weight"], trained.ema.core[0][0].weight, atol=1e-3, rtol=1e-3
    )


def test_a_grid_that_cannot_be_written_does_not_end_training(packed, tmp_path, caplog):
    (tmp_path / "out").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        SampleGrid(PackedCrops(packed, "val", 16), tmp_path / "out", 10).act(module(20))
    assert "no sample grid: " in caplog.text
    assert "grid-00000020.png cannot be written" in caplog.text


def test_generator_that_broke_is_not_written(tmp_path):
    trained = module()
    Checkpoints(tmp_path, 10).act(trained)
    before = (tmp_path / "generator.safetensors").read_bytes()
    trained.ema.core[0][0].weight.data[0] = float("nan")
    with pytest.raises(ModelError, match=r"weights are not finite, or above 65,504: core\.0\.0\.weight"):
        Checkpoints(tmp_path, 10).act(trained)
    assert (tmp_path / "generator.safetensors").read_bytes() == before
    assert trained.trainer.saved == [tmp_path / "last.ckpt"]  # the checkpoint was not replaced either


def test_the_checkpoint_before_is_kept(tmp_path):
    trained, checkpoints = module(8), Checkpoints(tmp_path, 10)
    read = lambda name: torch.load(tmp_path / name)["saved"]  # noqa: E731
    for trained.images_seen in (8, 16, 24):
        checkpoints.act(trained)
    assert (read("previous.ckpt"), read("last.ckpt")) == (1, 2)
    checkpoints.act(trained)  # at the end of training, after the same images
    assert (read("previous.ckpt"), read("last.ckpt")) == (1, 3)


def test_nothing_is_written_while_steps_are_left_out(tmp_path, caplog):
    trained = module(8)
    Checkpoints(tmp_path, 10).act(trained)
    trained.images_seen, trained.skipped = 16, [0, 9]
    with caplog.at_level(logging.WARNING):
        Checkpoints(tmp_path, 10).act(trained)
    assert "no checkpoint after 16 images: steps had no finite gradient lately" in caplog.text
    assert names(tmp_path) == ["generator.safetensors", "last.ckpt"]
    assert trained.trainer.saved == [tmp_path / "last.ckpt"]


@pytest.mark.parametrize(("seen", "size"), [(0, 8), (20, 8), (24, 16), (60, 16)])
def test_grid_has_five_columns_and_a_row_a_face(packed, tmp_path, seen, size):
    grid = SampleGrid(PackedCrops(packed, "val", 16), tmp_path, 10, rows=4)
    grid.act(module(seen))
    assert names(tmp_path) == [f"grid-{seen:08d}.png"]
    sheet = np.asarray(Image.open(tmp_path / f"grid-{seen:08d}.png"))
    assert sheet.shape == (4 * 128, 5 * 128, 3)  # small crops are shown larger
    cells = sheet.reshape(4, size, 128 // size, 5, size, 128 // size, 3)
    assert (cells == cells[:, :, :1, :, :, :1]).all()
    columns = sheet.reshape(512, 5, 128, 3).swapaxes(0, 1)
    assert not any((columns[0] == columns[i]).all() for i in (1, 2, 3, 4))
    assert not (columns[1] == columns[2]).all()  # three draws of noise


def test_grid_shows_the_same_noise_each_time(packed, tmp_path):
    grid, drawn = SampleGrid(PackedCrops(packed, "val", 16), tmp_path, 10, rows=100), module(60)
    grid.act(drawn)
    first = (tmp_path / "grid-00000060.png").read_bytes()
    torch.manual_seed(5)
    grid.act(drawn)
    assert (tmp_path / "grid-00000060.png").read_bytes() == first
    assert np.asarray(Image.open(tmp_path / "grid-00000060.png")).shape[0] == 6 * 128  # no more rows than faces


@pytest.mark.parametrize("log", [True, False])
def test_a_logger_gets_the_grid_only_if_it_may(packed, tmp_path, log):
    pytest.importorskip("tensorboard")
    drawn, logger = module(60), TensorBoardLogger(tmp_path / "log")
    drawn.trainer.loggers = [logger]
    SampleGrid(PackedCrops(packed, "val", 16), tmp_path, 10, log=log).act(drawn)
    logger.finalize("success")
    written = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("events.*"))
    assert (b"PNG" in written) == log


def test_tile_puts_faces_in_rows():
    columns = [torch.full((2, 3, 2, 2), v) for v in (-1.0, 0.0, 1.0)]
    columns[0][1] = 1.0
    sheet = tile(columns)
    assert sheet.shape == (4, 6, 3)
    assert sheet[:, :, 0].tolist() == [[0, 0, 128, 128, 255, 255]] * 2 + [[255, 255, 128, 128, 255, 255]] * 2
