"""Drawing: a picture of lines and text as SVG that takes its colours from the page around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

LETTER = 0.56  # mean width of a letter over the size of the font, on the safe side


class Svg:
    """A picture under construction; classes of the page's style sheet give colours and weights.

    Args:
        width: in units that are pixels at full size.
        height: likewise.
        title: what it shows, in one sentence, for those who cannot see it.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.parts: list[str] = []

    def add(self, tag: str, text: str | None = None, **attributes: Any) -> None:
        """Add one element; `class_` becomes class, and an underscore a hyphen."""
        named = "".join(
            f" {name.rstrip('_').replace('_', '-')}={quoteattr(_short(value))}" for name, value in attributes.items()
        )
        self.parts.append(f"<{tag}{named}/>" if text is None else f"<{tag}{named}>{escape(text)}</{tag}>")

    def text(self, x: float, y: float, text: str, anchor: str = "start", size: float = 11, class_: str = "") -> None:
        """Write `text` with its base line at `y`."""
        self.add("text", text, x=x, y=y, text_anchor=anchor, font_size=size, class_=class_ or "ink")

    def line(self, x0: float, y0: float, x1: float, y1: float, class_: str) -> None:
        """Draw a line."""
        self.add("line", x1=x0, y1=y0, x2=x1, y2=y1, class_=class_)

    def path(self, points: Iterable[tuple[float, float]], class_: str, closed: bool = False) -> None:
        """Draw a line through points."""
        steps = "L".join(f"{_short(x)} {_short(y)}" for x, y in points)
        self.add("path", d=f"M{steps}{'Z' if closed else ''}", class_=class_)

    def mark(self, x: float, y: float, kind: str, size: float = 4.5) -> None:
        """A point: a disc for a method, a ring for a reference, a square for a control, a diamond for a printed one."""
        if kind == "control":
            self.add("rect", x=x - size, y=y - size, width=2 * size, height=2 * size, class_="mark control")
        elif kind == "paper":
            s = size * 1.6
            self.path([(x, y - s), (x + s, y), (x, y + s), (x - s, y)], "mark paper", closed=True)
        else:
            self.add("circle", cx=x, cy=y, r=size, class_=f"mark {kind or 'method'}")

    def __str__(self) -> str:
        head = (
            f'<svg viewBox="0 0 {_short(self.width)} {_short(self.height)}" role="img" '
            f"aria-label={quoteattr(self.title)} style={quoteattr(f'--w:{_short(self.width)}px')}>"
        )
        return "".join([head, *self.parts, "</svg>"])


def width_of(text: str, size: float = 11) -> float:
    """How wide `text` will be at most, about."""
    return len(text) * size * LETTER


def shortened(text: str, room: float, size: float = 11) -> str:
    """`text`, or its beginning and "…" if it does not fit."""
    fits = int(room / (size * LETTER))
    return text if len(text) <= fits else text[: max(fits - 1, 1)].rstrip() + "…"


def wrapped(text: str, room: float, size: float = 11) -> list[str]:
    """`text` on one line or two, broken at a blank, a hyphen or an underscore."""
    if width_of(text, size) <= room:
        return [text]
    fits = max(int(room / (size * LETTER)), 2)
    cut = max((text.rfind(mark, 1, fits) + (mark != " ") for mark in " -_·"), default=0)
    cut = cut if cut > 1 else fits
    return [text[:cut].rstrip(), shortened(text[cut:].lstrip(), room, size)]


def _short(value: Any) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
