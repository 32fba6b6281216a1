"""Unpacking an archive that nobody vouches for: nothing lands outside, nothing is overwritten, nothing half written."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from deepanon.errors import DataError
from deepanon.files import replacing


def unzip(
    archive: str | Path,
    root: str | Path,
    rename: tuple[str, str] = ("", ""),
    watch: Callable[[int, int], None] | None = None,
) -> int:
    """Unpack `archive` below `root`; files that are there already with the right size are kept, so that it can go on.

    Args:
        archive: zip file.
        root: folder; made if it is missing.
        rename: first folder of the members, and what it becomes ("" = nothing); others keep their names.
        watch: called with the members done and in all.

    Returns:
        Number of files in the archive.

    Raises:
        DataError: no zip file, damaged, a member that would land outside `root` or is a link, a file of that name and
            another size is there, or no room on the disk. Names are checked before anything is written.
    """
    archive, root = Path(archive), Path(root)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            targets = [root / _safe(member, rename, archive) for member in members]
            todo = [(m, t) for m, t in zip(members, targets, strict=True) if not _is_there(m, t)]
            _check_room(root, sum(member.file_size for member, _ in todo))
            for number, (member, target) in enumerate(todo, start=1 + len(members) - len(todo)):
                with replacing(target) as temporary, opened.open(member) as source, temporary.open("wb") as stream:
                    shutil.copyfileobj(source, stream)
                if watch:
                    watch(number, len(members))
            return len(members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{archive}: not a readable zip file ({error})") from error


def _safe(member: zipfile.ZipInfo, rename: tuple[str, str], archive: Path) -> Path:
    """Where a member goes, relative to the root."""
    path = PurePosixPath(member.orig_filename)
    link = stat.S_ISLNK(member.external_attr >> 16)
    odd = any(mark in member.orig_filename for mark in ("\\", "\0", ":"))
    if path.is_absolute() or ".." in path.parts or not path.parts or odd or link:
        what = "is a link" if link else "would land outside the folder"
        raise DataError(f"{archive}: member {member.orig_filename!r} {what}; nothing was unpacked")
    old, new = rename
    if old and path.parts[0] == old and len(path.parts) > 1:
        path = PurePosixPath(new, *path.parts[1:])
    return Path(path)


def _is_there(member: zipfile.ZipInfo, target: Path) -> bool:
    if not target.exists() and not target.is_symlink():
        return False
    if target.is_symlink() or not target.is_file() or target.stat().st_size != member.file_size:
        raise DataError(f"{target} is there and is not what the archive holds; move it away")
    return True


def _check_room(root: Path, size: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(root).free
    if size > free:
        raise DataError(f"{root}: {size / 1e9:.1f} GB to unpack and {free / 1e9:.1f} GB free")
