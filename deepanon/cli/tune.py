"""The command that measures how many faces to draw at a time on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from deepanon.cli.replacing import add_runtime


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "tune",
        help="measure how many faces to draw at a time on this machine, and keep it",
        description="Measure how many faces a generator draws fastest in a call, and how many calls at once; seconds "
        "for each runtime that is installed, of which `--runtime auto` then takes the quickest in float32. What is "
        "found is kept in the user's cache ($XDG_CACHE_HOME/deepanon). Another pace may round pixels to the next "
        "level: tune before a long job, not in the middle of one.",
    )
    command.add_argument("--model", metavar="NAME|FILE", help="generator (default: the bundled one)")
    add_runtime(command)
    command.set_defaults(run=_tune)


def _tune(options: argparse.Namespace) -> int:
    from deepanon.runtimes import AUTO, ENGINES, FLOAT32, build_runtime, installed
    from deepanon.weights import DEFAULT, load_generator

    loaded = load_generator(options.model or DEFAULT)
    precision = options.precision or FLOAT32
    able = [name for name in installed() if precision in ENGINES[name].precisions]
    for name in able if options.runtime in (None, AUTO) and able else [options.runtime or AUTO]:
        runtime = build_runtime(name, loaded, precision=precision)
        times = runtime.tune()
        print(f"runtime {runtime.name}, {runtime.threads} threads")
        for pace, seconds in sorted(times.items(), key=lambda one: one[1]):
            chosen = " (kept)" if pace == runtime.pace else ""
            print(f"{pace.batch} faces a call, {pace.streams} calls at once: {1000 * seconds:.1f} ms a face{chosen}")
    return 0
