"""evaluate.py as a user runs it, on drawn photos, people and crops."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import hydra
import jsonschema
import numpy as np
import pytest
import torch

from deepanon.data.synthetic import draw_face, draw_scene, write_packed_crops
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


class Averages(torch.nn.Module):
    """A recogniser of sorts: the mean colours of a grid of cells."""

    def forward(self, x):
        return torch.nn.functional.adaptive_avg_pool2d(x / 255 - 0.5, 4).flatten(1)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Three photos of each of four drawn people: the same face, lit and seen otherwise."""
    root = tmp_path_factory.mktemp("people")
    for person in range(4):
        image, _, _ = draw_face(160, np.random.default_rng(person))
        for number in range(3):
            shifted = np.roll(image, (2 * number, 3 * number), (0, 1))
            write_image(root / f"P{person}" / f"P{person}_{number + 1:04d}.png", shifted)
    torch.jit.script(Averages()).save(root / "averages.pt")
    return root


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    root = tmp_path_factory.mktemp("crops")
    for split in ("train", "val"):
        write_packed_crops(root, split, 24, seed=len(split), resolution=64)
    return root


def run(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "evaluate.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def everything(folder, people, crops, out):
    return [
        f"data.root={folder}",
        f"people.root={people}",
        "people.folds=2",
        "people.per_fold=4",
        "people.recognisers=[torchscript]",
        f"recognisers.torchscript.embedder.weights={people}/averages.pt",
        "recognisers.torchscript.embedder.size=112",
        f"crops.root={crops}",
        "crops.held_out.resolution=64",
        "crops.train=true",
        "methods=[blackout,noise]",
        "seeds=[0,1]",
        "resamples=50",
        f"output={out}",
    ]


@pytest.fixture(scope="module")
def report(folder, people, crops, tmp_path_factory):
    """One run over everything."""
    out = tmp_path_factory.mktemp("out")
    done = run(*everything(folder, people, crops, out))
    assert done.returncode == 0, done.stderr
    return out, done


def test_one_run_makes_the_report(report):
    out, done = report
    assert sorted(p.name for p in (out / "report").iterdir()) == ["index.html", "results.json", "table.md", "table.tex"]
    assert "AP retained" in done.stdout
    assert str(out / "report" / "index.html") in done.stdout
    stored = json.loads((out / "report" / "results.json").read_text())
    assert {value["part"] for value in stored["values"]} == {"detection", "utility", "identity", "quality"}
    assert list(stored["methods"]) == ["none", "jpeg", "context", "blackout", "noise"]
    assert stored["provenance"]["seeds"] == [0, 1]
    assert "embedder.weights=averages.pt" in stored["provenance"]["command"]
    assert str(out) not in json.dumps(stored)
    assert set(stored["provenance"]["data"]) == set(stored["sets"])
    jsonschema.validate(stored, json.loads((ROOT / "deepanon/evaluation/report/results.schema.json").read_text()))


def values(report, **wanted):
    stored = json.loads((report[0] / "report" / "results.json").read_text())["values"]
    return [v for v in stored if all(v.get(key, "all") == value for key, value in wanted.items())]


def test_its_numbers_mean_what_they_say(report):
    (retained,) = values(report, method="blackout", metric="retention", scope="AP50")
    assert retained["value"] < 0.5
    assert values(report, method="none", metric="retention", scope="AP50")[0]["value"] == 1
    (noise,) = values(report, method="noise", metric="retention", scope="AP50")
    assert len(noise["seeds"]) == 2
    assert values(report, method="noise", metric="coverage")[0]["value"] == 1
    assert values(report, method="none", metric="rank_1", scope="oracle")[0]["value"] == 1
    assert values(report, method="none", metric="fd", scope="face")[0]["value"] == pytest.approx(0, abs=1e-6)


def test_a_run_goes_on_where_it_stopped(report, folder, people, crops):
    """Nothing is observed again, and the numbers are the same."""
    out, _ = report
    before = (out / "report" / "results.json").read_text()
    store = (out / "observed.sqlite").stat().st_size
    done = run(*everything(folder, people, crops, out))
    assert done.returncode == 0, done.stderr
    again, first = json.loads((out / "report" / "results.json").read_text()), json.loads(before)
    assert again["values"] == first["values"]
    assert (out / "observed.sqlite").stat().st_size == store


def test_what_fails_stops_nothing_else(folder, people, tmp_path):
    """A photo that cannot be read: its set is not measured, the others are, and the exit code says so."""
    broken = tmp_path / "broken"
    write_image(broken / "images" / "0.png", draw_scene(240, 160, 1, 0, face=80)[0])
    (broken / "images" / "1.png").write_bytes(b"no picture")
    (broken / "x_bbx_gt.txt").write_text("0.png\n1\n10 10 50 50 0 0 0 0 0 0\n1.png\n1\n10 10 50 50 0 0 0 0 0 0\n")
    done = run(
        f"data.root=[{broken},{folder}]", "methods=[blackout]", "resamples=20", f"output={tmp_path}/out", "data.limit=2"
    )
    assert done.returncode == 1
    assert "evaluate.py: broken: " in done.stderr
    assert "1.png" in done.stderr
    assert "Traceback" not in done.stderr
    stored = json.loads((tmp_path / "out/report/results.json").read_text())
    assert {value["data"] for value in stored["values"]} == {folder.name}
    assert any("Not measured: broken" in note for note in stored["notes"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "there is nothing to measure: give data.root=FOLDER"),
        (["data.root=/nowhere"], "/nowhere is not a folder"),
        (["data.root={root}", "methods=[blurr]"], "unknown method 'blurr'; choose one of: blackout"),
        (["data.root={root}", "methods=gan"], "methods must be a list"),
        (["data.root={root}", "methods=[blackout]", "+options.gan.model=x"], "not measured: gan"),
        (["data.root={root}", "methods=[gan]", "+options.gan.model=nowhere.safetensors"], "nowhere.safetensors"),
        (["data.root={root}", "methods=[blackout]", "+options.blackout.size=3"], "size"),
        (["data.root={root}", "methods=[blackout]", "data.regions=all"], "unknown regions 'all'"),
        (["data.root={root}", "methods=[blackout]", "data.limit=some"], "limit"),
        (["data.root={root}", "methods=[blackout]", "data.protocol=voc"], "unknown protocol 'voc'"),
        (["data.root={root}", "methods=[blackout]", "data.scorers=[yunet]"], "scorers.yunet.detector.weights"),
        (["data.root={root}", "methods=[blackout]", "data.scorers=mtcnn"], "scorers must be a list"),
        (
            ["data.root={root}", "methods=[blackout]", "data.scorers=[haar]"],
            "unknown scorer 'haar'; choose one of: dsfd",
        ),
        (
            [
                "data.root={root}",
                "methods=[blackout]",
                "data.scorers=[yunet]",
                "scorers.yunet.detector.weights=nowhere",
            ],
            "no YuNet weights",
        ),
        (["data.root={root}", "methods=[blackout]", "data.scorers=[]"], "no scorer is named"),
        (["data.root={root}", "methods=[blackout]", "reference=blurr"], "unknown reference 'blurr'; choose one of:"),
        (["data.root={root}", "methods=[blackout]", "resamples=0"], "resamples"),
        (["data.root={root}", "methods=[blackout]", "seed=a"], "seed"),
        (["data.root={root}", "methods=[blackout]", "seeds=[]"], "seeds must be different"),
        (["data.root=[{root},{root}]", "methods=[blackout]"], "two sets have one name"),
        (["people.root={root}", "methods=[blackout]"], "people.recognisers names no recogniser"),
        (["crops.root={root}", "methods=[blackout]"], "val.npz"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[-30:],
)
def test_wrong_values_give_one_line(folder, tmp_path, arguments, message):
    program = runpy.run_path(str(ROOT / "evaluate.py"))
    with hydra.initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = hydra.compose("evaluate", [f"output={tmp_path}", *(a.format(root=folder) for a in arguments)])
        with pytest.raises(SystemExit) as ended:
            program["checked"](config)
    assert ended.value.code.startswith("evaluate.py: ")
    assert message in ended.value.code
    assert "\n" not in ended.value.code


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["crops.root=x", "methods=[blackout]"], []),
        (["data.root=x", "methods=[blackout]", "data.attributes=[onnx]"], ["attributes.onnx"]),
        (["data.root=x", "data.scorers=[yunet]", "people.attacker=given"], ["scorers.yunet", "gan"]),
        (
            ["people.root=x", "methods=[blackout]", "people.attacker=yunet", "people.recognisers=[openvino]"],
            ["scorers.yunet", "recognisers.openvino", "recognisers.openvino.bin"],
        ),
    ],
    ids=lambda value: value[0] if value else "",
)
def test_weights_of_all_that_is_used_are_recorded_and_of_nothing_else(tmp_path, arguments, names):
    for name in ("net.xml", "net.bin", "net.onnx"):
        (tmp_path / name).touch()
    files = [
        f"scorers.yunet.detector.weights={tmp_path}/net.onnx",
        f"attributes.onnx.network.weights={tmp_path}/net.onnx",
        f"recognisers.openvino.embedder.weights={tmp_path}/net.xml",
    ]
    with hydra.initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = hydra.compose("evaluate", [f"output={tmp_path}", *files, *arguments])
    found = runpy.run_path(str(ROOT / "evaluate.py"))["weight_files"](config)
    assert set(found) == set(names)
    assert all(Path(file).is_file() for file in found.values())


def test_the_figures_of_a_card_come_of_one_command(people, crops, tmp_path):
    done = run(
        "experiment=model_card",
        "+options.gan.model=first",  # it draws at the size of these crops
        f"crops.root={crops}",
        "crops.held_out.resolution=64",
        "crops.recognisers=[torchscript]",
        f"recognisers.torchscript.embedder.weights={people}/averages.pt",
        "recognisers.torchscript.embedder.size=112",
        "crops.scorers=[mtcnn]",
        "seeds=[0,1]",
        "resamples=50",
        f"output={tmp_path}",
    )
    assert done.returncode == 0, done.stderr
    card = (tmp_path / "report" / "card.md").read_text()
    assert card in done.stdout
    wanted = (
        "detector finds", "distance of two draws", "taken for the person", "nearest face of the training", "FD",
        "| file |", "| time to load |", "| time a face |",
    )  # fmt: skip
    lines = card.splitlines()[2:]
    assert [any(text in line for line in lines) for text in wanted] == [True] * len(wanted)
    assert len(lines) == len(wanted)
    stored = json.loads((tmp_path / "report" / "results.json").read_text())
    assert "recognisers.torchscript" in stored["provenance"]["weights"]


def test_a_failure_leaves_an_exit_code_and_no_report(folder, tmp_path):
    done = run(f"data.root={folder}", "methods=[blurr]", f"output={tmp_path}")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("evaluate.py: unknown method 'blurr'")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report").exists()


def test_wider_itself_is_measured_by_its_own_protocol(deepanon_data, tmp_path):
    """Official lists and subsets, pictures drawn under the official names."""
    split, truth = tmp_path / "w" / "wider_face_split", tmp_path / "w" / "eval_tools" / "ground_truth"
    split.mkdir(parents=True)
    truth.mkdir(parents=True)
    for file in (deepanon_data / "wider").glob("*.mat"):
        (truth / file.name).symlink_to(file)
    lines = (deepanon_data / "wider" / "wider_face_val_bbx_gt.txt").read_text().splitlines()
    count = int(lines[1])
    (split / "wider_face_val_bbx_gt.txt").write_text("\n".join(lines[: 2 + count]) + "\n")
    picture = tmp_path / "w" / "WIDER_val" / "images" / lines[0]
    write_image(picture, draw_scene(1024, 768, 4, 0)[0])
    done = run(f"data.root={tmp_path}/w", "methods=[blackout]", "resamples=20", f"output={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    stored = json.loads((tmp_path / "out/report/results.json").read_text())
    scopes = [v["scope"] for v in stored["values"] if v["metric"] == "retention" and v["method"] == "blackout"]
    assert scopes == ["easy", "medium", "hard"]
    assert stored["sets"]["w"]["protocol"] == "wider"
