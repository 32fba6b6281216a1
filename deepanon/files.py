"""Files: written so that nothing is ever half written, found so that none is passed over, named by their sum."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deepanon.errors import OptionError, SaveError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without an exception.

    On an exception the temporary file is removed and `path` stays as it was. The folder is made if it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def saving(path: str | Path) -> Iterator[Path]:
    """`replacing` for what a long run leaves behind: on the disk before it takes its place, and plain about failure.

    Raises:
        SaveError: the disk is full, or the file cannot be written for another reason; what was at `path` stays.
    """
    try:
        with replacing(path) as temporary:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
    except OSError as error:
        raise SaveError(
            f"{path} cannot be written: {error.strerror or error}; what was there before is whole. "
            "Mend that, then start the same command again"
        ) from error


def keep(path: str | Path, as_: str | Path) -> None:
    """Let the file at `path` be found at `as_` too, in place of what was there, also when `path` is replaced later.

    Raises:
        SaveError: it cannot be kept; both stay as they were.
    """
    with saving(as_) as temporary:
        try:
            os.link(path, temporary)  # no second copy, and no moment without a file at `path`
        except OSError:  # a file system without links
            shutil.copyfile(path, temporary)


def remove_parts(folder: str | Path, of: str | None = None) -> list[Path]:
    """Remove what `replacing` left in `folder` when its process was killed; return what was removed.

    Args:
        folder: where to look; need not exist.
        of: name of the file that was to be written; None = any.
    """
    stem, suffix = (re.escape(Path(of).stem), re.escape(Path(of).suffix)) if of else (".+", r"(\.\w+)?")
    left = re.compile(rf"\.{stem}\.[0-9a-f]{{8}}\.part{suffix}")
    parts = [path for path in Path(folder).glob(".*") if left.fullmatch(path.name)]
    for path in parts:
        path.unlink(missing_ok=True)
    return parts


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file in hex."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_sources(names: Iterable[str], but: str = "") -> str:
    """SHA-256 over sources of this package, in hex: what was computed by other code has another key.

    Args:
        names: files ("crops.py") and folders ("models") below the package; of these every `.py`.
        but: beginning of the names of files that do not count.
    """
    root, digest = Path(__file__).parent, hashlib.sha256()
    files = [
        file for name in names for file in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py"))
    ]
    for file in sorted(files):
        name = file.relative_to(root).as_posix()
        if not (but and name.startswith(but)):
            digest.update(f"{name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def named(path: str | Path) -> str:
    """A file for a reader and for a cache key: its name, and the first 16 digits of its SHA-256."""
    return f"{Path(path).name} (SHA-256 {sha256_of(path)[:16]})"


def cache_folder() -> Path | None:
    """Where this package may keep what it can make again: `$XDG_CACHE_HOME/deepanon`, else `~/.cache/deepanon`.

    The folder need not exist. None where neither is known.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        root = Path(given) if os.path.isabs(given) else Path.home() / ".cache"  # the standard has relative ones ignored
    except RuntimeError:  # a user without a home
        return None
    return root / "deepanon"


def walk(folder: str | Path) -> Iterator[Path]:
    """Every file below `folder`, folder by folder, sorted; links to folders are listed but not followed.

    Nothing is passed over: what is no file and no folder is listed too.

    Raises:
        OptionError: a folder cannot be listed.
    """
    for root, folders, files in os.walk(folder, onerror=_unlisted):
        folders.sort()
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        yield from (Path(root) / name for name in sorted([*files, *links]))


def _unlisted(error: OSError) -> None:
    raise OptionError(f"{error.filename}: cannot be listed ({error.strerror}); its photos would be missing")
