"""A student comes to draw what its teacher draws, and says whose it is."""

import warnings

import lightning as L
import pytest
import torch

from deepanon.data.crops import PackedCrops
from deepanon.data.synthetic import write_packed_crops
from deepanon.detections import FIVE, schema_for
from deepanon.errors import ModelError, OptionError, SchemaError
from deepanon.files import sha256_of
from deepanon.models import Growth, LeanGenerator, NonSaturating, Phase, ResidualDiscriminator
from deepanon.models.losses import scaled_loss
from deepanon.training import Augmentation, Checkpoints, Distillation, FaceData
from deepanon.training.batches import prepare
from deepanon.weights import LoadedGenerator, load_generator, save_generator
from deepanon.weights.card import model_card

WIDE, NARROW = {4: 16, 8: 16, 16: 8}, {4: 8, 8: 8, 16: 4}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    path = tmp_path_factory.mktemp("teacher") / "wide.safetensors"
    torch.manual_seed(3)
    save_generator(path, LoadedGenerator(LeanGenerator(16, WIDE), FIVE, True))
    return path


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    for split, n in (("train", 32), ("val", 8)):
        write_packed_crops(root, split, n, 0, 16)
    return FaceData(PackedCrops(root, "train", 16), PackedCrops(root, "val", 16))


def student(teacher, *, images=64, warmup=1_000_000, seed=0, widths=NARROW, **options):
    torch.manual_seed(seed)
    nets = {
        "generator": LeanGenerator(16, widths),
        "discriminator": ResidualDiscriminator(16, NARROW),
        "growth": Growth([Phase(16, 8, 0, images)]),
        "objective": NonSaturating(every=2),
        "augmentation": Augmentation(keypoint_dropout=0.2, whole_crop=0.2),
    }
    settings = {"warmup_images": warmup, "lr": 0.005, "ema_half_life": 50}
    return Distillation(teacher=teacher, **nets | settings | options)


def fit(module, faces, folder, *, ckpt=None, more=()):
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=False, callbacks=[Checkpoints(folder, 8), *more],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(module, faces, ckpt_path=ckpt, weights_only=True)
    return module


@torch.no_grad()
def apart(network, teacher, faces):
    """Distance of the two's pictures of held-out crops from the same noise."""
    _, crops = prepare(faces.val.read(range(8), 16), FIVE, Growth([Phase(16, 8, 0, 8)]).at(0))
    given = (
        crops.context,
        crops.mask,
        crops.keypoints,
        torch.randn(8, 32, 4, 4, generator=torch.Generator().manual_seed(0)),
    )
    return scaled_loss(network(*given), load_generator(teacher).network(*given), crops.mask, 3).item()


def test_the_student_comes_nearer_and_the_teacher_stays(teacher, faces, tmp_path):
    sha256, module = sha256_of(teacher), student(teacher, images=1200, decay_images=600)
    taught = {name: value.clone() for name, value in module._teacher.loaded.network.state_dict().items()}
    before = apart(module.ema, teacher, faces)
    fit(module, faces, tmp_path)
    after = load_generator(tmp_path / "generator.safetensors").network
    assert apart(after, teacher, faces) < 0.7 * before
    assert all(torch.equal(value, taught[name]) for name, value in module._teacher.loaded.network.state_dict().items())
    assert sha256_of(teacher) == sha256
    assert not any("teacher" in name for name in module.state_dict())


def test_a_slice_of_the_teacher_is_nearer_than_chance_soon(teacher, faces, tmp_path):
    begun = {
        narrowed: apart(fit(student(teacher, images=320, narrowed=narrowed), faces, tmp_path).generator, teacher, faces)
        for narrowed in (True, False)
    }
    assert begun[True] < begun[False]


def test_the_discriminator_joins_and_likeness_holds_the_student(teacher, faces, tmp_path):
    """Without it the student goes where the discriminator sends it."""
    found = {}
    for likeness in (0.0, 100.0):
        module = fit(student(teacher, images=400, warmup=0, likeness=likeness), faces, tmp_path)
        found[likeness] = apart(module.generator, teacher, faces)
    assert found[100.0] < found[0.0]


def test_file_and_card_say_whose_student_it_is(teacher, faces, tmp_path):
    fit(student(teacher, images=8), faces, tmp_path)
    loaded = load_generator(tmp_path / "generator.safetensors")
    assert loaded.network.widths == NARROW
    assert loaded.training["distilled_from"] == {"teacher": "wide.safetensors", "sha256": sha256_of(teacher)}
    assert loaded.training["settings"]["likeness"] == 10.0
    assert loaded.pose_free
    assert sha256_of(teacher) in model_card(tmp_path / "generator.safetensors")


@pytest.mark.parametrize("stop", [16, 24, 40])
def test_it_goes_on_bit_for_bit(teacher, faces, tmp_path, stop, stop_at):
    """Before and after the discriminator joined, and while the learning rate falls."""
    options = {"images": 48, "warmup": 24, "decay_images": 16}
    straight = fit(student(teacher, **options), faces, tmp_path / "straight").state_dict()
    with pytest.raises(stop_at.Killed):
        fit(student(teacher, **options), faces, tmp_path, more=[stop_at(stop)])
    last = tmp_path / "last.ckpt"
    resumed = fit(student(teacher, seed=1, **options), faces, tmp_path, ckpt=last).state_dict()
    assert [name for name in straight if not torch.equal(straight[name], resumed[name])] == []


def test_the_learning_rate_falls_to_nothing_at_the_end(teacher, faces, tmp_path):
    rates = []

    class Note(L.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    fit(student(teacher, images=48, decay_images=32), faces, tmp_path, more=[Note()])
    assert rates == pytest.approx([0.005, 0.005, 0.005, 0.00375, 0.0025, 0.00125])


def test_the_discriminator_of_a_training_goes_on(teacher, faces, tmp_path):
    fit(student(teacher, images=16, warmup=0), faces, tmp_path)
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    module = student(teacher, seed=5, judge=tmp_path / "last.ckpt")
    for name, value in module.discriminator.state_dict().items():
        assert torch.equal(value, stored[f"discriminator.{name}"])
    with pytest.raises(FileNotFoundError, match=r"judge is the last\.ckpt of the teacher's training"):
        student(teacher, judge=tmp_path / "absent.ckpt")
    with pytest.raises(ModelError, match=r"has another discriminator; see model\.discriminator"):
        student(teacher, judge=tmp_path / "last.ckpt", discriminator=ResidualDiscriminator(16, WIDE))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"generator": LeanGenerator(16, NARROW, noise=8)}, ModelError, r"wide\.safetensors: noise 32 there, 8 here"),
        (
            {"generator": LeanGenerator(16, NARROW, mask_channel=False)},
            ModelError,
            "mask_channel True there, False here",
        ),
        (
            {"generator": LeanGenerator(8, NARROW), "growth": Growth([Phase(8, 8, 0, 8)])},
            ModelError,
            "resolution 16 there, 8 here",
        ),
        ({"widths": {4: 32, 8: 16, 16: 8}}, ModelError, "no 32 channels can be kept at 4 px, where there are 16"),
        (
            {"growth": Growth([Phase(8, 8, 0, 8), Phase(16, 8, 0, 8)])},
            OptionError,
            r"has 8, 16 px: leave that one phase",
        ),
        ({"reconstruction_weight": 1.0, "reconstruction_images": 8}, OptionError, "a student has likeness"),
        ({"likeness": -1.0}, OptionError, "likeness"),
        ({"teacher": "nobody.safetensors"}, FileNotFoundError, "no generator at nobody"),
    ],
)
def test_what_cannot_be_taught_is_said(teacher, options, error, message):
    with pytest.raises(error, match=message):
        student(**{"teacher": teacher} | options)


def test_other_keypoints_are_refused(teacher):
    seven = len(schema_for("coco7"))
    nets = {
        "generator": LeanGenerator(16, NARROW, keypoints=seven),
        "discriminator": ResidualDiscriminator(16, NARROW, keypoints=seven),
    }
    with pytest.raises(SchemaError, match="takes keypoints 'five', not 'coco7'"):
        student(teacher, schema="coco7", **nets)
