"""Pairs of photos of one person or of two, in folds: the form of LFW's verification benchmark (Huang et al. 2007)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from deepanon.checks import check_count
from deepanon.data.wider import AnnotatedPhoto
from deepanon.errors import DataError
from deepanon.geometry import Array


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of photos, by position in a list of photos.

    Attributes:
        first: (P,) int64.
        second: (P,) int64; the photo of a pair that is anonymized.
        same: (P,) bool, both show one person.
        fold: (P,) int64 from 0.
    """

    first: Array
    second: Array
    same: Array
    fold: Array

    def __len__(self) -> int:
        return len(self.first)

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return int(self.fold.max()) + 1 if len(self) else 0

    def only(self, keep: Array) -> Pairs:
        """The pairs for which the (P,) bool `keep` holds."""
        return Pairs(self.first[keep], self.second[keep], self.same[keep], self.fold[keep])


def read_pairs(path: str | Path, photos: Sequence[AnnotatedPhoto]) -> Pairs:
    """Read a list of pairs of LFW.

    `pairs.txt` says "10\\t300", then 300 lines "name i j" and 300 "name i name j", ten times. The lists of View 1,
    `pairsDevTrain.txt` and `pairsDevTest.txt`, say "1100" and have one fold.

    Args:
        path: the list.
        photos: from `read_people`; "name i" is the photo whose name ends in "name/name_000i" and a suffix.

    Raises:
        DataError: no such file, a line that cannot be understood, fewer or more lines than the first one says, or a
            photo that is not among `photos`; the message names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such list of pairs; make them from the photos instead (make_pairs)")
    lines = path.read_text(encoding="utf-8").splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    head = re.fullmatch(r"\s*(?:(\d+)\s+)?(\d+)\s*", lines[0] if lines else "")
    if not head or not int(head[2]):
        raise DataError(f"{path}:1: expected the number of folds and of pairs, as '10\\t300', or of pairs, as '1100'")
    folds, each = int(head[1] or 1), int(head[2])
    if len(lines) - 1 != 2 * folds * each:
        raise DataError(
            f"{path}: {folds} times {each} + {each} pairs are {2 * folds * each} lines, not {len(lines) - 1}"
        )
    known = {_stem(photo.name): row for row, photo in enumerate(photos)}
    rows = [_line(line, f"{path}:{at}", known) for at, line in enumerate(lines[1:], start=2)]
    first, second, same = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    order = np.arange(len(rows))
    wrong = same != (order // each % 2 == 0)
    if wrong.any():
        raise DataError(f"{path}:{wrong.argmax() + 2}: a fold lists {each} pairs of one person, then {each} of two")
    return Pairs(first, second, same > 0, order // (2 * each))


def _line(line: str, where: str, known: dict[str, int]) -> tuple[int, int, int]:
    """Rows of both photos, and whether they show one person."""
    parts = line.split()
    numbers = parts[1:] if len(parts) == 3 else parts[1::2]
    if len(parts) not in (3, 4) or not all(number.isdecimal() for number in numbers):
        raise DataError(f"{where}: expected 'name i j' or 'name i name j', got {line!r}")
    people = (parts[0], parts[0] if len(parts) == 3 else parts[2])
    stems = [f"{name}/{name}_{int(number):04d}" for name, number in zip(people, numbers, strict=True)]
    for stem in stems:
        if stem not in known:
            raise DataError(f"{where}: there is no photo {stem}; the list belongs to other photos, or some are missing")
    return known[stems[0]], known[stems[1]], int(len(parts) == 3)


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def make_pairs(photos: Sequence[AnnotatedPhoto], folds: int = 10, per_fold: int = 300, seed: int = 0) -> Pairs:
    """Pairs in LFW's form for any photos of known people: in every fold as many of one person as of two.

    Nobody is in two folds, so a threshold from the others never saw the people it is used on. No pair comes twice.
    Everybody, and every two people, get a pair before anybody gets a second one.

    Args:
        photos: with `person`.
        folds: how many.
        per_fold: pairs of one person a fold, and as many of two; fewer where there are not so many, but the same number
            in every fold.
        seed: decides everything.

    Raises:
        DataError: too few people, or too few of whom there are two photos.
        OptionError: `folds` or `per_fold` is too small.
    """
    check_count("folds", folds, least=2)
    check_count("per_fold", per_fold)
    rng = np.random.default_rng(seed)
    names, person = np.unique([photo.person for photo in photos], return_inverse=True)
    fold_of = _people_folds(np.bincount(person, minlength=len(names)), folds, rng)
    found = [_fold_pairs(np.flatnonzero(fold_of[person] == fold), person, rng) for fold in range(folds)]
    each = min(per_fold, *(len(rows) for kinds in found for rows in kinds))
    taken = [rows[:each] for kinds in found for rows in kinds]  # fold by fold: of one person, of two
    pairs = np.concatenate(taken)
    kind = np.arange(len(pairs)) // each
    return Pairs(pairs[:, 0], pairs[:, 1], kind % 2 == 0, kind // 2)


def _people_folds(photos_each: Array, folds: int, rng: np.random.Generator) -> Array:
    """(P,) fold of every person: those with several photos and those with one are dealt out in turn."""
    several = np.flatnonzero(photos_each > 1)
    if len(several) < folds or len(photos_each) < 2 * folds:
        raise DataError(
            f"{folds} folds need {folds} people with two photos or more and {2 * folds} people in all; there are "
            f"{len(several)} and {len(photos_each)}: ask for fewer folds"
        )
    order = np.concatenate([rng.permutation(several), rng.permutation(np.flatnonzero(photos_each == 1))])
    fold = np.empty(len(photos_each), dtype=np.int64)
    fold[order] = np.arange(len(order)) % folds
    return fold


def _fold_pairs(rows: Array, person: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """All (M, 2) pairs of photos of one person and of two, in the order in which they are to be taken."""
    a, b = (rows[side] for side in np.triu_indices(len(rows), 1))
    flip = rng.random(len(a)) < 0.5  # else the later photo would always be the anonymized one
    pairs = np.where(flip[:, None], np.stack([b, a], 1), np.stack([a, b], 1))
    same = person[a] == person[b]
    groups = np.minimum(person[a], person[b]) * (person.max() + 1) + np.maximum(person[a], person[b])
    return tuple(pairs[kind][_in_turn(groups[kind], rng)] for kind in (same, ~same))


def _in_turn(groups: Array, rng: np.random.Generator) -> Array:
    """A random order of (M,) items in which every group has its first item before any has its second."""
    order = rng.permutation(len(groups))
    _, group, sizes = np.unique(groups[order], return_inverse=True, return_counts=True)
    by_group = np.argsort(group, kind="stable")
    turn = np.empty(len(order), dtype=np.int64)
    turn[by_group] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[np.argsort(turn, kind="stable")]
