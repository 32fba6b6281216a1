"""What a drawn face costs: the plain network, its inference form, and every runtime in every precision that is faster
here, one face and eight at a time.

    python benchmarks/generators.py                   # the generators that ship
    python benchmarks/generators.py --model mine.safetensors --json rows.json
    python benchmarks/generators.py --clock cpu       # on a machine that does other things: with OMP_NUM_THREADS=1

All take turns on the same inputs, and medians count. Ratios are to the plain network drawing one face. Peak memory is
that of a process of its own, which loads one contender and draws eight faces.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from deepanon.cli.threads import sleep_soon

sleep_soon()  # as the command does, before PyTorch is there

# ruff: noqa: E402
import torch
from torch import Tensor

from deepanon.errors import OptionError
from deepanon.models.inference import inference_form
from deepanon.runtimes import ENGINES, FLOAT32, Runtime, build_runtime, installed
from deepanon.runtimes.engine import Inputs, example
from deepanon.weights import BUNDLED, LoadedGenerator, load_generator

MANY = 8
STATUS = Path("/proc/self/status")
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
Contender = Callable[..., Tensor]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", metavar="NAME|FILE", help="generator (default: all that ship)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--no-memory", action="store_true", help="do not start the processes that measure memory")
    parser.add_argument("--json", metavar="FILE", help="write the rows")
    parser.add_argument("--memory-of", nargs=2, metavar=("MODEL", "CONTENDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print(peak_here(*options.memory_of))
        return
    rows = []
    for model in options.model or BUNDLED:
        rows += measure(model, options.rounds, options.clock, not options.no_memory)
        print(table(row for row in rows if row["model"] == str(model)), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"threads": torch.get_num_threads(), "clock": options.clock, "rows": rows}, file, indent=1)


def measure(model: str, rounds: int = 15, clock: str = "wall", memory: bool = True) -> list[dict[str, Any]]:
    """Rows of plain values: one a contender and number of faces.

    Args:
        model: name of a bundled generator, or path of a file.
        rounds: how often each is run; one before them warms up.
        clock: "wall", or "cpu" for the process's own seconds, which say nothing of several threads.
        memory: whether to measure that too, each in a process of its own.

    Returns:
        For each: `model`, `contender`, `faces`, `ms_a_face`, `to_plain` (ratio to the plain network with one face),
        `to_one` (ratio to the same contender with one face), `pace`, `deviation` from the plain network, `peak_mb`.
    """
    loaded = load_generator(model)
    runs = built(loaded)
    for run in runs.values():
        if isinstance(run, Runtime):
            run.tune()
    batches = {faces: faces_of(loaded, faces) for faces in (1, MANY)}
    times = timed({(name, faces): (run, batches[faces]) for name, run in runs.items() for faces in batches},
                  rounds, CLOCKS[clock])  # fmt: skip
    rows = []
    for (name, faces), seconds in times.items():
        with torch.inference_mode():
            deviation = float((runs[name](*batches[faces]) - runs["plain"](*batches[faces])).abs().max())
        run, each = runs[name], seconds / faces
        rows.append(
            {
                "model": str(model),
                "contender": name,
                "faces": faces,
                "ms_a_face": 1000 * each,
                "to_plain": each / times["plain", 1],
                "to_one": each / times[name, 1],
                "pace": f"{run.pace.batch} x {run.pace.streams}" if isinstance(run, Runtime) else f"{faces} x 1",
                "deviation": deviation,
                "peak_mb": peak_of(str(model), name) if memory and faces == MANY else None,
            }
        )
    return rows


def built(loaded: LoadedGenerator) -> dict[str, Contender]:
    """All that can run here by name; a precision that is no faster is left out, and that is said."""
    runs = {}
    for name in contenders_here():
        try:
            runs[name] = contender(name, loaded)
        except OptionError as error:
            print(f"without {name}: {error}", file=sys.stderr)
    return runs


def contenders_here() -> list[str]:
    """Names of what is installed: "plain", "form", a runtime, or runtime:precision."""
    known = [f"{name}:{one}" for name in installed() for one in ENGINES[name].precisions]
    return ["plain", "form", *(name.removesuffix(f":{FLOAT32}") for name in known)]


def contender(name: str, loaded: LoadedGenerator) -> Contender:
    """What is called with context, mask, keypoints and z."""
    if name == "plain":
        return loaded.network
    if name == "form":
        return inference_form(loaded.network)
    runtime, _, precision = name.partition(":")
    return build_runtime(runtime, loaded, precision=precision or FLOAT32)


def faces_of(loaded: LoadedGenerator, count: int) -> Inputs:
    """The same face so often, each with noise of its own."""
    context, mask, points, z = example(loaded)
    noise = torch.randn(count, *z.shape[1:], generator=torch.Generator().manual_seed(0))
    return context.repeat(count, 1, 1, 1), mask.repeat(count, 1, 1, 1), points.repeat(count, 1, 1), noise


@torch.inference_mode()
def timed(
    runs: dict[tuple[str, int], tuple[Contender, Inputs]], rounds: int, clock: Callable[[], float]
) -> dict[tuple[str, int], float]:
    """Median seconds a call of each, taking turns."""
    times: dict[tuple[str, int], list[float]] = {what: [] for what in runs}
    for turn in range(rounds + 1):
        for what, (run, inputs) in runs.items():
            start = clock()
            run(*inputs)
            if turn:
                times[what].append(clock() - start)
    return {what: statistics.median(own) for what, own in times.items()}


def peak_of(model: str, name: str) -> float:
    """Peak resident memory in MB of a process that loads one contender and draws eight faces."""
    command = [sys.executable, __file__, "--memory-of", model, name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


@torch.inference_mode()
def peak_here(model: str, name: str) -> float:
    """The same of this process."""
    loaded = load_generator(model)
    run = contender(name, loaded)
    for _ in range(2):
        run(*faces_of(loaded, MANY))
    if STATUS.is_file():  # Linux counts the parent's memory to `ru_maxrss` of a program that it starts
        peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes, on macOS


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Rows as Markdown."""
    lines = [
        "| model | run by | faces | to plain | to one face | ms a face | pace | deviation | peak MB |",
        "|---" * 9 + "|",
    ]
    for row in rows:
        peak = "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}"
        lines.append(
            f"| {row['model']} | {row['contender']} | {row['faces']} | **{row['to_plain']:.2f}** | {row['to_one']:.2f} "
            f"| {row['ms_a_face']:.1f} | {row['pace']} | {row['deviation']:.0e} | {peak} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
