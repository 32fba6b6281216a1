"""A contact sheet: crops with box and keypoints drawn in, so that a person sees at a glance whether a set is right."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deepanon.data.packed_files import arrays_name, read_arrays, read_members, shard_name, stored_schema
from deepanon.detections import KeypointSchema
from deepanon.errors import DataError, OptionError
from deepanon.geometry import Array

TILE, GAP, MARGIN, CAPTION, HEAD = 168, 10, 28, 20, 84  # pixels
INK, SOFT, PAPER, FRAME = "#1c1c1c", "#6a6a6a", "#ffffff", "#ffb000"
EYES = {"left eye": "#2f7bff", "right eye": "#ff3b30"}  # two colours, so that swapped sides show
OTHER = "#30d158"


def draw_contact_sheet(root: str | Path, split: str = "train", columns: int = 8, rows: int = 6) -> Image.Image:
    """Draw `columns` x `rows` crops, evenly spread over the split, in order.

    Raises:
        DataError: the split or one of the chosen crops cannot be read.
        OptionError: no tiles are asked for.
    """
    if columns < 1 or rows < 1:
        raise OptionError(f"a sheet needs at least one column and row, got {columns} x {rows}")
    root = Path(root)
    arrays, schema = read_arrays(root / arrays_name(split)), stored_schema(root)
    n = len(arrays["key"])
    chosen = np.unique(np.linspace(0, n - 1, min(n, columns * rows)).round().astype(int))
    pictures = _pictures(root, split, arrays, chosen)
    height = -(-len(chosen) // columns)
    sheet = Image.new(
        "RGB", (2 * MARGIN + columns * (TILE + GAP) - GAP, HEAD + height * (TILE + CAPTION + GAP) + MARGIN), PAPER
    )
    draw = ImageDraw.Draw(sheet)
    side = pictures[int(chosen[0])].width
    _draw_head(draw, f"{root.resolve().name} · {split} · {n:,} crops of {side} px, {len(chosen)} shown", schema)
    for place, row in enumerate(chosen.tolist()):
        x, y = MARGIN + place % columns * (TILE + GAP), HEAD + place // columns * (TILE + CAPTION + GAP)
        sheet.paste(_tile(pictures[row], arrays["box"][row], arrays["keypoints"][row], schema), (x, y))
        draw.text((x, y + TILE + 3), _caption(arrays, row), fill=SOFT, font=ImageFont.load_default(12))
    return sheet


def _pictures(root: Path, split: str, arrays: dict[str, Array], chosen: Array) -> dict[int, Image.Image]:
    """Row -> decoded crop."""
    wanted = {(int(arrays["shard"][row]), str(arrays["key"][row])): int(row) for row in chosen}
    found: dict[int, Image.Image] = {}
    for number in sorted({shard for shard, _ in wanted}):
        path = root / shard_name(split, number)
        for name, blob in read_members(path):
            row = wanted.get((number, Path(name).stem))  # of whatever suffix, as `PackedCrops` has it
            if row is not None:
                found[row] = _decoded(blob, f"{path}:{name}")
    missing = sorted(set(wanted.values()) - found.keys())
    if missing:
        raise DataError(f"{root}: {arrays['key'][missing[0]]} of {split!r} is not in the shards")
    return found


def _decoded(blob: bytes, name: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(blob)) as opened:
            return opened.convert("RGB")
    except Exception as error:  # Pillow's decoders raise whatever they like on damaged files
        raise DataError(f"{name}: not a readable picture ({error})") from None


def _draw_head(draw: ImageDraw.ImageDraw, title: str, schema: KeypointSchema) -> None:
    draw.text((MARGIN, 16), title, fill=INK, font=ImageFont.load_default(22))
    x, font = MARGIN, ImageFont.load_default(14)
    for name, colour in {
        **{_where(name, schema): colour for name, colour in EYES.items()},
        "other keypoints": OTHER,
    }.items():
        _dot(draw, x + 6, 58, colour)
        draw.text((x + 18, 50), name, fill=SOFT, font=font)
        x += int(draw.textlength(name, font=font)) + 44
    draw.rectangle((x, 52, x + 14, 64), outline=FRAME, width=2)
    draw.text((x + 22, 50), f"face box        keypoint schema {schema.name!r}", fill=SOFT, font=font)


def _where(name: str, schema: KeypointSchema) -> str:
    """A point's name, and on which side of an upright picture it has to be."""
    side = "left" if schema.template[schema.points.index(name)][0] < 0.5 else "right"
    return f"{name}: belongs {side} in the picture"


def _tile(picture: Image.Image, box: Array, points: Array, schema: KeypointSchema) -> Image.Image:
    tile = picture.resize((TILE, TILE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(tile)
    draw.rectangle((np.clip(box, -1, 2) * TILE).tolist(), outline=FRAME, width=2)
    for name, (x, y) in zip(schema.points, (points * TILE).tolist(), strict=True):
        if np.isfinite([x, y]).all():
            _dot(draw, x, y, EYES.get(name, OTHER))
    return tile


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, colour: str) -> None:
    draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill="white")
    draw.ellipse((x - 3.5, y - 3.5, x + 3.5, y + 3.5), fill=colour)


def _caption(arrays: dict[str, Array], row: int) -> str:
    parts = [str(arrays["key"][row])]
    if "source" in arrays:
        parts.append(str(arrays["source"][row]))
    if "crop_side" in arrays:
        parts.append(f"{arrays['crop_side'][row]} px")
    return " · ".join(parts)
