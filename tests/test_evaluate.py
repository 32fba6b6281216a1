"""evaluate.py as a user runs it, on a drawn folder in WIDER layout."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import hydra
import pytest

from deepanon.data.synthetic import draw_scene
from deepanon.images import write_image

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("wider")
    lines = []
    for seed in range(3):
        image, faces = draw_scene(240, 160, 1, seed, face=80)
        write_image(root / "images" / f"{seed}.png", image)
        x0, y0, x1, y1 = (int(v) for v in faces.boxes[0].round())
        lines += [f"{seed}.png", "1", f"{x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0"]
    (root / "drawn_bbx_gt.txt").write_text("\n".join(lines) + "\n")
    return root


def run(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "evaluate.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_prints_and_writes_the_table(folder, tmp_path):
    done = run(f"data.root={folder}", "methods=[blackout,pixelate8]", "limit=2", f"output={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "out" / "table.txt").read_text()
    assert table in done.stdout
    assert [line.split()[0] for line in table.splitlines()[:4]] == ["method", "none", "blackout", "pixelate8"]
    assert "The scoring detector also placed the keypoints." in table
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    none, blackout, _ = content["results"]
    assert (content["setup"]["photos"], none["faces"], none["retention"]) == (2, 2, 1)
    assert blackout["retention"] < 0.5
    assert blackout["coverage"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "data.root is missing"),
        (["data.root=/nowhere"], "/nowhere is not a folder"),
        (["data.root={root}", "methods=[blurr]"], "unknown method 'blurr'; choose one of: blackout"),
        (["data.root={root}", "methods=gan"], "methods must be a list"),
        (["data.root={root}", "methods=[blackout]", "+options.gan.model=x"], "not measured: gan"),
        (["data.root={root}", "methods=[gan]", "+options.gan.model=nowhere.safetensors"], "nowhere.safetensors"),
        (["data.root={root}", "methods=[blackout]", "+options.blackout.size=3"], "size"),
        (["data.root={root}", "methods=[blackout]", "regions.source=all"], "unknown regions 'all'"),
        (["data.root={root}", "methods=[blackout]", "limit=some"], "limit"),
        (["data.root={root}", "methods=[blackout]", "scorer=yunet"], "scorer.weights"),
        (["data.root={root}", "methods=[blackout]", "scorer=yunet", "scorer.weights=nowhere"], "no YuNet weights"),
        (["data.root={root}", "methods=[blackout]", "+study.resamples=0"], "resamples"),
        (["data.root={root}", "methods=[blackout]", "seed=a"], "seed"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[-30:],
)
def test_wrong_values_give_one_line(folder, arguments, message):
    program = runpy.run_path(str(ROOT / "evaluate.py"))
    with hydra.initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = hydra.compose("evaluate", [a.format(root=folder) for a in arguments])
        with pytest.raises(SystemExit) as ended:
            program["checked"](config)
    assert ended.value.code.startswith("evaluate.py: ")
    assert message in ended.value.code
    assert "\n" not in ended.value.code


def test_a_failure_leaves_an_exit_code_and_no_files(folder, tmp_path):
    done = run(f"data.root={folder}", "methods=[blurr]", f"output={tmp_path}")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("evaluate.py: unknown method 'blurr'")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("*.json")) == list(tmp_path.glob("*.txt")) == []
