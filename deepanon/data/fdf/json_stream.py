"""A large JSON object, entry by entry: FDF's metainfo has some two gigabytes, several times that once parsed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepanon.errors import DataError

CHUNK = 4 * 2**20  # characters read at a time
LONGEST = 2 * CHUNK  # an entry that is not complete after so many is malformed
DECODER = json.JSONDecoder()
OPENING, BETWEEN, COLON = re.compile(r"\s*\{"), re.compile(r"[\s,]*"), re.compile(r"\s*:\s*")


def object_entries(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of the JSON object in a UTF-8 file, in its order.

    Raises:
        DataError: not an object, malformed or cut off; the message says near which character.
    """
    try:
        yield from _read(path)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error})") from None


def _read(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        text, before = stream.read(CHUNK), 0  # `before`: characters that came before `text`
        start = OPENING.match(text)
        if not start:
            raise DataError(f"{path}: does not hold a JSON object")
        at = start.end()
        while True:
            entry = _next(text, at)
            while entry is None:
                piece = stream.read(CHUNK) if len(text) - at < LONGEST else ""
                if not piece:
                    raise DataError(f"{path}: malformed or cut off near character {before + at}")
                text, before, at = text[at:] + piece, before + at, 0
                entry = _next(text, at)
            key, value, at = entry
            if key is None:
                return
            yield key, value


def _next(text: str, at: int) -> tuple[str | None, Any, int] | None:
    """(key, value, where it ends); key None at the closing brace; None if no whole entry stands at `at`."""
    space = BETWEEN.match(text, at)
    at = space.end() if space else at
    if text[at : at + 1] == "}":
        return None, None, at
    try:
        key, at = DECODER.raw_decode(text, at)
        colon = COLON.match(text, at)
        if colon is None:
            return None
        value, at = DECODER.raw_decode(text, colon.end())
    except ValueError:
        return None
    return key, value, at
