"""A number plate that was drawn, with characters that chance decides."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepanon.anonymizers.cover import Hole
from deepanon.geometry import Array

LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"  # I, O and Q are read as digits
FORMS = ("LL DDD LL", "LLL DDDD", "LL DDDD L", "L DDD LLL", "DDDD LLL")
TWO_ROWS = 2.3  # width over height below which a plate has two rows
PAPER, INK = (244, 244, 238), (28, 28, 32)
BRIGHT = 150  # level of surroundings at which paper is as white as it gets
DIMMEST = 0.4  # of that, at night
FRAME, ROOM, GAP = 0.05, 0.68, 0.86  # of the height, and of a row's height and width that characters take up


def plate(hole: Hole) -> Array:
    """Dark characters on white paper with a frame, as bright as the surroundings; two rows if the box is not long.

    The characters have nothing to do with those that stood there. They may be somebody's by chance.
    """
    light = np.clip(np.quantile(hole.around.max(axis=1), 0.75) / BRIGHT, DIMMEST, 1)
    paper, ink = (np.array(colour, dtype=np.float32) * light for colour in (PAPER, INK))
    inked = _frame(hole.height, hole.width)
    rows = [_characters(hole.rng)]
    if hole.width < TWO_ROWS * hole.height:
        short = rows[0].replace(" ", "")
        rows = [short[: len(short) // 2], short[len(short) // 2 :]]
    edges = np.linspace(0, hole.height, len(rows) + 1).round().astype(int)
    for text, top, bottom in zip(rows, edges[:-1], edges[1:], strict=True):
        height, width = round(ROOM * (bottom - top)), round(GAP * hole.width)
        if height and width:
            written = _written(text, height, width)
            y, x = top + (bottom - top - height) // 2, (hole.width - written.shape[1]) // 2
            part = inked[y : y + height, x : x + written.shape[1]]
            np.maximum(part, written, out=part)
    return (paper + (ink - paper) * inked[..., None]).round().astype(np.uint8)


def _characters(rng: np.random.Generator) -> str:
    kinds = {"L": LETTERS, "D": DIGITS}
    return "".join(str(rng.choice(list(kinds[kind]))) if kind in kinds else kind for kind in rng.choice(FORMS))


def _frame(height: int, width: int) -> Array:
    """(h, w) float32: 1 on the frame, which small plates have none of."""
    inked, line = np.zeros((height, width), dtype=np.float32), round(FRAME * min(height, width))
    if line:
        inked[:] = 1
        inked[line : height - line, line : width - line] = 0
    return inked


def _written(text: str, height: int, width: int) -> Array:
    """(height, at most `width`) float32 in [0, 1]: the text, squeezed where it would be too long."""
    font = ImageFont.load_default(max(64, 2 * height))  # Aileron, in Pillow itself, given to the public domain
    stroke = max(1, round(font.size / 32)) if isinstance(font, ImageFont.FreeTypeFont) else 0
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text, stroke_width=stroke))
    drawn = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(drawn).text((-left, -top), text, fill=255, font=font, stroke_width=stroke)
    natural = max(1, round(height * drawn.width / drawn.height))
    small = cv2.resize(np.asarray(drawn), (min(natural, width), height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / 255
