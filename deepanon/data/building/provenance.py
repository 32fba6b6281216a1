"""What a set was made with, in a form that can be compared: detector, weights, package versions."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deepanon.errors import lookup
from deepanon.files import sha256_of

PACKAGES = ("numpy", "cv2", "PIL", "torch", "torchvision")


def describe_detector(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Name, settings and the SHA-256 of everything the detector reads; paths are replaced by file names."""
    files = lookup(FILES, name, "detector")(options)
    settings = {key: Path(value).name if key in ("weights", "faces") else value for key, value in options.items()}
    settings = {
        key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()
    }  # as in JSON
    return {"name": name, "settings": settings, "sha256": {path.name: sha256_of(path) for path in files}}


def _mtcnn(options: Mapping[str, Any]) -> list[Path]:
    from deepanon.detectors.mtcnn_packaged import weight_files

    return weight_files()


def _cascade(options: Mapping[str, Any]) -> list[Path]:
    from skimage.data import lbp_frontal_face_cascade_filename

    return [Path(lbp_frontal_face_cascade_filename())]


def _keypoint_rcnn(options: Mapping[str, Any]) -> list[Path]:
    from deepanon.detectors.keypoint_rcnn import weight_file

    return [weight_file(options.get("weights"))]


def _packaged(name: str) -> list[Path]:
    from deepanon.detectors.packaged import weight_file

    return [weight_file(name)]


FILES: dict[str, Callable[[Mapping[str, Any]], list[Path]]] = {
    "mtcnn": _mtcnn,
    "mtcnn_packaged": _mtcnn,
    "cascade": _cascade,
    "yunet": lambda options: [Path(options["weights"])],
    "onnx": lambda options: [Path(options["weights"])],
    "keypoint_rcnn": _keypoint_rcnn,
    "retinaface": lambda options: _packaged(options.get("network", "resnet50")),
    "dsfd": lambda options: _packaged("dsfd"),
    "given": lambda options: [Path(options["faces"])],
}


def package_versions() -> dict[str, str]:
    """Versions of what decides the pixels and the boxes."""
    return {name: str(importlib.import_module(name).__version__) for name in PACKAGES}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between two nested mappings, one line each: "detector.name: mtcnn, now yunet"."""
    lines: list[str] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key, "nothing"), new.get(key, "nothing")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"{prefix}{key}: {before}, now {after}")
    return lines
