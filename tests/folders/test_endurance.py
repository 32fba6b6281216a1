"""Sudden deaths of a run over many photos, in processes of their own."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys
from deepanon.cli import main
source, target, faces, sidecars = sys.argv[1:]
options = ["--seed", "1", "--detections", faces, "--sidecars", sidecars, "--json", target + ".report.json"]
main(["anonymize", source, "-o", target, *options])
"""


def start(*paths):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *map(str, paths)], stderr=subprocess.PIPE, text=True)


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_twenty_points_a_folder_ends_with_the_same_bytes(many_photos, tmp_path):
    from deepanon.detectors.given import write_detections

    photos = many_photos(tmp_path / "in", [f"{i % 7}/{i:03d}.{'jpg' if i % 2 else 'png'}" for i in range(500)])
    faces = tmp_path / "faces.json"
    write_detections(faces, {name: (found, 64, 64) for name, found in photos.faces.items()}, found_schema(photos))

    def paths(name):
        return photos.root, tmp_path / name, faces, tmp_path / f"{name}-side"

    began = time.monotonic()
    whole = start(*paths("whole"))
    assert whole.wait(600) == 0, whole.stderr.read()
    lasts = time.monotonic() - began
    rng, deaths, done = random.Random(0), 0, {}
    while deaths < 20 and len(done) < 500:
        process = start(*paths("out"))
        before = len(done)
        while process.poll() is None and len(contents(tmp_path / "out")) <= before:  # until it has done one at least
            time.sleep(0.05)
        time.sleep(rng.random() * lasts / 30)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        deaths += 1
        now = {name: data for name, data in contents(tmp_path / "out").items() if ".part" not in name}
        assert done.items() <= now.items()  # nothing was undone or done otherwise
        done = now
    assert deaths > 10
    last = start(*paths("out"))
    assert last.wait(600) == 0, last.stderr.read()
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert contents(tmp_path / "out-side") == contents(tmp_path / "whole-side")
    assert (tmp_path / "out.report.json").read_bytes() == (tmp_path / "whole.report.json").read_bytes()


def found_schema(photos):
    return next(iter(photos.faces.values())).schema
