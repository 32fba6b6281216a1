"""What can go wrong, said once: every error a user can cause is a `DeepanonError`."""

from typing import TypeVar

T = TypeVar("T")


class DeepanonError(Exception):
    """Base of all errors that are about the user's input, files or options, never about a bug."""


class ImageError(DeepanonError):
    """A file cannot be read, is not a still photo, is too large, or cannot be written."""


class FilmError(DeepanonError):
    """A film cannot be opened, holds what cannot be done safely, or cannot be written as asked."""


class DetectionError(DeepanonError):
    """Boxes, scores or keypoints are malformed, or a detections file cannot be understood."""


class SchemaError(DeepanonError):
    """A keypoint schema is unknown, or is not the one that a model was trained with."""


class NoFaceError(DeepanonError):
    """No face was found and the caller did not ask for the picture to be copied as it is."""


class ModelError(DeepanonError):
    """A generator file is missing, damaged or made by something else."""


class DataError(DeepanonError):
    """A data set on disk is missing, incomplete or inconsistent."""


class SaveError(DeepanonError):
    """A result cannot be written: no room, no permission."""


class OptionError(DeepanonError, ValueError):
    """An unknown name or an impossible value; the message lists what is possible."""


def lookup(registry: dict[str, T], name: str, what: str) -> T:
    """Return `registry[name]`, or raise `OptionError` that lists the valid names of `what`."""
    if name not in registry:
        raise OptionError(f"unknown {what} {name!r}; choose one of: {', '.join(sorted(registry))}")
    return registry[name]
