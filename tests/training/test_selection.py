import copy
import csv
import logging
import warnings

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from deepanon.data.crops import PackedCrops
from deepanon.distance import frechet, kernel_distance
from deepanon.embedders import Onet, face_windows
from deepanon.models import DeepPrivacyDiscriminator as Discriminator
from deepanon.models import DeepPrivacyGenerator as Generator
from deepanon.models import Growth, Phase
from deepanon.training import Checkpoints, FaceData, GANTrainer, HeldOutDistance
from deepanon.training.selection import BEST
from deepanon.weights import load_generator

WIDTHS = {4: 8, 8: 8, 16: 4}
SHORT = [Phase(8, 8, 0, 24), Phase(16, 4, 16, 16)]


@pytest.fixture(scope="module")
def onet():
    return Onet()


class Means:
    """The mean colour of a picture: three features, so that distances can be computed by hand."""

    name, size, description = "means", 12, "mean colour"

    def __call__(self, images, keypoints=None):
        assert images.shape[-1] in (8, 12, 16)
        return images.mean(dim=(2, 3))


def build(phases=SHORT):
    torch.manual_seed(0)
    return GANTrainer(Generator(16, WIDTHS), Discriminator(16, WIDTHS), Growth(phases))


def held_out(packed, side=16):
    return PackedCrops(packed, "val", side)


def fit(packed, folder, *callbacks, module=None, ckpt=None, phases=SHORT):
    logger = CSVLogger(folder, name="log", version="")
    trainer = L.Trainer(
        max_epochs=-1, accelerator="cpu", logger=logger, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=list(callbacks),
    )  # fmt: skip
    module = module or build(phases)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(
            module,
            FaceData(PackedCrops(packed, "train", 16), PackedCrops(packed, "val", 16)),
            ckpt_path=ckpt,
            weights_only=True,
        )
    return module


def attached(module, callback, seen):
    """A module that is not in training, as the callback sees it."""
    module.images_seen = seen
    module.trainer = L.Trainer(accelerator="cpu", logger=False, callbacks=[callback], enable_checkpointing=False,
                               enable_progress_bar=False, enable_model_summary=False)  # fmt: skip
    return module


def by_hand(module, data, size, embedder):
    """Real and drawn features by part, computed crop by crop."""
    real, drawn = {"crop": [], "face": []}, {"crop": [], "face": []}
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(len(data), 32, 4, 4, generator=rng)
    for row in range(len(data)):
        stored = data.read([row], size)
        picture = stored.images.float() / 127.5 - 1
        x0, y0, x1, y1 = (stored.boxes[0] * size).tolist()
        x0, y0, x1, y1 = int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1))
        mask, context = torch.zeros(1, 1, size, size), picture.clone()
        mask[..., y0:y1, x0:x1], context[..., y0:y1, x0:x1] = 1, 128 / 127.5 - 1
        with torch.no_grad():
            out = module.ema(context, mask, stored.keypoints, noise[row : row + 1])
        for pictures, features in ((picture, real), (out, drawn)):
            features["crop"].append(embedder(pictures))
            box = torch.tensor([[x0, y0, x1, y1]])
            features["face"].append(embedder(face_windows(pictures, box, embedder.size)))
    return [{part: torch.cat(rows).numpy() for part, rows in side.items()} for side in (real, drawn)]


@pytest.mark.parametrize(("seen", "size"), [(24, 8), (32, 8), (56, 16)])
def test_measures_what_would_be_exported_against_real_crops_of_that_size(packed, onet, seen, size):
    """Crop by crop in another way; in the fade (32) the file would hold the 8 px generator, so that is measured."""
    data, module = held_out(packed), build()
    for embedder in (Means(), onet):
        watch = HeldOutDistance(data, embedder)
        measured = watch.measure(attached(module, watch, seen))
        real, drawn = by_hand(module, data, size, embedder)
        for part in ("crop", "face"):
            assert measured[part] == pytest.approx(frechet(real[part], drawn[part]), rel=1e-3)
            kernel = kernel_distance(real[part], drawn[part])
            assert measured[f"kernel_{part}"] == pytest.approx(kernel, rel=1e-3, abs=1e-7)
        assert (measured["resolution"], measured["faces"], measured["images_seen"]) == (size, 6, seen)


def test_a_generator_that_draws_the_original_is_at_zero(packed, onet):
    """The callback's own notion of right: an oracle that knows the pictures is at distance 0."""
    data, module = held_out(packed), build([Phase(16, 4, 0, 8)])
    pictures = data.read(range(6), 16).images.float() / 127.5 - 1

    class Oracle(torch.nn.Module):
        noise, given = 32, iter(pictures.split(6))

        def forward(self, context, mask, keypoints, z):
            return next(self.given)

    watch = HeldOutDistance(data, onet)
    drawn = watch.measure(attached(module, watch, 4))
    module.ema = Oracle()
    perfect = watch.measure(module)
    for part in ("crop", "face"):
        assert perfect[part] < 1e-6 < drawn[part]
        assert perfect[f"kernel_{part}"] < 0 < drawn[f"kernel_{part}"]  # unbiased: equal sets come out below zero


def test_too_few_crops_are_said_once_as_a_line_of_the_log(packed, onet, tmp_path, caplog, recwarn):
    with caplog.at_level(logging.WARNING, "deepanon.training.selection"):
        fit(packed, tmp_path, HeldOutDistance(held_out(packed), onet, None, 16))
    assert caplog.text.count("6 vectors of 256 features: strongly biased upward") == 1
    assert not [warning for warning in recwarn if "Fréchet" in str(warning.message)]


def test_draws_no_random_numbers_and_the_same_each_time(packed, onet):
    data, module = held_out(packed), build()
    watch = HeldOutDistance(data, onet, limit=4)
    before = torch.random.get_rng_state()
    first = watch.measure(attached(module, watch, 56))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(5)
    assert watch.measure(module) == first
    assert first["faces"] == 4
    assert watch.rows == [0, 1, 3, 5]


def test_batches_do_not_matter(packed, onet, monkeypatch):
    module = build()
    watch = HeldOutDistance(held_out(packed), onet)
    whole = watch.measure(attached(module, watch, 56))
    monkeypatch.setattr("deepanon.training.selection.BATCH", 4)
    parts = HeldOutDistance(held_out(packed), onet).measure(module)
    assert parts["face"] == pytest.approx(whole["face"], rel=1e-4)


def test_real_crops_are_embedded_once_a_resolution(packed):
    calls = []

    class Counting(Means):
        def __call__(self, images, keypoints=None):
            calls.append(images.shape[-1])
            return super().__call__(images)

    module = build()
    watch = HeldOutDistance(held_out(packed), Counting())
    for seen in (8, 16, 24):
        watch.measure(attached(module, watch, seen))
    assert calls == [8, 12] * 4  # real once, drawn three times
    watch.measure(attached(module, watch, 56))
    assert calls[8:] == [16, 12] * 2


def test_training_is_the_same_with_and_without(packed, onet, tmp_path):
    plain = fit(packed, tmp_path / "a")
    watched = fit(packed, tmp_path / "b", HeldOutDistance(held_out(packed), onet, tmp_path / "b", 8))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name


def logged(folder, key):
    rows = csv.DictReader((folder / "log" / "metrics.csv").open())
    return [(int(row["step"]), float(row[key])) for row in rows if row.get(key)]


def test_logs_every_so_many_images_under_names_that_are_not_fid(packed, onet, tmp_path):
    watch = HeldOutDistance(held_out(packed), onet, None, 16)
    fit(packed, tmp_path, watch)
    for key in ("fd/onet/crop", "fd/onet/face", "kd/onet/crop", "kd/onet/face"):
        assert [seen for seen, _ in logged(tmp_path, key)] == [16, 32, 48, 56]
    assert logged(tmp_path, "fd/onet/face")[-1][1] == pytest.approx(watch.latest["face"])
    assert "fid" not in (tmp_path / "log" / "metrics.csv").read_text()
    assert not list(tmp_path.rglob(BEST))  # no folder, no best


def test_the_end_is_measured_once(packed, tmp_path):
    watch = HeldOutDistance(held_out(packed), Means(), None, 28)
    fit(packed, tmp_path, watch)
    assert [seen for seen, _ in logged(tmp_path, "fd/means/face")] == [28, 56]


def scripted(packed, folder, told):
    """A callback whose measure says what it is told: {images seen: (resolution, face distance)}."""

    class Told(HeldOutDistance):
        def measure(self, module):
            resolution, face = told[module.images_seen]
            about = {"name": "FD(means)", "embedder": "mean colour", "faces": 6, "images_seen": module.images_seen}
            rest = {"crop": 1.0, "kernel_crop": 0.1, "kernel_face": 0.1}
            return about | {"resolution": resolution, "face": face} | rest

    return Told(held_out(packed), Means(), folder, 8)


def best_after(watch, module, folder, *seen):
    """Images seen by the best generator on disk after acting at each of `seen`."""
    found = []
    for module.images_seen in seen:
        watch.act(module)
        found.append(load_generator(folder / BEST).training["distances"]["means"]["images_seen"])
    return found


def test_the_best_is_kept_and_growth_replaces_it(packed, tmp_path):
    told = {8: (8, 3.0), 16: (8, 1.0), 24: (8, 2.0), 44: (16, 9.0), 48: (16, 9.5), 56: (16, 8.0)}
    watch, module = scripted(packed, tmp_path, told), build()
    attached(module, watch, 0)
    assert best_after(watch, module, tmp_path, *told) == [8, 16, 16, 44, 44, 56]
    assert load_generator(tmp_path / BEST).network.resolution == 16


def test_the_best_file_holds_the_weights_of_that_moment(packed, tmp_path):
    watch, module = scripted(packed, tmp_path, {8: (8, 3.0), 16: (8, 4.0)}), build()
    attached(module, watch, 0)
    then = module.ema.core[0][0].weight.clone()
    best_after(watch, module, tmp_path, 8)
    module.ema.core[0][0].weight.data += 1
    best_after(watch, module, tmp_path, 16)
    kept = load_generator(tmp_path / BEST)
    torch.testing.assert_close(kept.network.core[0][0].weight.data, then, atol=1e-3, rtol=1e-3)
    assert kept.network.resolution == 8


def test_the_best_survives_a_resume(packed, tmp_path, stop_at):
    """Killed after a best was found; the run that goes on does not take a worse one for the best."""
    first = scripted(packed, tmp_path, {8: (8, 1.0), 16: (8, 2.0)})
    with pytest.raises(stop_at.Killed):
        fit(packed, tmp_path, first, Checkpoints(tmp_path, 8), stop_at(16))
    told = {24: (8, 1.5), 32: (8, 1.7), 40: (8, 1.9), 48: (8, 1.3), 56: (8, 1.4)}
    second = scripted(packed, tmp_path, told)
    fit(packed, tmp_path, second, Checkpoints(tmp_path, 8), ckpt=tmp_path / "last.ckpt")
    assert load_generator(tmp_path / BEST).training["images_seen"] == 8
    assert second.best["images_seen"] == 8
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"]
    state = next(value for key, value in stored.items() if "Told" in key)
    assert (state["best"]["images_seen"], state["latest"]["images_seen"]) == (8, 56)


def test_a_resumed_run_keeps_what_is_better_than_before(packed, tmp_path):
    watch, module = scripted(packed, tmp_path, {8: (8, 1.0), 16: (8, 2.0), 24: (8, 0.5)}), build()
    attached(module, watch, 0)
    assert best_after(watch, module, tmp_path, 8) == [8]
    again = scripted(packed, tmp_path, {16: (8, 2.0), 24: (8, 0.5)})
    again.load_state_dict(copy.deepcopy(watch.state_dict()))
    assert best_after(again, attached(module, again, 8), tmp_path, 8, 16, 24) == [8, 8, 24]  # 8 is not measured again


def test_a_best_that_was_deleted_or_measured_otherwise_is_no_rival(packed, tmp_path):
    watch, module = scripted(packed, tmp_path, {8: (8, 1.0), 16: (8, 2.0), 24: (8, 3.0)}), build()
    attached(module, watch, 0)
    best_after(watch, module, tmp_path, 8)
    (tmp_path / BEST).unlink()
    assert best_after(watch, module, tmp_path, 16) == [16]
    watch.best = watch.best | {"faces": 5}
    assert best_after(watch, module, tmp_path, 24) == [24]


def test_two_embedders_can_watch_one_training(packed, onet, tmp_path):
    both = [HeldOutDistance(held_out(packed), e, folder, 24) for e, folder in ((onet, tmp_path), (Means(), None))]
    fit(packed, tmp_path, *both, Checkpoints(tmp_path, 24))
    facts = load_generator(tmp_path / "generator.safetensors").training
    assert facts["distances"].keys() == {"onet", "means"}
    assert {key for key in torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"] if "HeldOut" in key} == {
        "HeldOutDistance{'embedder': 'onet'}",
        "HeldOutDistance{'embedder': 'means'}",
    }


def test_pixels_that_are_not_finite_stop_training(packed):
    module = build()
    watch = HeldOutDistance(held_out(packed), Means())
    module.ema.core[0][0].weight.data[0] = float("nan")
    with pytest.raises(FloatingPointError, match="not finite after 56 images; go on with a lower lr"):
        watch.measure(attached(module, watch, 56))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"limit": 0}, "limit must be positive"), ({"limit": 1}, "at least 2 held-out crops, got 1"),
     ({"limit": "x"}, "limit must be a whole number"), ({"images": 0}, "images must be positive")],
)  # fmt: skip
def test_impossible_options(packed, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        HeldOutDistance(held_out(packed), Means(), **options)
