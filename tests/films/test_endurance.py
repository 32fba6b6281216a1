"""Long films and sudden deaths, in processes of their own."""

import random
import signal
import subprocess
import sys
import time

import pytest

from deepanon.films import work_folder

SCRIPT = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from conftest import SquareDetector
from deepanon.anonymizers import build_anonymizer
from deepanon.films import Encoding, FilmAnonymizer, FilmOptions
from deepanon.seeds import Seeds
film = FilmAnonymizer(SquareDetector(), build_anonymizer("gan"), Seeds.from_seed(1))
film(sys.argv[2], sys.argv[3], FilmOptions(Encoding(preset="ultrafast")))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def start(folder, source, target):
    command = [sys.executable, "-c", SCRIPT, str(folder), str(source), str(target)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, error = process.communicate(timeout=280)
    assert process.returncode == 0, error
    return int(out)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_film(tmp_path, kit, request):
    peaks = []
    for count in (300, 3000):
        ways = [(20 + (3 * i) % 100, 30, 44 + (3 * i) % 100, 54) for i in range(count)]
        source = kit.write(tmp_path / f"{count}.mp4", (kit.draw([box]) for box in ways), count=count)
        peaks.append(finish(start(request.path.parent, source, tmp_path / f"out{count}.mp4")))
    assert peaks[1] <= 1.1 * peaks[0], f"{peaks} KiB"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_twenty_points_it_ends_with_the_same_bytes(tmp_path, kit, request):
    source = kit.write(tmp_path / "in.mp4", kit.walk(600, blind=range(100, 110), start=10, step=0)[0])
    folder = request.path.parent
    began = time.monotonic()
    finish(start(folder, source, tmp_path / "whole.mp4"))
    lasts = time.monotonic() - began
    target, rng, deaths = tmp_path / "out.mp4", random.Random(0), 0
    while deaths < 20 and not target.exists():
        process = start(folder, source, target)
        time.sleep(0.3 * lasts + rng.random() * 0.12 * lasts)  # it takes a third to begin, and dies soon after
        process.send_signal(signal.SIGKILL)
        process.communicate()
        deaths += 1
        assert not target.exists() or target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    if not target.exists():
        finish(start(folder, source, target))
    assert deaths > 5
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not work_folder(target).exists()
