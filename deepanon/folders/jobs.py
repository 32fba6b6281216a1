"""Which files are to be done, in an order that does not change, without a list of them: there may be millions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deepanon.errors import OptionError
from deepanon.files import walk
from deepanon.images import WRITERS
from deepanon.kinds import FILMS, OTHER_FILMS, written_as

DONE = (*WRITERS, ".gif", *FILMS, *OTHER_FILMS)


@dataclass(frozen=True)
class Job:
    """One file to do: `name` is its path below the output folder, with slashes; it also keys detections and seeds."""

    source: Path
    name: str


class Plan(Protocol):
    """What is to be done; both lists can be gone through again."""

    @property
    def total(self) -> int:
        """How many jobs there are."""
        ...

    def jobs(self) -> Iterator[Job]:
        """The files to do, in order."""
        ...

    def left_out(self) -> Iterator[Path]:
        """The files that were found and will not be in the output."""
        ...


@dataclass(frozen=True)
class Listed:
    """A plan that somebody else made."""

    found: list[Job]
    others: list[Path] = field(default_factory=list)

    def jobs(self) -> Iterator[Job]:
        """The files to do, in order."""
        return iter(self.found)

    def left_out(self) -> Iterator[Path]:
        """The files that will not be in the output."""
        return iter(self.others)

    @property
    def total(self) -> int:
        """How many files there are."""
        return len(self.found)


@dataclass(frozen=True)
class Shard:
    """One of several equal shares of the files, for as many machines; which file is in which depends on its name alone.

    Attributes:
        number: from 1.
        of: how many there are.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard called "2/5"; `OptionError` otherwise."""
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise OptionError(f"{text!r} is no shard; say which of how many, from 1/4 to 4/4")
        return cls(int(found[1]), int(found[2]))

    def holds(self, name: str) -> bool:
        """Whether the file called `name` belongs to it."""
        return self.of == 1 or int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}-of-{self.of}"


def journal_folder(output: str | Path) -> Path:
    """Where the journals of an output folder lie: beside it, so that nothing but results is in it."""
    output = Path(output).resolve()
    return output.with_name(f".{output.name}.journal")


class Files:
    """The pictures and films of `inputs`, files and folders; sub-folders are kept as part of the name.

    With several inputs each folder's own name comes first, so that equal file names do not collide.

    Args:
        inputs: files and folders.
        output: folder of the results; if it lies in an input, it is passed over there.
        shard: the share of the files to do.
        suffixes: of the files to do; files given by name are done whatever they are called.

    Raises:
        OptionError: an input does not exist, two files would get one name, a folder cannot be listed, there is nothing
            to do, or `output` lies inside an input folder and holds pictures that it did not get from here.
    """

    def __init__(
        self,
        inputs: Sequence[str | Path],
        output: str | Path | None = None,
        shard: Shard | None = None,
        suffixes: Sequence[str] = DONE,
    ) -> None:
        self.inputs = [Path(given) for given in inputs]
        self.output = None if output is None else Path(output).resolve()
        self.shard, self.suffixes = shard or Shard(), tuple(suffixes)
        for path in self.inputs:
            if not path.exists():
                raise OptionError(f"{path}: no such file or folder")
        self._refuse_mixture()
        self._refuse_collisions()
        mine = [self.shard.holds(job.name) for job in self._found()]  # all of it, so that what is wrong is said now
        self.total = sum(mine)
        if not mine:
            looked = ", ".join(self.suffixes)
            raise OptionError(f"no pictures in {', '.join(map(str, self.inputs))} (looked for {looked})")

    def jobs(self) -> Iterator[Job]:
        """The files of this shard, in order."""
        return (job for job in self._found() if self.shard.holds(job.name))

    def left_out(self) -> Iterator[Path]:
        """Every file that is neither picture nor film; the first shard names them."""
        if self.shard.number == 1:
            for folder in filter(Path.is_dir, self.inputs):
                yield from (path for path in self._walk(folder) if path.suffix.lower() not in self.suffixes)

    @property
    def folders(self) -> bool:
        """Whether a folder is among the inputs."""
        return any(path.is_dir() for path in self.inputs)

    def _found(self) -> Iterator[Job]:
        for path in self.inputs:
            if not path.is_dir():
                yield Job(path, written_as(path.name))
                continue
            prefix = f"{path.resolve().name}/" if len(self.inputs) > 1 else ""
            for found in self._walk(path):
                if found.suffix.lower() in self.suffixes:
                    yield Job(found, prefix + _unique(found, path))

    def _walk(self, folder: Path) -> Iterator[Path]:
        """The files of an input folder, but for those of an output that lies in it."""
        own: set[Path] = set()
        if self.output is not None and folder.resolve() in self.output.parents:
            own = {self.output, journal_folder(self.output)}
        for path in walk(folder):
            if not own & set(path.resolve().parents):
                yield path

    def _refuse_mixture(self) -> None:
        """Refuse an output that is an input, or lies in one and holds pictures that may be originals."""
        if self.output is None:
            return
        for folder in filter(Path.is_dir, self.inputs):
            if folder.resolve() == self.output:
                raise OptionError(f"{folder}: source and target are the same folder; inputs are never modified")
        if not self.output.is_dir() or journal_folder(self.output).is_dir():
            return
        for folder in filter(Path.is_dir, self.inputs):
            if folder.resolve() in self.output.parents:
                for path in walk(self.output):
                    if path.suffix.lower() in self.suffixes:
                        raise OptionError(
                            f"{self.output} lies inside {folder} and already holds {path.name}: choose another output"
                        )

    def _refuse_collisions(self) -> None:
        first: dict[str, Path] = {}
        for path in self.inputs:
            name = path.resolve().name if path.is_dir() else written_as(path.name)
            if name in first:
                raise OptionError(f"{first[name]} and {path} would both become {name}; do them separately")
            first[name] = path


def _unique(found: Path, folder: Path) -> str:
    """The name of the result of `found` in `folder`; `OptionError` if another file has it."""
    name = written_as(found.relative_to(folder).as_posix())
    if found.name != Path(name).name and found.with_name(Path(name).name).exists():
        raise OptionError(f"{found} and {found.with_name(Path(name).name)} would both become {name}; rename one")
    return name
