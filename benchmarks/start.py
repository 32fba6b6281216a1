"""What starting a command costs, beyond Python's own start.

    python benchmarks/start.py

CPU seconds of a process, the median of rounds that take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from typing import Any

COMMANDS = {
    "plain: python": ["-c", "pass"],
    "deepanon --help": ["-m", "deepanon", "--help"],
    "deepanon anonymize --help": ["-m", "deepanon", "anonymize", "--help"],
    "deepanon models": ["-m", "deepanon", "models"],
}


def rows(rounds: int = 5) -> list[dict[str, Any]]:
    """Name, CPU seconds beyond Python's own, MiB of the largest process so far."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            before = os.times()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            times[name].append(spent)
    python = statistics.median(times["plain: python"])
    return [{"name": name, "seconds": statistics.median(taken) - python} for name, taken in times.items()]


if __name__ == "__main__":
    print("| command | CPU seconds beyond Python's own |\n|---|---|")
    for row in rows():
        print(f"| {row['name']} | {row['seconds']:.2f} |")
