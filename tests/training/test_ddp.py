"""Two processes that share every batch train as one does: gradients, average, clock and growth."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
PAIRS = ("deepprivacy", "modern")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of all trainings; see `two_processes.py`."""
    root = tmp_path_factory.mktemp("trained")
    program = Path(__file__).with_name("two_processes.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, program, root], cwd=root, env=environment, check=True, timeout=250)
    return root


def held(folder, world, rank, seen):
    return torch.load(folder / f"{world}-{rank}-{seen}.pt", weights_only=False)


def learnt(name):
    return "." in name and not name.endswith(".grad")


def entries(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def assert_same_entries(one, two):
    """What was logged, but for speed and memory."""
    assert [entry["step"] for entry in one] == [entry["step"] for entry in two] == ["16", "32", "48"]
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for name in a.keys() - {"speed/images_per_second", "speed/data_wait", "memory/peak_gib"}:
            assert float(a[name] or 0) == pytest.approx(float(b[name] or 0), rel=1e-4, abs=1e-6), name
        assert 0 <= float(b["speed/data_wait"]) <= 1


@pytest.mark.parametrize("pair", PAIRS)
def test_two_processes_train_as_one_does(pair, trained):
    """Every gradient and weight after every step, through the growth at 16 images and the fade after it."""
    folder = trained / pair
    for seen in range(8, 49, 8):
        one, *two = held(folder, 1, 0, seen), held(folder, 2, 0, seen), held(folder, 2, 1, seen)
        assert one.keys() == two[0].keys() == two[1].keys()
        assert sum(name.endswith(".grad") for name in one) > 20
        for name, expected in one.items():
            if not isinstance(expected, torch.Tensor):
                assert expected == two[0][name] == two[1][name]  # phase, fade, skipped steps
                continue
            assert torch.equal(two[0][name], two[1][name]), (seen, name)
            apart = (two[0][name] - expected).norm() - 1e-6  # some gradients are 0 but for rounding
            assert apart <= 1e-4 * expected.norm(), (seen, name)  # a kink of LeakyReLU may be rounded over
    for world in "12":
        assert {path.name for path in (folder / world).iterdir()} >= {"generator.safetensors", "last.ckpt"}
        assert not [path.name for path in (folder / world).iterdir() if "part" in path.name]
    assert_same_entries(*(entries(folder / world / "metrics.csv") for world in "12"))
    stored = [torch.load(folder / f"{world}/last.ckpt", weights_only=True) for world in (1, 2)]
    assert [checkpoint["images_seen"] for checkpoint in stored] == [48, 48]
    for name, weight in stored[1]["state_dict"].items():
        assert torch.equal(weight, held(folder, 2, 0, 48)[name])


def test_a_bad_step_of_one_process_is_left_out_by_all(trained):
    """The second process's loss is not a number at the second batch."""
    before, folder = torch.load(trained / "before.pt", weights_only=True), trained / "bad"
    after = [held(folder, 2, 0, seen) for seen in (8, 16, 24)]
    assert [one["skipped"] for one in after] == [[0, 0], [0, 10], [0, 9]]
    moved = [[not torch.equal(a[f"discriminator.{n}"], b) for n, b in before.items()] for a in after]
    assert any(moved[0])
    assert all(torch.equal(after[0][f"discriminator.{n}"], after[1][f"discriminator.{n}"]) for n in before)
    assert all(torch.equal(after[1][name], held(folder, 2, 1, 16)[name]) for name in after[1] if learnt(name))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("a strategy that does not average", "strategy=ddp_find_unused_parameters_true"),
        (
            "a batch that cannot be shared",
            r"a process has 6 images of a batch in phase 1 \(8 px\), no multiple of .* 4",
        ),
    ],
)
def test_what_cannot_be_shared_is_said_before_training(what, message, trained):
    said = json.loads((trained / "said.json").read_text())[what]
    assert re.search(message, said), said
    assert not list((trained / "refused").glob("*.pt"))
