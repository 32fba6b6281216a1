"""deepanon replaces faces in photos with faces that never existed.

    from deepanon import FaceAnonymizer, read_image, write_image

    photo = read_image("in.jpg")
    write_image("out.jpg", FaceAnonymizer.default()(photo.pixels), photo)

or, in one line, `anonymize("in.jpg", "out.jpg")`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepanon.anonymizers import build_anonymizer
    from deepanon.detections import Detections
    from deepanon.detectors import build_detector
    from deepanon.errors import DeepanonError
    from deepanon.images import Photo, read_image, write_image
    from deepanon.pipeline import FaceAnonymizer, anonymize, replace_faces
    from deepanon.seeds import Seeds

__version__ = "0.1.0"

__all__ = [
    "DeepanonError",
    "Detections",
    "FaceAnonymizer",
    "Photo",
    "Seeds",
    "anonymize",
    "build_anonymizer",
    "build_detector",
    "read_image",
    "replace_faces",
    "write_image",
]

_HOMES = {  # loaded on first use, so that `deepanon --help` and `import deepanon` cost nothing
    "DeepanonError": "errors",
    "Detections": "detections",
    "FaceAnonymizer": "pipeline",
    "Photo": "images",
    "Seeds": "seeds",
    "anonymize": "pipeline",
    "build_anonymizer": "anonymizers",
    "build_detector": "detectors",
    "read_image": "images",
    "replace_faces": "pipeline",
    "write_image": "images",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deepanon' has no attribute {name!r}")
    return getattr(importlib.import_module(f"deepanon.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
