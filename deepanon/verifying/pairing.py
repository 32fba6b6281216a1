"""Which output belongs to which original."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from deepanon.errors import OptionError
from deepanon.files import walk
from deepanon.images import WRITERS
from deepanon.kinds import is_film, written_as

PHOTO, FILM = "photo", "film"


@dataclass(frozen=True)
class Pair:
    """One original and what should be its output; `name` is its path below the folder, with slashes."""

    original: Path
    output: Path
    name: str


@dataclass(frozen=True)
class Pairs:
    """What is to be compared, and what cannot be.

    Attributes:
        both: pairs of which both files are there.
        missing: names of pictures and films of the original without an output.
        extra: names of files of the output without an original.
        passed_over: names of files of the original that are neither pictures nor films as far as is known here.
    """

    both: list[Pair]
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def kind_of(path: Path) -> str | None:
    """`PHOTO`, `FILM`, or None for what is neither."""
    if is_film(path):
        return FILM
    return PHOTO if path.suffix.lower() in WRITERS else None


def make_pairs(original: str | Path, output: str | Path) -> Pairs:
    """Pair two files, or everything in two folders by its path.

    Raises:
        OptionError: something is not there, only one of the two is a film, a folder is compared with a file, or there
            is no picture in the original.
    """
    original, output = Path(original), Path(output)
    for path in (original, output):
        if not path.exists():
            raise OptionError(f"{path}: no such file or folder")
    if original.is_dir():
        if not output.is_dir():
            raise OptionError(f"{original} is a folder, and {output} is none")
        return _folders(original, output)
    output = output / written_as(original.name) if output.is_dir() else output
    if kind_of(original) is None:
        raise OptionError(f"{original}: neither a picture nor a film")
    if not output.exists():
        return Pairs([], [original.name])
    return Pairs([Pair(original, output, original.name)])


def _folders(original: Path, output: Path) -> Pairs:
    before, after = _below(original, output), _below(output, original)
    wanted = [name for name, path in before.items() if kind_of(path)]
    if not wanted:
        raise OptionError(f"no pictures and no films in {original}")
    return Pairs(
        [Pair(before[name], after[written_as(name)], name) for name in wanted if written_as(name) in after],
        [name for name in wanted if written_as(name) not in after],
        [name for name in after if name not in {written_as(name) for name in before}],
        [name for name in before if name not in wanted],
    )


def _below(folder: Path, other: Path) -> dict[str, Path]:
    """All files below `folder` by their name; without those below `other`, where that lies in it."""
    inner = other.resolve()
    nested = folder.resolve() in inner.parents
    found = (path for path in walk(folder) if not (nested and inner in path.resolve().parents))
    return dict(sorted((path.relative_to(folder).as_posix(), path) for path in found))
