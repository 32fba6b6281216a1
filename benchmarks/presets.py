"""What x264's presets cost and keep: CPU time, size, and how near the stored film is to what was given.

    python benchmarks/presets.py                # eight moving portraits with the grain of a camera
    python benchmarks/presets.py --film FILE    # the first frames of a film of yours

Each is run at the CRF that films are stored at, and some at others, so that equal nearness can be read off.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from films import scenery

from deepanon.films.encoding import CODECS
from deepanon.geometry import Array

USUAL = int(CODECS["h264"][2]["crf"])
TRIED = (("medium", USUAL), ("faster", USUAL), ("veryfast", USUAL), ("veryfast", USUAL - 2), ("superfast", USUAL),
         ("ultrafast", USUAL), ("medium", 23))  # fmt: skip
GRAIN = 2.0  # levels, deviation


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path)
    parser.add_argument("--frames", type=int, default=50)
    options = parser.parse_args()
    print("| preset, CRF | CPU ms | MB | PSNR, dB |\n" + "|---" * 4 + "|")
    for row in rows(options.frames, options.film):
        print(f"| {row['name']} | {row['ms']:.1f} | {row['mb']:.2f} | {row['psnr']:.1f} |")


def rows(frames: int = 50, film: Path | None = None) -> list[dict[str, Any]]:
    """One a preset and CRF: CPU ms a frame, MB, and PSNR of the brightness in dB."""
    pictures = drawn(frames) if film is None else read(film, frames)
    found = []
    for preset, crf in TRIED:
        start = time.process_time()
        packets, head = stored(pictures, preset, crf)
        taken = time.process_time() - start
        pairs = zip(pictures, shown(packets, head), strict=True)
        error = np.mean([((luma(before) - luma(after)) ** 2).mean() for before, after in pairs])
        found.append(
            {
                "name": f"{preset}, {crf}",
                "ms": 1000 * taken / len(pictures),
                "mb": sum(packet.size for packet in packets) / 1e6,
                "psnr": 10 * np.log10(255**2 / error),
            }
        )
    return found


def drawn(count: int) -> list[av.VideoFrame]:
    """Moving portraits, with noise of their own in every frame."""
    rng = np.random.default_rng(0)
    pictures = (scenery(i) + rng.normal(0, GRAIN, scenery(i).shape) for i in range(count))
    whole = (np.rint(picture.clip(0, 255)).astype(np.uint8) for picture in pictures)
    return [av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p") for picture in whole]


def read(film: Path, count: int) -> list[av.VideoFrame]:
    """The first frames of a film, in the form in which they are stored."""
    with av.open(str(film)) as container:
        some = zip(container.decode(video=0), range(count), strict=False)
        return [frame.reformat(format="yuv420p") for frame, _ in some]


def stored(pictures: Sequence[av.VideoFrame], preset: str, crf: int) -> tuple[list[av.Packet], bytes | None]:
    """Packets, and what a decoder must be told first."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
    context.time_base, context.options = Fraction(1, 25), {"crf": str(crf), "preset": preset}
    packets = []
    for i, picture in enumerate(pictures):
        picture.pts, picture.time_base, picture.pict_type = i, Fraction(1, 25), 0
        packets += context.encode(picture)
    return packets + context.encode(None), context.extradata


def shown(packets: Sequence[av.Packet], head: bytes | None) -> list[av.VideoFrame]:
    """The pictures of the packets, in the order of their times."""
    context: Any = av.CodecContext.create("h264", "r")
    if head:
        context.extradata = head
    return [frame for packet in [*packets, None] for frame in context.decode(packet)]


def luma(frame: av.VideoFrame) -> Array:
    """(H, W) float64 brightness."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[:, : frame.width].astype(np.float64)


if __name__ == "__main__":
    main()
