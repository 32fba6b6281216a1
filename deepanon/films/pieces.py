"""Pieces of a new film, compressed, on the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deepanon.files import replacing
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Piece:
    """Compressed packets of consecutive frames that need no others.

    Attributes:
        pts: (P,) int64 when each is shown, in the film's time base; in the order of decoding.
        dts: (P,) int64 when each is decoded.
        keys: (P,) bool, whether it needs no other packet.
        data: their bytes.
    """

    pts: Array
    dts: Array
    keys: Array
    data: list[bytes] = field(repr=False)

    def save(self, path: str | Path) -> None:
        """Write it whole or not at all."""
        sizes = np.array([len(part) for part in self.data], dtype=np.int64)
        joined = np.frombuffer(b"".join(self.data), dtype=np.uint8)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, pts=self.pts, dts=self.dts, keys=self.keys, sizes=sizes, joined=joined)

    @classmethod
    def load(cls, path: str | Path) -> Piece:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            ends = np.cumsum(stored["sizes"])
            joined = stored["joined"].tobytes()
            starts = ends - stored["sizes"]
            data = [joined[start:end] for start, end in zip(starts, ends, strict=True)]
            return cls(stored["pts"], stored["dts"], stored["keys"], data)
