import json

import pytest
import torch
from safetensors.torch import save

from deepanon.detections import COCO7, FIVE
from deepanon.errors import ModelError, SaveError
from deepanon.models import DeepPrivacyGenerator
from deepanon.weights import BUNDLED, FORMAT, LoadedGenerator, load_generator, save_generator

WIDTHS = {4: 8, 8: 8, 16: 4}


def network(**options):
    torch.manual_seed(0)
    return DeepPrivacyGenerator(16, WIDTHS, **options)


def header(**changes):
    usual = {"format": FORMAT, "generator": network().kwargs, "schema": "five", "pose_free": True, "training": {}}
    return {name: value for name, value in (usual | changes).items() if value is not None}


def write(path, head, tensors=None):
    tensors = network().state_dict() if tensors is None else tensors
    path.write_bytes(save(dict(tensors), None if head is None else {"deepanon": json.dumps(head)}))
    return path


@pytest.mark.parametrize(("schema", "options"), [(FIVE, {}), (COCO7, {"keypoints": 7, "noise": 3, "composite": False})])
def test_round_trip(tmp_path, schema, options):
    saved = LoadedGenerator(network(**options), schema, False, {"images_seen": 7, "data": "Bücher"})
    save_generator(tmp_path / "new" / "g.safetensors", saved)
    loaded = load_generator(tmp_path / "new" / "g.safetensors")
    assert (loaded.schema, loaded.pose_free, loaded.training) == (schema, False, saved.training)
    assert loaded.network.kwargs == saved.network.kwargs
    assert not loaded.network.training
    assert not any(p.requires_grad for p in loaded.network.parameters())
    for name, value in saved.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value.half().float())
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["g.safetensors"]
    (tmp_path / "usual").touch()
    assert (tmp_path / "new" / "g.safetensors").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("where the folder should be")
    with pytest.raises(SaveError, match=r"g\.safetensors cannot be written: .* start the same command again"):
        save_generator(tmp_path / "file" / "g.safetensors", LoadedGenerator(network(), FIVE, True))


def test_a_file_is_moved_to_its_place_once_and_is_on_the_disk_before(tmp_path, monkeypatch):
    import os

    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *paths, real=real, name=name: (done.append(name), real(*paths)))
    save_generator(tmp_path / "g.safetensors", LoadedGenerator(network(), FIVE, True))
    assert done == ["fsync", "replace"]


def test_missing_file_lists_what_is_bundled(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"no generator at .*nothing.*{next(iter(BUNDLED))}"):
        load_generator(tmp_path / "nothing.safetensors")
    with pytest.raises(FileNotFoundError, match="no generator at"):
        load_generator(tmp_path)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (None, "not a usable generator file: KeyError: 'deepanon'"),
        (header(format=2), "generator format 2 is not 1"),
        (header(format=None), "KeyError: 'format'"),
        (header(generator=None), "KeyError: 'generator'"),
        (header(schema=None), "KeyError: 'schema'"),
        (header(pose_free=None), "KeyError: 'pose_free'"),
        (header(training=None), "KeyError: 'training'"),
        (header(schema="six"), "unknown keypoint schema 'six'"),
        (header(schema="coco7"), "5 keypoints do not fit schema 'coco7'"),
        (header(generator={"resolution": 16}), "TypeError"),
        (header(generator={"resolution": 16, "widths": [1, 2]}), "widths must map"),
        (header(generator={"resolution": 16, "widths": WIDTHS, "colour": "red"}), "colour"),
        (header(generator={"resolution": 16, "widths": WIDTHS | {16: 6}}), "size mismatch"),
        (header(generator={"resolution": 8, "widths": {4: 8, 8: 8}}), "Unexpected key"),
        (["a", "list"], "TypeError"),
    ],
)
def test_foreign_files_are_refused(tmp_path, head, message):
    path = write(tmp_path / "g.safetensors", head)
    with pytest.raises(ModelError, match=message) as caught:
        load_generator(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\x89PNG" + b, lambda b: b[:9]]
)
def test_damaged_files_are_refused(tmp_path, damage):
    path = write(tmp_path / "g.safetensors", header())
    load_generator(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match="not a usable generator file"):
        load_generator(path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    tensors = network().state_dict()
    tensors["score"] = tensors.pop("core.0.0.bias")
    with pytest.raises(ModelError, match=r"Missing key.*core.0.0.bias"):
        load_generator(write(tmp_path / "a.safetensors", header(), tensors))
    tensors = network().state_dict()
    tensors["core.0.0.bias"][1] = float("inf")
    with pytest.raises(ModelError, match=r"weights are not finite, or above 65,504: core.0.0.bias"):
        load_generator(write(tmp_path / "b.safetensors", header(), tensors))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_generators_draw(name):
    if not BUNDLED[name].path.is_file():
        pytest.skip(f"{name} is not here yet")
    loaded = load_generator(name)
    size = loaded.network.resolution
    context, mask = torch.zeros(1, 3, size, size), torch.ones(1, 1, size, size)
    points = torch.full((1, len(loaded.schema), 2), 0.5)
    drawn = loaded.network(context, mask, points, torch.zeros(1, loaded.network.noise, 4, 4))
    assert torch.isfinite(drawn).all()
    assert drawn.std() > 0.01
