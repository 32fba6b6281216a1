"""How many faces are drawn in a call, and how many calls at once; kept by machine, network and runtime."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from deepanon.checks import check_count
from deepanon.errors import SaveError
from deepanon.files import cache_folder, saving

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """What suits a machine.

    Attributes:
        batch: faces a call.
        streams: calls at once, which share the threads.
    """

    batch: int = 1
    streams: int = 1

    def __post_init__(self) -> None:
        check_count("batch", self.batch)
        check_count("streams", self.streams)


def machine() -> str:
    """What times depend on: the processor, the cores that may be used, PyTorch's threads."""
    return (
        f"{platform.system()} {platform.machine()} {_processor()}; cores {cores()}; threads {torch.get_num_threads()}"
    )


def cores() -> int:
    """Cores that this process may use."""
    with contextlib.suppress(AttributeError):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    with contextlib.suppress(OSError):
        for one in Path("/proc/cpuinfo").read_text().splitlines():
            if one.startswith("model name"):
                return one.partition(":")[2].strip()
    return platform.processor()


class PaceBook:
    """Measured paces in the user's cache; one that cannot be read is as good as none."""

    def __init__(self) -> None:
        folder = cache_folder()
        self.path = None if folder is None else folder / "paces.json"

    def get(self, key: str) -> Pace | None:
        """The pace that was measured under `key`, None if there is none."""
        found = self._all().get(_digest(key))
        try:
            return Pace(found["batch"], found["streams"]) if isinstance(found, dict) else None
        except (KeyError, TypeError, ValueError):
            return None

    def seconds(self, key: str) -> float | None:
        """How long a face took at the pace under `key`, None if that was not measured."""
        found = self._all().get(_digest(key))
        taken = found.get("seconds") if isinstance(found, dict) else None
        return float(taken) if isinstance(taken, int | float) and taken > 0 else None

    def put(self, key: str, pace: Pace, seconds: float) -> None:
        """Keep a pace, and what a face takes at it; where nothing can be written, that is said."""
        if self.path is None:
            return
        try:
            with saving(self.path) as temporary:
                kept = {"of": key, "seconds": seconds} | asdict(pace)
                temporary.write_text(json.dumps(self._all() | {_digest(key): kept}, indent=1))
        except SaveError as error:
            log.warning("how many faces to draw at a time is measured anew in each run: %s", error)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
