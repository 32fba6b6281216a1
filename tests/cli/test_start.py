"""What a command loads: help costs next to nothing, and nothing loads what it does not use."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from deepanon.cli.threads import sleep_soon

HEAVY = ("torch", "torchvision", "numpy", "cv2", "PIL", "lightning", "scipy", "skimage", "av", "tqdm", "onnxruntime")
NETWORKS = ("facenet_pytorch", "onnxruntime", "openvino", "spandrel", "transformers")
OURS = ("deepanon.evaluation", "deepanon.audit", "deepanon.training", "deepanon.verifying")
MEASURING = (*OURS, "lightning", "pycocotools", "jinja2", "wandb")
LOADED = "print(json.dumps(sorted(sys.modules)))"


def run(code):
    """Run code in a new interpreter: what it prints last, and the CPU seconds that it took."""
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(done.stdout.splitlines()[-1]), spent


def called(*commands):
    """Code that runs commands and says which modules are loaded then."""
    return f"""
import contextlib, io, json, sys
from deepanon.cli import main
for command in {list(commands)!r}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(command)
{LOADED}
"""


def loaded(modules, names):
    return [name for name in names if name in modules]


def test_help_of_every_command_costs_next_to_nothing():
    from deepanon.cli import parser

    (commands,) = (action for action in parser()._actions if action.choices)
    helps = [["--help"], ["--version"], *([name, "--help"] for name in commands.choices)]
    assert ["anonymize", "--help"] in helps
    modules, seconds = run(called(*helps))
    _, python = run("print(0)")
    assert loaded(modules, HEAVY) == []
    assert seconds - python < 0.5  # all of them together


def test_a_mistake_is_said_before_anything_is_loaded():
    modules, _ = run(called(["anonymize"], ["nonsense"], ["anonymize", "a.jpg", "--no-such-option"]))
    assert loaded(modules, HEAVY) == []


def test_a_list_of_models_loads_nothing_but_them():
    modules, _ = run(called(["models"]))
    assert "deepanon.weights" in modules
    assert (
        loaded(modules, (*NETWORKS, *MEASURING, "torchvision", "cv2", "deepanon.detectors", "deepanon.pipeline")) == []
    )


@pytest.mark.parametrize("options", [[], ["--detections", "{faces}"]], ids=["mtcnn", "given"])
def test_anonymizing_loads_no_network_that_it_does_not_use(options, tmp_path):
    Image.new("RGB", (64, 64), (90, 120, 150)).save(tmp_path / "a.png")
    known = {"format": 1, "schema": "five", "images": {"a.png": {"width": 64, "height": 64, "faces": []}}}
    (tmp_path / "faces.json").write_text(json.dumps(known))
    options = [option.format(faces=tmp_path / "faces.json") for option in options]
    command = ["anonymize", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png"), "--method", "blackout", *options]
    modules, _ = run(called([*command, "--on-no-face", "copy"]))
    assert (tmp_path / "b.png").exists()
    assert loaded(modules, MEASURING) == []
    assert loaded(modules, NETWORKS) == (["facenet_pytorch"] if not options else [])


@pytest.mark.parametrize(
    ("given", "found"), [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_threads_sleep_soon_unless_the_user_said_how(given, found, monkeypatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    sleep_soon()
    assert os.environ.get("GOMP_SPINCOUNT") == found


def test_a_command_says_so_before_torch_is_loaded():
    code = called(["models"]).replace(LOADED, "import os; print(json.dumps(os.environ['GOMP_SPINCOUNT']))")
    assert run(code)[0] == os.environ.get("GOMP_SPINCOUNT", "10000")
