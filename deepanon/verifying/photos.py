"""The check of one photo."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from deepanon import geometry
from deepanon.errors import DeepanonError, ImageError
from deepanon.geometry import Array
from deepanon.images import read_image
from deepanon.verifying.eyes import Eyes, Face, Limits, Look
from deepanon.verifying.findings import FOREIGN, METADATA, UNREADABLE, Checked, Finding
from deepanon.verifying.pairing import PHOTO, Pair, kind_of
from deepanon.verifying.riders import riders

VIEW = 160  # px, longer side of the picture of a finding

Judge = Callable[[Face], "tuple[str, str] | None"]


def check_photo(pair: Pair, eyes: Eyes, limits: Limits) -> tuple[Checked, Look | None]:
    """Look at one photo and what was made of it.

    Returns:
        What is wrong, and what was seen, so that it can be judged again by another similarity; None if nothing was.
    """
    found = [Finding(METADATA, text) for text in riders(pair.output)]
    if kind_of(pair.output) != PHOTO:
        return Checked(pair.name, [*found, Finding(FOREIGN, "the original is a photo, the output is none")]), None
    try:
        before, after = read_image(pair.original).pixels, read_image(pair.output).pixels
    except ImageError as error:
        return Checked(pair.name, [*found, Finding(UNREADABLE, str(error))]), None
    if before.shape != after.shape:
        return Checked(pair.name, [*found, Finding(FOREIGN, sizes(before, after))]), None
    try:
        look = eyes(before, after, pair.name)
    except DeepanonError as error:
        return Checked(pair.name, [*found, Finding(UNREADABLE, f"cannot be checked: {error}")]), None
    if look.foreign:
        found.append(Finding(FOREIGN, "what is no face differs too"))
    found += judged(look, after, limits)
    return Checked(pair.name, found, sum(not face.new for face in look.faces), 1, look.compared), look


def sizes(before: Array, after: Array) -> str:
    """In words, how the sizes of two pictures differ."""
    size, other = (f"{picture.shape[1]}x{picture.shape[0]}" for picture in (before, after))
    return f"the original has {size} pixels, the output {other}"


def judged(look: Look, output: Array, limits: Limits) -> list[Finding]:
    """Every face with which something is wrong, with a view of the output."""
    found = []
    for face in look.faces:
        wrong = limits(face)
        if wrong is not None:
            bad = face.score * max(face.change.survives, face.change.follows, np.nan_to_num(face.similarity))
            found.append(Finding(*wrong, face.box, severity=float(bad), view=view(output, face.box)))
    return found


def view(output: Array, box: Array) -> bytes:
    """JPEG of a face and its surroundings, 160 px at most; for (H, W, 3) uint8 pixels of an output, and no others."""
    height, width = output.shape[:2]
    cut = geometry.clip(box[None].astype(np.float64), width, height)[0]
    x0, y0, x1, y1 = geometry.clip(geometry.crop_region(cut, width, height), width, height)
    part = output[y0:y1, x0:x1]
    shrink = VIEW / max(part.shape[:2])
    size = [max(1, round(side * shrink)) for side in part.shape[1::-1]]
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if shrink < 1 else cv2.INTER_CUBIC)
    stream = io.BytesIO()
    Image.fromarray(part).save(stream, "JPEG", quality=85)
    return stream.getvalue()
