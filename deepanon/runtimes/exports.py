"""Generators in the form of another runtime, kept in the user's cache: exporting takes seconds, reading none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from deepanon.errors import SaveError
from deepanon.files import cache_folder, saving, sha256_of_sources
from deepanon.weights import LoadedGenerator

log = logging.getLogger(__name__)

SOURCES = ("models", "runtimes", "weights/onnx.py")  # what decides how an export comes out
SEAL = b"deepanon-export-1\n"


class Exports:
    """One generator's export to one runtime.

    Its name in the cache is a sum over weights and arguments of the network, the code that exports, and the versions of
    the packages that do it: what any other version made is never read. The file begins with the SHA-256 of the rest,
    so that a damaged one is made anew.

    Args:
        loaded: the generator.
        kind: of export; part of the file's name.
        packages: distributions whose versions count.
    """

    def __init__(self, loaded: LoadedGenerator, kind: str, packages: Sequence[str]) -> None:
        self.kind = kind
        self.key = fingerprint(loaded, [f"{name} {version(name)}" for name in packages])
        folder = cache_folder()
        self.path = None if folder is None else folder / "generators" / f"{kind}-{self.key[:32]}.bin"

    def model(self, export: Callable[[Path], None]) -> Mapping[str, bytes]:
        """Content by file name, from the cache if it is there and whole, else as `export` writes it into a folder.

        Raises:
            DeepanonError: those of `export`.
        """
        if (found := self._read()) is not None:
            return found
        log.warning("the generator is put into the form of runtime %s, which takes some seconds", self.kind)
        with tempfile.TemporaryDirectory() as folder:
            export(Path(folder))
            made = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
        self._write(made)
        return made

    def forget(self) -> None:
        """Remove what was kept: it could not be used."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()

    def _read(self) -> dict[str, bytes] | None:
        try:
            content = b"" if self.path is None else self.path.read_bytes()
        except OSError:
            return None
        head, body = content[: len(SEAL) + 32], content[len(SEAL) + 32 :]
        if head != SEAL + hashlib.sha256(body).digest():
            if content:
                log.warning("%s is damaged and is made again", self.path)
            return None
        return unpacked(body)

    def _write(self, made: Mapping[str, bytes]) -> None:
        if self.path is None:
            return
        body = packed(made)
        try:
            with saving(self.path) as temporary:
                temporary.write_bytes(SEAL + hashlib.sha256(body).digest() + body)
        except SaveError as error:
            log.warning("the generator is exported anew each time: %s", error)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Names and lengths in a line of JSON, then the contents."""
    head = json.dumps([[name, len(content)] for name, content in files.items()]).encode()
    return b"\n".join([head, b"".join(files.values())])


def unpacked(body: bytes) -> dict[str, bytes]:
    """What `packed` put together."""
    head, _, rest = body.partition(b"\n")
    files, start = {}, 0
    for name, length in json.loads(head):
        files[name] = rest[start : start + length]
        start += length
    return files


def fingerprint(loaded: LoadedGenerator, further: Sequence[str] = ()) -> str:
    """SHA-256 in hex over a network's arguments and weights, the code that runs it, and `further` texts."""
    network, digest = loaded.network, hashlib.sha256()
    about = [network.architecture, network.kwargs, sha256_of_sources(SOURCES), *further]
    digest.update(json.dumps(about, sort_keys=True).encode())
    for name, value in network.state_dict().items():
        digest.update(f"{name}\0{value.dtype}\0".encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
