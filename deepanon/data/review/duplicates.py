"""Near-duplicates among many pictures: 64-bit gradient hashes, and all pairs within a distance in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, pairwise

import cv2
import numpy as np

from deepanon.errors import OptionError
from deepanon.geometry import Array

BITS = 64
THUMB = 16  # px
DISTANCE, LEVELS = 6, 8.0  # what counts as the same picture; see `near_duplicates`
BLOCK = 1024  # so many rows are compared with so many others at a time
ONES = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.uint8)


def gradient_hash(grey: Array) -> int:
    """64-bit dHash of an (H, W) uint8 picture: is each of 8 x 8 cells darker than its right neighbour?"""
    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(small[:, :-1] < small[:, 1:]).tobytes(), "big")


def thumbnail(grey: Array) -> Array:
    """(H, W) uint8 -> (16, 16) uint8, by area."""
    return np.asarray(cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA))


def near_duplicates(hashes: Array, thumbnails: Array, distance: int = DISTANCE, levels: float = LEVELS) -> Array:
    """Pairs of pictures that look the same: near in their hashes and in their thumbnails.

    The hash alone takes all frontal faces before plain walls for one another; the thumbnails tell them apart. The
    defaults were set by eye on pairs of portraits: within them every pair was one photo, saved, scaled or tinted
    differently; just beyond the levels pairs were of different people.

    Args:
        hashes: (N,) uint64 `gradient_hash`.
        thumbnails: (N, 16, 16) uint8 `thumbnail`.
        distance: bits in which hashes may differ.
        levels: mean absolute difference of the thumbnails, of 255.

    Returns:
        (M, 2) int64 rows, the smaller first, sorted.
    """
    found = [np.zeros((0, 2), dtype=np.int64)]
    for pairs in near_pairs(hashes, distance):
        difference = np.abs(thumbnails[pairs[:, 0]].astype(np.int16) - thumbnails[pairs[:, 1]]).mean(axis=(1, 2))
        found.append(pairs[difference <= levels])
    rows = np.concatenate(found)
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def near_pairs(hashes: Array, distance: int) -> Iterator[Array]:
    """Every pair of rows whose hashes differ in at most `distance` bits, once, in blocks.

    Two hashes that differ in d bits agree in at least one of d + 1 pieces, so only rows that share one are compared.

    Args:
        hashes: (N,) uint64.
        distance: 0 to 15 bits.

    Yields:
        (M, 2) int64 row numbers, the smaller first.
    """
    if not 0 <= distance <= 15:
        raise OptionError(f"distance must be 0 to 15 bits, got {distance}")
    pieces = _pieces(np.asarray(hashes, dtype=np.uint64), distance + 1)
    for number, piece in enumerate(pieces):
        order = np.argsort(piece, kind="stable")
        starts = np.flatnonzero(np.diff(piece[order], prepend=piece[order][:1] ^ np.uint64(1)))
        for rows in np.split(order, starts[1:]):
            if len(rows) > 1:
                yield from _pairs_within(rows, hashes, pieces[:number], distance)


def _pieces(hashes: Array, count: int) -> list[Array]:
    """Cut 64-bit numbers into `count` runs of bits of about one length."""
    edges = [BITS * i // count for i in range(count + 1)]
    return [(hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1) for low, high in pairwise(edges)]


def _pairs_within(rows: Array, hashes: Array, earlier: list[Array], distance: int) -> Iterator[Array]:
    """Pairs of one bucket that are near, without those that shared an earlier piece and were found there."""
    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    for one, other in combinations_with_replacement(range(len(blocks)), 2):
        near = bit_distance(hashes[blocks[one]][:, None], hashes[blocks[other]][None]) <= distance
        first, second = np.nonzero(np.triu(near, k=1) if one == other else near)
        a, b = blocks[one][first], blocks[other][second]
        fresh = np.ones(len(a), dtype=bool)
        for piece in earlier:
            fresh &= piece[a] != piece[b]
        if fresh.any():
            yield np.sort(np.stack([a[fresh], b[fresh]], axis=1), axis=1)


def bit_distance(a: Array, b: Array) -> Array:
    """Number of bits in which two uint64 arrays of one shape differ."""
    different = np.ascontiguousarray(np.bitwise_xor(a, b), dtype=np.uint64)
    return np.asarray(ONES[different.view(np.uint8)].reshape(*different.shape, 8).sum(-1, dtype=np.uint8))
