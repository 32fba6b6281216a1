"""One drawn face: a painted portrait of nobody, in which the place of every feature is known exactly."""

from __future__ import annotations

import cv2
import numpy as np

from deepanon.data.looks import Look
from deepanon.geometry import Array

# Face coordinates: x right, y down, origin between nose bridge and ears, 1 = half the width of the head.
REACH = 2.05  # a face is drawn in a square patch that spans -REACH..REACH
BOX = (-0.93, -1.12, 0.93, 1.30)  # brow to chin, ear to ear: what a detector marks
DEPTHS = (0.80, 0.80, 1.25, 0.80, 0.80)  # how far each point stands in front of the neck, for the turn of the head


class Canvas:
    """A square patch in face coordinates; `paint` lays colour over it through soft masks."""

    def __init__(self, size: int, tilt: float) -> None:
        at = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 * REACH - REACH
        u, v = np.meshgrid(at, at)
        self.x = u * np.cos(tilt) + v * np.sin(tilt)
        self.y = v * np.cos(tilt) - u * np.sin(tilt)
        self.pixel = 2 * REACH / size
        self.colour = np.zeros((size, size, 3), dtype=np.float32)  # multiplied by alpha
        self.alpha = np.zeros((size, size), dtype=np.float32)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, soft: float = 0.0) -> Array:
        """(S, S) float32 in [0, 1]; the edge fades over `soft` units, at least one pixel."""
        radius = np.hypot((self.x - cx) / rx, (self.y - cy) / ry)
        return self.step((1 - radius) * min(rx, ry), soft)

    def step(self, distance: Array, soft: float = 0.0) -> Array:
        """0 where `distance` is negative, 1 where it is positive, smooth between."""
        t = np.clip(distance / max(soft, self.pixel) + 0.5, 0, 1)
        return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)

    def paint(self, mask: Array, colour: Array) -> None:
        """Lay an opaque colour, (3,) or (S, S, 3), over the patch where `mask` is 1."""
        self.colour += mask[..., None] * (colour - self.colour)
        self.alpha += mask * (1 - self.alpha)

    def shade(self, mask: Array, factor: float) -> None:
        """Darken (factor < 1) or brighten what is there; paints nothing new."""
        self.colour *= 1 + mask[..., None] * (factor - 1)

    def soften(self, sigma: float) -> None:
        """Let the paint run a little (Gaussian, in face units): a hard edge is what no photo has."""
        if sigma > 0.3 * self.pixel:
            self.colour = np.asarray(cv2.GaussianBlur(self.colour, (0, 0), sigma / self.pixel))
            self.alpha = np.asarray(cv2.GaussianBlur(self.alpha, (0, 0), sigma / self.pixel))

    def over(self, image: Array) -> None:
        """Lay the patch over `image` (S, S, 3) float32, in place."""
        image *= 1 - self.alpha[..., None]
        image += self.colour


def _draw_behind(canvas: Canvas, look: Look) -> None:
    """Hair at the back, neck and shoulders."""
    volume = look.build.volume
    back = canvas.ellipse(0, -0.25, 1.14 * volume, 1.22 * volume, 0.06)
    sides = canvas.step(1.12 * volume - np.abs(canvas.x), 0.08) * canvas.step(canvas.y + 0.2, 0.1)
    canvas.paint(np.maximum(back, sides * canvas.step(look.length - canvas.y, 0.15)), look.hair * 0.75)
    canvas.paint(canvas.ellipse(0, 2.55, 1.75, 1.0, 0.04), look.cloth)
    neck = canvas.step(0.52 - np.abs(canvas.x), 0.05) * canvas.step(canvas.y - 0.6, 0.05)
    canvas.paint(neck * canvas.step(1.85 - canvas.y - 0.3 * canvas.x**2, 0.06), look.skin * 0.72)


def _draw_head(canvas: Canvas, look: Look) -> None:
    """Ears and the skin of the face, rounded by light from one side and from above."""
    build = look.build
    for side in (-1, 1):
        canvas.paint(canvas.ellipse(side * (build.width + 0.01), 0.05, 0.16, 0.3, 0.04), look.skin * 0.8)
        canvas.shade(canvas.ellipse(side * (build.width + 0.02), 0.05, 0.08, 0.18, 0.08), 0.8)
    jaw = 1 - build.taper * np.clip(canvas.y, 0, None) ** 2  # narrower towards the chin
    radius = np.hypot(canvas.x / (build.width * jaw), canvas.y / build.chin)
    face = canvas.step((1 - radius) * build.width, 0.03)
    canvas.paint(face, look.skin)
    if build.beard:
        canvas.paint(build.beard * face * canvas.step(canvas.y - 0.5, 0.3), look.hair * 0.9)
    round_ = 1.06 - 0.34 * radius**3 + 0.14 * look.light * canvas.x - 0.06 * canvas.y
    canvas.colour *= 1 + face[..., None] * (np.clip(round_, 0.45, 1.25)[..., None] - 1)
    blush = np.array([1.05, 0.9, 0.88], dtype=np.float32)
    for side in (-1, 1):
        cheek = canvas.ellipse(*look.place(side * 0.5, 0.35, 0.7), 0.34, 0.28, 0.5)
        canvas.colour *= 1 + 0.6 * cheek[..., None] * (blush - 1)
    canvas.shade(canvas.ellipse(*look.place(0, 1.02, 0.85), 0.3, 0.07, 0.12) * face, 0.88)  # above the chin


def _draw_eye(canvas: Canvas, look: Look, side: int) -> None:
    (x, y), (wide, high), (above, thick, arched) = look.build.eyes, look.build.opening, look.build.brows
    cx, cy = look.place(side * x, y, 0.8)
    canvas.shade(canvas.ellipse(cx, cy - 0.05, 0.32, 0.24, 0.3), 0.72)  # socket
    white = canvas.ellipse(cx, cy, 0.185 * wide, 0.095 * high, 0.05)
    canvas.paint(white, np.array([226.0, 222.0, 216.0]) * 0.92)
    canvas.paint(canvas.ellipse(cx, cy - 0.005, 0.092, 0.098, 0.03) * white, look.iris)
    canvas.paint(canvas.ellipse(cx, cy - 0.005, 0.045, 0.045, 0.02) * white, look.iris * 0.2)
    canvas.paint(canvas.ellipse(cx + 0.03 * look.light, cy - 0.04, 0.018, 0.018, 0.02), np.full(3, 245.0))
    lid = np.abs(np.hypot((canvas.x - cx) / (0.2 * wide), (canvas.y - cy) / (0.11 * high)) - 1)
    canvas.shade(canvas.step(0.2 - lid, 0.25) * canvas.step(cy - canvas.y, 0.06), 0.35)
    canvas.shade(canvas.step(0.15 - lid, 0.25) * canvas.step(canvas.y - cy, 0.06), 0.75)
    arch = cy - above + 0.5 * arched * (canvas.x - cx) ** 2 - 0.08 * side * (cx - canvas.x)
    brow = canvas.step(thick - np.abs(canvas.y - arch), 0.05) * canvas.step(0.24 - np.abs(canvas.x - cx), 0.08)
    canvas.paint(0.85 * brow * canvas.alpha, np.minimum(look.hair, look.skin * 0.7) * 0.7)


def _draw_nose(canvas: Canvas, look: Look) -> None:
    low, wide = look.build.nose
    high = look.build.eyes[1]
    x, y = look.place(0, low, 1.25)
    root, _ = look.place(0, high, 0.85)
    along = np.clip((canvas.y - high) / (y - high), 0, 1)  # 0 at the root, 1 at the tip
    ridge = root + along * (x - root)
    within = canvas.step(canvas.y + 0.1, 0.2) * canvas.step(y - 0.05 - canvas.y, 0.2)
    dark = -1 if look.light > 0 else 1
    canvas.shade(within * canvas.step(0.1 - np.abs(canvas.x - ridge - dark * 0.13), 0.14), 0.82)
    canvas.shade(within * canvas.step(0.05 - np.abs(canvas.x - ridge), 0.1), 1.1)
    canvas.shade(canvas.ellipse(x, y - 0.03, 0.1 * wide, 0.08, 0.14), 1.12)  # tip
    canvas.shade(canvas.ellipse(x, y + 0.13, 0.2 * wide, 0.06, 0.1), 0.72)
    for side in (-1, 1):
        canvas.shade(canvas.ellipse(x + side * 0.17 * wide, y + 0.04, 0.07, 0.09, 0.1), 0.86)
        canvas.shade(canvas.ellipse(x + side * 0.09 * wide, y + 0.1, 0.055, 0.032, 0.04), 0.4)


def _draw_mouth(canvas: Canvas, look: Look) -> None:
    (reach, low), thick = look.build.mouth, look.build.lips
    (left, y), (right, _) = look.place(-reach, low, 0.8), look.place(reach, low, 0.8)
    cx, half = (left + right) / 2, (right - left) / 2
    t = np.clip((canvas.x - cx) / half, -1.2, 1.2)
    line = y + 0.09 * look.smile * (1 - t**2)  # corners lie at y
    arc = np.clip(1 - t**2, 0, 1)
    lips = look.skin * np.array([0.86, 0.56, 0.54])
    for shift, height, tone in ((-0.04, 0.075, 0.9), (0.055, 0.085, 1.1)):  # upper, lower
        lip = canvas.step(height * thick * arc - np.abs(canvas.y - line - shift), 0.04) * np.sqrt(arc)
        canvas.paint(0.9 * lip, lips * tone)
    gap = canvas.step((0.02 + 0.045 * look.smile) * arc - np.abs(canvas.y - line), 0.03) * np.sqrt(arc)
    canvas.paint(gap, np.array([222.0, 214.0, 206.0]) if look.smile > 0.55 else look.skin * 0.25)
    canvas.shade(canvas.step(0.3 - np.abs(t), 0.3) * canvas.step(0.03 - np.abs(canvas.y - line - 0.17), 0.06), 0.82)
    for x in (left, right):
        canvas.shade(canvas.ellipse(x, y, 0.05, 0.04, 0.06), 0.6)


def _draw_fringe(canvas: Canvas, look: Look) -> None:
    """Hair in front: everything of the skull above a slanting hairline, with a few strands of light."""
    volume = look.build.volume
    skull = canvas.ellipse(0, -0.25, 1.08 * volume, 1.16 * volume, 0.05)
    hairline = look.fringe + 0.75 * np.clip(np.abs(canvas.x - look.parting) - 0.25, 0, None) ** 1.6
    hair = skull * canvas.step(hairline - canvas.y, 0.08)
    strands = (
        1 + 0.1 * np.sin(14 * canvas.x + 5 * canvas.y) + 0.22 * canvas.ellipse(0.4 * look.light, -1.1, 0.7, 0.3, 0.5)
    )
    canvas.paint(hair, look.hair * strands[..., None])


def draw_portrait(size: int, look: Look) -> tuple[Canvas, Array, Array]:
    """Draw one face with hair and shoulders.

    Args:
        size: side of the patch in pixels.
        look: what it looks like.

    Returns:
        The painted canvas; box (4,) and keypoints (5, 2) in the order of schema FIVE, float64 fractions of the patch.
    """
    canvas = Canvas(size, look.tilt)
    _draw_behind(canvas, look)
    _draw_head(canvas, look)
    for side in (-1, 1):
        _draw_eye(canvas, look, side)
    _draw_nose(canvas, look)
    _draw_mouth(canvas, look)
    _draw_fringe(canvas, look)
    canvas.soften(0.014)
    turned = [look.place(x, y, depth) for (x, y), depth in zip(look.build.points, DEPTHS, strict=True)]
    c, s = np.cos(look.tilt), np.sin(look.tilt)
    keypoints = np.array(turned) @ np.array([[c, s], [-s, c]])
    grown = np.array([look.build.width / 0.94, 1, look.build.width / 0.94, look.build.chin / 1.3])
    box = np.array(BOX) * grown + 0.3 * np.sin(look.turn) * np.array([1, 0, 1, 0])
    return canvas, (box + REACH) / (2 * REACH), (keypoints + REACH) / (2 * REACH)
