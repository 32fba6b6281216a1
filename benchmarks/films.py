"""A film of 1080p with eight faces a frame: blurred and replaced, beside the blur tool `deface`, by the clock.

    python benchmarks/films.py                        # without deface
    python benchmarks/films.py --deface               # deface is installed into an environment of its own
    python benchmarks/films.py --film FILE --yunet FILE.onnx

Whole commands, start included, take turns; medians count. `deface` looks at the whole frame unless it is told a smaller
size (`--scale 640x360`), and so does `deepanon` unless it is (`--detector-side 640`). Both store H.264, each at its own
usual preset and at the other's. `deepanon tune` was run once before, as the documentation advises. Peak memory is that
of the whole process. A film of yours should be long: starting takes seconds, and each command pays for it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from skimage.data import astronaut

from deepanon.geometry import Array
from deepanon.runtimes import ENGINES

WIDTH, HEIGHT, FACES, SIDE = 1920, 1080, 8, 640
OUR_PRESET, THEIR_PRESET = "superfast", "medium"  # the usual ones
OURS, THEIRS = "ours.mp4", "theirs.mp4"
DEEPANON = (sys.executable, "-m", "deepanon")
LAUNCH = (  # a process's peak memory begins with that of the one that starts it: so a small one does
    "import resource, subprocess, sys, time; began = time.perf_counter(); "
    "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    "print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10)"
)
Row = dict[str, Any]  # name, per_second, ratio to deface at the same size, peak_mib, and MB of the film that was made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="instead of a portrait, eight times, before drawn scenery")
    parser.add_argument("--frames", type=int, default=100, help="of that scenery (default: %(default)s)")
    parser.add_argument("--yunet", metavar="FILE", help="weights of YuNet")
    parser.add_argument("--deface", action="store_true", help="measure deface too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    found = rows(options.film, options.frames, options.yunet, options.deface, options.rounds)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    print(table(found))


def rows(
    film: Path | None = None, frames: int = 100, yunet: str | None = None, deface: bool = False, rounds: int = 3
) -> list[Row]:
    """Frames a second of each command, with the ratio to deface's at the same size for its detector."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = film or draw_film(folder / "in.mp4", frames)
        count = frames_of(source)
        os.environ["XDG_CACHE_HOME"] = name
        subprocess.run([*DEEPANON, "tune"], check=True, stdout=subprocess.DEVNULL)
        runs = ours(source, folder, yunet) | (theirs(source, folder) if deface else {})
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        sizes: dict[str, float] = {}
        for _ in range(rounds):
            for name, command in runs.items():
                taken[name].append(measured(command))
                for made in filter(Path.exists, (folder / OURS, folder / THEIRS)):
                    sizes[name] = made.stat().st_size / 1e6
                    made.unlink()
    speed = {name: count / statistics.median(seconds for seconds, _ in times) for name, times in taken.items()}
    peaks = {name: max(peak for _, peak in times) for name, times in taken.items()}
    beside = speed.get(f"deface, {SIDE} px")
    return [
        {"name": name, "per_second": speed[name], "peak_mib": peaks[name], "mb": sizes[name]}
        | ({"ratio": speed[name] / beside} if beside else {})
        for name in runs
    ]


def ours(film: Path, folder: Path, yunet: str | None) -> dict[str, Sequence[str]]:
    """Commands of this package, by name."""
    finder, weights = ("yunet", ["--detector-weights", yunet]) if yunet else ("mtcnn", [])
    methods = {"blurred": ["heavy_blur"], "replaced": ["gan"]}  # a box blur, as deface's own
    if not ENGINES["openvino"].absent():
        methods["replaced, OpenVINO"] = ["gan", "--runtime", "openvino"]
    made: dict[str, Sequence[str]] = {}
    for what, method in methods.items():
        command = [*DEEPANON, "anonymize", str(film), "-o", str(folder / OURS), "--method", *method]
        command += ["--detector", finder, *weights, "--detector-side", str(SIDE)]
        made[f"{what}, {finder} at {SIDE} px"] = command
        made[f"{what}, {finder} at {SIDE} px, {THEIR_PRESET}"] = [*command, "--preset", THEIR_PRESET]
    return made


def theirs(film: Path, folder: Path) -> dict[str, Sequence[str]]:
    """Commands of deface, which is installed first, with ONNX Runtime as its authors advise."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "deface")], check=True)
    program = folder / "deface" / "bin"
    subprocess.run([program / "pip", "install", "--quiet", "deface", "onnx", "onnxruntime"], check=True)
    start = [str(program / "deface"), str(film), "-o", str(folder / THEIRS)]
    config = json.dumps({"codec": "libx264", "output_params": ["-preset", OUR_PRESET]})
    small = ["--scale", f"{SIDE}x{SIDE * HEIGHT // WIDTH}"]
    return {
        "deface": start,
        f"deface, {SIDE} px": [*start, *small],
        f"deface, {SIDE} px, {OUR_PRESET}": [*start, *small, "--ffmpeg-config", config],
    }


def measured(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and MiB at the most of a command."""
    done = subprocess.run([sys.executable, "-c", LAUNCH, *command], capture_output=True, text=True, errors="replace")
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    seconds, peak = map(float, done.stdout.split()[-2:])
    return seconds, peak


def frames_of(film: Path) -> int:
    """How many frames there are."""
    with av.open(str(film)) as container:
        return sum(1 for _ in container.decode(video=0))


def scenery(i: int) -> Array:
    """Eight portraits in two rows before a drawn background, all moving."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([(x + 2 * i) % 256, (y + x) // 4 % 256, np.full_like(x, 120)], -1).astype(np.uint8)
    face = cv2.resize(astronaut()[:256, 96:352], (320, 320), interpolation=cv2.INTER_AREA)
    for row in range(FACES):
        left = 110 + 450 * (row % 4) + round(50 * np.sin(i / 25 + row))
        top = 130 + 460 * (row // 4) + round(40 * np.cos(i / 30 + row))
        picture[top : top + 320, left : left + 320] = face
    return picture


def draw_film(path: Path, frames: int) -> Path:
    """A film of that."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for i in range(frames):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(scenery(i), format="rgb24")))
        output.mux(stream.encode(None))
    return path


def table(found: Sequence[Row]) -> str:
    """As Markdown."""
    head = f"| 1080p, {FACES} faces a frame | frames/s | to deface at {SIDE} px | peak MiB | film, MB |"
    lines = [head, "|---" * 5 + "|"]
    for row in found:
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else "–"
        lines.append(f"| {row['name']} | {row['per_second']:.2f} | {ratio} | {row['peak_mib']:.0f} | {row['mb']:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
