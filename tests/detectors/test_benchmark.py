"""The benchmark of detectors on a folder of drawn scenes: rows that add up, tables that can be read."""

import importlib.util
from pathlib import Path

import pytest

from deepanon.data.synthetic import draw_scene
from deepanon.images import write_image

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "detectors.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("benchmark_of_detectors", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_recall_and_precision_of_drawn_scenes(benchmark, tmp_path):
    lines = []
    for number in range(2):
        image, truth = draw_scene(500, 400, 3, seed=number)
        write_image(tmp_path / "images" / f"{number}.png", image)
        sides = truth.boxes.round().astype(int)
        sides[:, 2:] -= sides[:, :2]
        lines += [f"{number}.png", "3", *(" ".join(map(str, [*side, 0, 0, 0, 0, 0, 0])) for side in sides)]
    (tmp_path / "drawn_bbx_gt.txt").write_text("\n".join(lines) + "\n")
    rows = benchmark.accuracy_rows(tmp_path, only=["mtcnn"])
    assert [row["size"] for row in rows] == list(benchmark.SIZES)
    assert rows[0]["faces"] == 6 == sum(row["faces"] for row in rows[1:])
    assert rows[0]["recall"] > 0.6
    assert rows[0]["recall_interval"][0] <= rows[0]["recall"] <= rows[0]["recall_interval"][1]
    assert rows[0]["ap"] >= rows[0]["recall"] - 0.35
    text = benchmark.wide(rows)
    assert "| mtcnn | " in text
    assert "recall all (6)" in text


def test_times_are_ratios_to_the_package(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "FRAMES", {"64x64": (64, 64, 1)})
    rows = benchmark.time_rows(rounds=1, only=["mtcnn"])
    assert {row["detector"]: row["ratio"] == 1 for row in rows} == {"mtcnn_packaged": True, "mtcnn": False}
    assert "| mtcnn | 64x64 |" in benchmark.table(rows)
