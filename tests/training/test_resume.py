"""The modern networks, too, go on exactly where they stopped: lazy penalties and augmentation included."""

import warnings

import lightning as L
import pytest
import torch

from deepanon.data.crops import PackedCrops
from deepanon.models import (
    Growth,
    LeanGenerator,
    MobileNetFeatures,
    ModulatedGenerator,
    NonSaturating,
    Phase,
    ProjectedDiscriminator,
    ResidualDiscriminator,
)
from deepanon.training import Augmentation, Checkpoints, DiffAugment, FaceData, GANTrainer

WIDTHS = {4: 8, 8: 8, 16: 4}


def crops(root):
    return FaceData(PackedCrops(root, "train", 16), PackedCrops(root, "val", 16))


def projected():
    """Its frozen network has the same weights in every run, as if they came from a file; the heads have others."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        features = MobileNetFeatures(32)
    return ProjectedDiscriminator(ResidualDiscriminator(8, WIDTHS), features, 16, mixed=4, width=4)


FAMILIES = {
    "modern": lambda: (ModulatedGenerator(16, WIDTHS), ResidualDiscriminator(16, WIDTHS)),
    "projected": lambda: (LeanGenerator(16, WIDTHS), projected()),
}


def fit(packed, folder, family, *, seed=0, ckpt=None, more=()):
    torch.manual_seed(seed)
    module = GANTrainer(
        *FAMILIES[family](),
        Growth([Phase(8, 8, 0, 16), Phase(16, 4, 16, 16)]),
        NonSaturating(every=2),
        augmentation=Augmentation(second_hole=0.5),
        diffaugment=DiffAugment(),
    )
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Checkpoints(folder, 4), *more],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, crops(packed), ckpt_path=ckpt, weights_only=True)


def stored(folder):
    """What a checkpoint holds of training, Lightning's counters aside: one flat table."""
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    table = {"images_seen": torch.tensor(checkpoint["images_seen"])} | checkpoint["state_dict"]
    for i, optimizer in enumerate(checkpoint["optimizer_states"]):
        for j, state in optimizer["state"].items():
            table |= {f"{i}.{j}.{name}": value for name, value in state.items()}
    return table


@pytest.fixture(scope="module")
def straight(packed, tmp_path_factory):
    """Family -> what it holds if nothing stops it."""
    tables = {}
    for family in FAMILIES:
        folder = tmp_path_factory.mktemp(family)
        fit(packed, folder, family)
        tables[family] = stored(folder)
    return tables


@pytest.mark.parametrize(
    ("family", "stop"), [*(("modern", images) for images in (8, 16, 20, 28, 36)), ("projected", 20), ("projected", 36)]
)
def test_it_goes_on_bit_for_bit(straight, packed, tmp_path, family, stop, stop_at):
    """In a phase, at the growth, in the fade on an even and an odd turn, after it."""
    with pytest.raises(stop_at.Killed):
        fit(packed, tmp_path, family, more=[stop_at(stop)])
    assert stored(tmp_path)["images_seen"] == stop
    fit(packed, tmp_path, family, seed=1, ckpt=tmp_path / "last.ckpt")
    resumed, straight = stored(tmp_path), straight[family]
    assert resumed.keys() == straight.keys()
    assert len(straight) > 200
    assert [name for name in straight if not torch.equal(straight[name], resumed[name])] == []
