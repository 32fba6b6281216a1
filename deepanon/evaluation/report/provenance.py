"""What numbers were made with: code, packages, weights, data, machine; and nothing about whose machine it was."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepanon import __version__
from deepanon.evaluation.report.privacy import argument, without_paths
from deepanon.files import sha256_of

PACKAGES = (
    "torch", "torchvision", "torchmetrics", "torch-fidelity", "lightning", "numpy", "scipy", "opencv-python-headless",
    "opencv-python", "Pillow", "simplejpeg", "scikit-image", "facenet-pytorch", "onnxruntime", "openvino",
    "pycocotools", "lpips", "safetensors", "hydra-core",
)  # fmt: skip
SOURCE = Path(__file__).resolve().parents[3]  # the checkout, if this is one


def collect(
    *,
    started: datetime | None = None,
    weights: Mapping[str, str | Path] | None = None,
    data: Mapping[str, str] | None = None,
    seeds: Sequence[int] = (),
    command: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Everything about this run as plain values; call it at the end.

    Args:
        started: when the run began, with a time zone; left out if it is not known.
        weights: name -> file of everything that was learnt; their SHA-256 is kept, not where they lie.
        data: name of a set -> SHA-256 of what it holds.
        seeds: of the new faces.
        command: by default that of this process. Folders are left out of it.

    Raises:
        OSError: a weights file cannot be read.
    """
    import torch

    now = datetime.now(UTC)
    facts = {
        "deepanon": __version__,
        "git": git_revision(SOURCE),
        "command": " ".join(argument(word) for word in (sys.argv if command is None else command)),
        "started": _utc(started) if started else None,
        "finished": _utc(now),
        "seeds": list(seeds),
        "weights": {name: sha256_of(path) for name, path in (weights or {}).items()},
        "data": dict(data or {}),
        "python": platform.python_version(),
        "packages": package_versions(),
        "system": f"{platform.system()} {platform.machine()}",  # the release may carry the name of a machine
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    cleaned: dict[str, Any] = without_paths({key: value for key, value in facts.items() if value not in (None, {}, [])})
    return cleaned


def git_revision(source: Path) -> dict[str, Any] | None:
    """Revision of the checkout at `source`, and whether files differ from it; None if it is no checkout."""
    if not (source / ".git").exists():  # not the checkout of somebody else around an installed package
        return None
    try:
        return {"revision": _git(source, "rev-parse", "HEAD"), "changed": bool(_git(source, "status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(source: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(source), *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def package_versions(names: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Versions of those packages that are installed."""
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _processor() -> str:
    """The model of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
