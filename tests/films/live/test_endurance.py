"""A camera that runs for long."""

import os
from pathlib import Path

import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.films.live import LiveAnonymizer, LiveOptions

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident():
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_memory_does_not_grow_over_three_thousand_pictures(live):
    """Somebody comes in every two seconds, and the detector blinks; a track that is never dropped would be seen."""
    sizes, width, height = [], 64, 48

    def pictures():
        for i in range(3000):
            x = (i % 50) + 4
            yield live.draw([(x, 10, x + 12, 22)] if i % 50 < 40 and i % 7 else [], width=width, height=height)

    class Counting(live.Kept):
        def write(self, pts, pixels):
            if pts % 100 == 0:
                sizes.append(resident())

    anonymizer = LiveAnonymizer(live.Detector(), build_anonymizer("blackout"))
    outcome = anonymizer(live.Shown(pictures(), size=(width, height)), Counting(), LiveOptions(delay=0.5))
    assert outcome.frames == 3000
    assert outcome.tracks >= 40
    assert outcome.held <= 14
    assert max(sizes[20:]) - max(sizes[5:10]) < 2_000_000  # 1,000 such pictures would be 9 MB
