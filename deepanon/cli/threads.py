"""How PyTorch's threads behave beside those of others."""

from __future__ import annotations

import os

SPINS = "GOMP_SPINCOUNT"  # rounds that a thread of GNU OpenMP waits before it sleeps
POLICY = "OMP_WAIT_POLICY"


def sleep_soon() -> None:
    """Let PyTorch's threads sleep a fraction of a millisecond after their work; before PyTorch is imported.

    They would wait some five, on a core that decoder, encoder and other runtimes want: a face in OpenVINO took 1.7
    times as long after any sum in PyTorch. Its own passes take no longer for it. What a user has set stays.
    """
    if POLICY not in os.environ:
        os.environ.setdefault(SPINS, "10000")
