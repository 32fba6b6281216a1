"""Fetching one large file over HTTP: goes on where it stopped, notices when the file changed, checks the sum."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import logging
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepanon.errors import DataError, OptionError
from deepanon.files import replacing

log = logging.getLogger(__name__)
CHUNK = 1 << 20
TIMEOUT = 60.0  # seconds without a byte
TRIES = 6  # in a row without a byte of progress
LONGEST_PAUSE = 60.0  # seconds
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may change

Watch = Callable[[int, int | None], None]  # bytes there, bytes in all if known


@dataclass(frozen=True)
class _Remote:
    """What a server said of a file; kept beside the part, so that parts of two versions are never joined."""

    tag: str = ""  # strong ETag, else the date of the last change, else ""
    length: int | None = None


class _Broken(Exception):
    """A try that ended early and may be repeated."""


def fetch(
    url: str,
    target: str | Path,
    md5: str | None = None,
    watch: Watch | None = None,
    tries: int = TRIES,
    pause: float = 1.0,
) -> None:
    """Download `url` to `target`; until it is whole it is `<target>.part`, from which a later call goes on.

    A file already at `target` is kept if its sum is right or unknown.

    Args:
        url: http or https.
        target: file; its folder is made.
        md5: expected sum in hex, or None where nobody published one: then the length alone is checked.
        watch: called with the bytes there so far, and in all if the server said.
        tries: how often in a row to try without a byte of progress.
        pause: seconds before the next try; doubled each time that brought nothing, to a minute at most.

    Raises:
        OptionError: the address is of another kind.
        DataError: refused by the server, no progress after `tries`, wrong sum, or no room on the disk.
    """
    target, part = Path(target), Path(f"{target}.part")
    if not url.startswith(("http://", "https://")):
        raise OptionError(f"{url!r} is no http or https address")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_file():
        _check_sum(target, md5, f"{target} is there, but damaged: delete it to fetch it again")
        return
    failures = 0
    while True:
        before = _size(part)
        try:
            _go_on(url, part, watch)
            break
        except (_Broken, OSError, http.client.HTTPException) as error:
            failures = 0 if _size(part) > before else failures + 1
            if failures >= tries:
                raise DataError(f"{url}: {error}; tried {tries} times, run again to go on from {part}") from error
            time.sleep(min(pause * 2 ** max(failures - 1, 0), LONGEST_PAUSE))
    try:
        _check_sum(part, md5, f"{url}: the sum of the download is wrong; run again to fetch it anew")
    except DataError:
        _discard(part)
        raise
    os.replace(part, target)
    _discard(part)


def _go_on(url: str, part: Path, watch: Watch | None) -> None:
    """One request: append to `part` what is missing, or start over where the server's file is another one."""
    known = _read_facts(part)
    if known is None:  # nobody knows of which version the part is
        if _size(part):
            log.warning("%s: %s does not say which version this is part of; begun again", part, _facts_file(part).name)
        _discard(part)
        known = _Remote()
    offset = _size(part)
    if offset and known.length == offset:
        return
    headers = {"User-Agent": "deepanon", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if known.tag:
            headers["If-Range"] = known.tag
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as answer:
            remote = _facts(answer, known)
            if answer.status == 206 and not _continues(answer, offset, known, remote):
                _discard(part)
                raise _Broken("the file changed on the server")
            if answer.status != 206:  # the whole file: the server knows no ranges, or has another version now
                offset = 0
            _receive(answer, part, offset, remote, watch)
    except urllib.error.HTTPError as error:
        if error.code == 416 and error.headers.get("Content-Range", "") == f"bytes */{offset}":
            return  # the part is whole
        if error.code == 416:  # nothing at this offset: the part is of a longer file
            _discard(part)
            raise _Broken("the file on the server is shorter than what was fetched") from error
        if error.code not in PASSING:
            raise DataError(f"{url}: the server answers {error.code} {error.reason}") from error
        raise _Broken(f"the server answers {error.code} {error.reason}") from error


def _receive(answer: Any, part: Path, offset: int, remote: _Remote, watch: Watch | None) -> None:
    missing = None if remote.length is None else remote.length - offset
    free = shutil.disk_usage(part.parent).free
    if missing is not None and missing > free:
        raise DataError(f"{part.parent}: {missing / 1e9:.1f} GB to fetch and {free / 1e9:.1f} GB free")
    with part.open("ab" if offset else "wb") as stream:
        with replacing(_facts_file(part)) as facts:
            facts.write_text(json.dumps(vars(remote)))
        while chunk := answer.read(CHUNK):
            try:
                stream.write(chunk)
            except OSError as error:  # a full disk does not pass by waiting
                raise DataError(f"{part}: cannot be written ({error}); make room and run again to go on") from error
            offset += len(chunk)
            if watch:
                watch(offset, remote.length)
    if remote.length is not None and offset != remote.length:
        raise _Broken(f"the connection ended after {offset:,} of {remote.length:,} bytes")


def _facts(answer: Any, known: _Remote) -> _Remote:
    """Tag and full length as the headers give them; a partial answer may leave out what is known."""
    etag, changed = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    tag = etag if etag and not etag.startswith("W/") else changed
    full = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.headers.get("Content-Range", ""))
    length = full[1] if full else answer.headers.get("Content-Length") if answer.status == 200 else None
    if answer.status == 206:
        tag, length = tag or known.tag, length or known.length
    return _Remote(tag, None if length is None else int(length))


def _continues(answer: Any, offset: int, known: _Remote, remote: _Remote) -> bool:
    """A partial answer starts where ours ends, and is of the same file as far as anyone can tell."""
    start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    same_tag = not known.tag or not remote.tag or known.tag == remote.tag
    same_length = known.length is None or remote.length is None or known.length == remote.length
    return start is not None and int(start[1]) == offset and same_tag and same_length


def _facts_file(part: Path) -> Path:
    return Path(f"{part}.json")


def _read_facts(part: Path) -> _Remote | None:
    """What was noted beside the part; None if that is missing or makes no sense."""
    try:
        facts = _Remote(**json.loads(_facts_file(part).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    sound = isinstance(facts.tag, str) and (facts.length is None or type(facts.length) is int)
    return facts if sound else None


def _discard(part: Path) -> None:
    for path in (part, _facts_file(part)):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _check_sum(path: Path, md5: str | None, message: str) -> None:
    if md5 is None:
        return
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "md5").hexdigest()
    if found != md5:
        raise DataError(f"{message} (md5 {found}, expected {md5})")
