"""Signals reach the program after a runtime came and went."""

import subprocess
import sys

import pytest

from deepanon.runtimes import ENGINES

# engines go in the order in which they came, so each gives back a stack that the one before it has taken away
PROGRAM = """
import os, signal, sys
import torch
from deepanon.detections import FIVE
from deepanon.models import build_generator
from deepanon.runtimes import ENGINES
from deepanon.weights import LoadedGenerator

network = build_generator("lean", resolution=8, widths={4: 8, 8: 8}).eval().requires_grad_(False)
loaded = LoadedGenerator(network, FIVE, pose_free=True)
came = []
signal.signal(signal.SIGUSR1, lambda *_: came.append(True))
engines = [ENGINES[sys.argv[1]](loaded).opened(1) for _ in range(3)]
while engines:
    os.kill(os.getpid(), signal.SIGUSR1)
    del engines[0]
os.kill(os.getpid(), signal.SIGUSR1)
print(len(came), "came")
"""


@pytest.mark.parametrize("name", sorted(ENGINES))
@pytest.mark.parametrize("own", [[], ["-X", "faulthandler"]], ids=["no stack of its own", "a stack of its own"])
def test_a_signal_is_answered_after_engines_came_and_went(name, own, cache):
    if absent := ENGINES[name].absent():
        pytest.skip(f"not installed: {absent}")
    done = subprocess.run([sys.executable, *own, "-c", PROGRAM, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4 came\n"), done.stderr
