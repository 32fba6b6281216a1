"""The whole job on one picture: find, blank, cut, draw, paste."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepanon.anonymizers import Anonymizer, ByLabel, build_anonymizer
from deepanon.crops import blank, cut
from deepanon.detections import Detections
from deepanon.detectors import Detector, build_detector
from deepanon.errors import ModelError, NoFaceError, OptionError
from deepanon.geometry import Array
from deepanon.images import check_pixels, check_writable, read_image, write_image
from deepanon.pasting import paste_into
from deepanon.seeds import Seeds
from deepanon.selection import Choice, Selection

ON_NO_FACE = ("raise", "copy")
BATCH = 16  # faces cut and drawn at a time; bounds memory, does not change results


class FaceAnonymizer:
    """Anonymizes pictures: every face that `detector` finds is replaced by `anonymizer`.

    Args:
        detector: finds the faces.
        anonymizer: draws the new pixels; or a method for each label, as a dictionary or `ByLabel`.
        seeds: where randomness comes from; by default the operating system.
        on_no_face: "raise" refuses a picture in which no face is found, because a missed face looks just like none;
            "copy" returns it as it is.
        selection: which of the faces are replaced; by default all.
    """

    def __init__(
        self,
        detector: Detector,
        anonymizer: Anonymizer | ByLabel | Mapping[str, Anonymizer],
        seeds: Seeds | None = None,
        on_no_face: str = "raise",
        selection: Selection | None = None,
    ) -> None:
        if on_no_face not in ON_NO_FACE:
            raise OptionError(f"unknown on_no_face {on_no_face!r}; choose one of: {', '.join(ON_NO_FACE)}")
        self.detector, self.seeds, self.on_no_face = detector, seeds or Seeds(), on_no_face
        self.anonymizer = ByLabel(anonymizer) if isinstance(anonymizer, Mapping) else anonymizer
        self.selection = selection or Selection()

    @classmethod
    def default(cls, method: str = "gan", **options: Any) -> FaceAnonymizer:
        """MTCNN and the method called `method`; `options` go to the method (for "gan": `model`, `device`)."""
        return cls(build_detector("mtcnn"), build_anonymizer(method, **options))

    def __call__(self, image: Array, detections: Detections | None = None, *, name: str = "") -> Array:
        """Return a new picture in which every face is replaced, but those that `selection` leaves.

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
        rows = self.choose(detections, image, name).replaced
        return self.replace(image, detections, self.seeds(name, len(detections)), rows)

    def replace(self, image: Array, detections: Detections, seeds: Sequence[int], faces: Sequence[int]) -> Array:
        """See `replace_faces`."""
        return replace_faces(image, detections, self.anonymizer, seeds, faces)

    def choose(self, detections: Detections, image: Array, name: str = "") -> Choice:
        """What a call does with each face of the picture, and why; `DetectionError` as in `Selection`."""
        return self.selection(detections, name, image.shape[1], image.shape[0])


def replace_faces(
    image: Array,
    detections: Detections,
    anonymizer: Anonymizer | ByLabel,
    seeds: Sequence[int],
    faces: Sequence[int] | None = None,
    canvas: Array | None = None,
) -> Array:
    """Return a new picture in which faces are replaced, in order.

    The picture is copied once, unless there is a copy already; everything else looks at the faces' crops only.

    Args:
        image: (H, W, 3) uint8 RGB, left untouched.
        detections: every face of the picture; all are hidden from a method that must not see faces.
        anonymizer: draws the new pixels; or a method for each label.
        seeds: one a face of `detections`.
        faces: rows of `detections` to replace; None replaces all.
        canvas: a copy of the picture, at least where the crops lie, that is painted on and returned; None makes one.

    Raises:
        DeepanonError: boxes, keypoints or drawn pixels cannot be used.
    """
    assert detections.labels is not None  # filled in by Detections itself
    if isinstance(anonymizer, ByLabel):
        anonymizer.check(detections.labels)
        methods = [anonymizer.of(str(label)) for label in detections.labels]
    else:
        methods = [anonymizer] * len(detections)
    blind = detections.boxes[np.array([not method.sees_face for method in methods], dtype=bool)]
    result = image.copy() if canvas is None else canvas
    so_far = blank(image, blind) if any(map(_leaves, methods)) else None
    for method, some in _batches(methods, range(len(detections)) if faces is None else faces):
        # what must not be seen is grey for all: a blur that lies over a drawn face has nothing of that face to blur
        hidden = blind if method.sees_face else detections.boxes
        if so_far is not None and _leaves(method):
            crops = cut(so_far, detections, method.size, some)
        else:
            crops = cut(image, detections, method.size, some, hidden)
        pixels = method(crops, [seeds[i] for i in some])
        if not math.isfinite(pixels.sum()) and not torch.isfinite(pixels).all():  # the sum alone is quicker
            raise ModelError(f"method {method.name!r} produced values that are not numbers")
        for canvas in (result,) if so_far is None else (result, so_far):
            paste_into(canvas, crops, pixels, detections.boxes)
    return result


def _leaves(method: Anonymizer) -> bool:
    """Whether parts of a box come back as they are: such a method is given what was drawn, face after face.

    A box that overlaps the one before it would else lay that one's original pixels over what hides them.
    """
    return method.sees_face and getattr(method, "leaves", False)


def _batches(methods: Sequence[Anonymizer], rows: Sequence[int]) -> Iterator[tuple[Anonymizer, list[int]]]:
    """Rows in their order, as many at a time as one method may be given."""
    for method, run in groupby(rows, key=lambda row: methods[row]):
        same = list(run)
        step = BATCH if method.size and not _leaves(method) else 1
        for start in range(0, len(same), step):
            yield method, same[start : start + step]


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
