"""A photo just below the limit is done within 4 GiB."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deepanon.images import MAX_PIXELS

MEASURED = """
import resource, sys
from deepanon.cli import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    print("exit", stop.code)
print("KiB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_ninety_nine_megapixels_in_four_gibibytes(tmp_path):
    from skimage.data import astronaut

    side = int((0.99 * MAX_PIXELS) ** 0.5)
    image = np.full((side, side, 3), 120, np.uint8)
    for y, x in ((40, 60), (3000, 2900), (side - 512, side - 512)):  # also across the edges of tiles
        image[y : y + 512, x : x + 512] = astronaut()
    Image.fromarray(image).save(tmp_path / "large.png", compress_level=1)
    command = ["anonymize", str(tmp_path / "large.png"), "-o", str(tmp_path / "out.bmp"), "--method", "blackout"]
    done = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True)
    assert "exit 0" in done.stdout
    assert int(done.stdout.split("KiB")[1]) < 4 * 2**20
    out = np.asarray(Image.open(tmp_path / "out.bmp"))
    for y, x in ((40, 60), (3000, 2900), (side - 512, side - 512)):
        assert (out[y + 80 : y + 160, x + 190 : x + 260] == 0).all()
