"""What must not be published with numbers: where files lie on somebody's machine, and with it who they are."""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath
from typing import Any

ENDS = r"\s=,;\[\]{}()'\"<>|"  # what a path in running text does not go beyond
START = rf"(?:(?<=^)|(?<=[{ENDS}:@]))(?:file://)?(?:~|/(?=[^{ENDS}/])|[A-Za-z]:[\\/]|\\\\)"
ABSOLUTE = re.compile(rf"{START}[^{ENDS}]*[\\/][^{ENDS}]*")
QUOTED = re.compile(rf"(?<=(['\"])){START}[^'\"]*[\\/][^'\"]*(?=\1)")  # between quotes it may hold blanks
IN_ARGUMENT = re.compile(r"[^=,\[\]{}'\"]*[\\/][^=,\[\]{}'\"]*")


def without_paths(tree: Any) -> Any:
    """The same plain values; in every text, paths from the root of a disk or from a home are reduced to names."""
    if isinstance(tree, dict):
        return {without_paths(key): without_paths(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [without_paths(item) for item in tree]
    if not isinstance(tree, str):
        return tree
    home = str(Path.home())
    known = tree.replace(home, "~") if len(home) > 1 else tree  # a home with blanks in it, before words are looked at
    for pattern in (QUOTED, ABSOLUTE):
        known = pattern.sub(lambda found: last_name(found[0]), known)
    return known


def argument(text: str) -> str:
    """An argument of a command line, all folders left out: "data.root=/home/jo/val" -> "data.root=val"."""
    return IN_ARGUMENT.sub(lambda found: last_name(found[0]), text)


def last_name(path: str) -> str:
    """The last name of a path in the spelling of any system."""
    return PureWindowsPath(path.strip()).name or "~"
