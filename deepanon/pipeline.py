"""The whole job on one picture: find, blank, cut, draw, paste."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from deepanon.anonymizers import Anonymizer, build_anonymizer
from deepanon.crops import blank, cut, paste_into
from deepanon.detections import Detections
from deepanon.detectors import Detector, build_detector
from deepanon.errors import ModelError, NoFaceError, OptionError
from deepanon.geometry import Array
from deepanon.images import check_pixels, check_writable, read_image, write_image
from deepanon.seeds import Seeds

ON_NO_FACE = ("raise", "copy")
BATCH = 16  # faces cut and drawn at a time; bounds memory, does not change results


class FaceAnonymizer:
    """Anonymizes pictures: every face that `detector` finds is replaced by `anonymizer`.

    Args:
        detector: finds the faces.
        anonymizer: draws the new pixels.
        seeds: where randomness comes from; by default the operating system.
        on_no_face: "raise" refuses a picture in which no face is found, because a missed face looks just like none;
            "copy" returns it as it is.
    """

    def __init__(
        self, detector: Detector, anonymizer: Anonymizer, seeds: Seeds | None = None, on_no_face: str = "raise"
    ) -> None:
        if on_no_face not in ON_NO_FACE:
            raise OptionError(f"unknown on_no_face {on_no_face!r}; choose one of: {', '.join(ON_NO_FACE)}")
        self.detector, self.anonymizer = detector, anonymizer
        self.seeds, self.on_no_face = seeds or Seeds(), on_no_face

    @classmethod
    def default(cls, method: str = "gan", **options: Any) -> FaceAnonymizer:
        """MTCNN and the method called `method`; `options` go to the method (for "gan": `model`, `device`)."""
        return cls(build_detector("mtcnn"), build_anonymizer(method, **options))

    def __call__(self, image: Array, detections: Detections | None = None, *, name: str = "") -> Array:
        """Return a new picture in which every face is replaced.

        Args:
            image: (H, W, 3) uint8 RGB, left untouched.
            detections: the faces, if they are known already; else they are detected.
            name: what the picture is called: key of its faces in a detections file, and of its seeds.

        Raises:
            NoFaceError: there is no face, and `on_no_face` is "raise".
            DeepanonError: picture, boxes or keypoints cannot be used; nothing is returned half done.
        """
        check_pixels(image)
        if detections is None:
            detections = self.detector(image, name)
        if not len(detections) and self.on_no_face == "raise":
            raise NoFaceError(
                "no face found; look at the picture, and ask for a copy (on_no_face='copy') if that is true"
            )
        return replace_faces(image, detections, self.anonymizer, self.seeds(name, len(detections)))


def replace_faces(
    image: Array,
    detections: Detections,
    anonymizer: Anonymizer,
    seeds: Sequence[int],
    faces: Sequence[int] | None = None,
) -> Array:
    """Return a new picture in which faces are replaced, in order.

    Args:
        image: (H, W, 3) uint8 RGB, left untouched.
        detections: every face of the picture; all are hidden from a method that must not see faces.
        anonymizer: draws the new pixels.
        seeds: one a face of `detections`.
        faces: rows of `detections` to replace; None replaces all.

    Raises:
        DeepanonError: boxes, keypoints or drawn pixels cannot be used.
    """
    seen = image if anonymizer.sees_face else blank(image, detections.boxes)
    result = image.copy()
    rows = list(range(len(detections)) if faces is None else faces)
    step = BATCH if anonymizer.size else 1
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        crops = cut(seen, detections, anonymizer.size, some)
        pixels = anonymizer(crops, [seeds[i] for i in some])
        if not torch.isfinite(pixels).all():
            raise ModelError(f"method {anonymizer.name!r} produced values that are not numbers")
        paste_into(result, crops, pixels, detections.boxes)
    return result


def anonymize(source: str | Path, target: str | Path, method: str = "gan", **options: Any) -> None:
    """Anonymize one photo file with MTCNN and `method`; see `FaceAnonymizer` and `images.write_image`."""
    refuse_same(source, target)
    check_writable(target)
    photo = read_image(source)
    write_image(target, FaceAnonymizer.default(method, **options)(photo.pixels, name=Path(source).name), photo)


def refuse_same(source: str | Path, target: str | Path) -> None:
    """Raise `OptionError` if both paths are one file: inputs are never modified."""
    source, target = Path(source), Path(target)
    if source.resolve() == target.resolve() or (target.exists() and source.exists() and source.samefile(target)):
        raise OptionError(f"{target}: source and target are the same file; inputs are never modified")
