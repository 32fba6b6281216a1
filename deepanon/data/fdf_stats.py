"""What of FDF lies in a folder: which parts, how many of each, what is missing, and under which licences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepanon.data import SPLITS
from deepanon.data.fdf_layout import numbers_in, open_array
from deepanon.data.fdf_meta import licence_report
from deepanon.errors import DataError

METAINFO = "fdf_metainfo.json"
KINDS = ("images", "bounding_box", "landmarks")
ARRAYS = (".npy", ".torch")


@dataclass(frozen=True)
class Part:
    """One folder of pictures or one array.

    Attributes:
        name: path below the root, without the suffix of an array.
        count: pictures or rows; None = it is not there or cannot be read.
        problem: why it cannot be read; "" where it can, and where it is simply missing.
    """

    name: str
    count: int | None
    problem: str = ""


def is_fdf(root: str | Path) -> bool:
    """Whether any part of FDF or FDF256 lies in the folder."""
    return bool(_homes(Path(root)))


def describe_fdf(root: str | Path) -> dict[str, Any]:
    """Everything as plain numbers, ready for JSON.

    Args:
        root: folder of FDF, whole or not.

    Returns:
        `parts`: name -> pictures or rows, or None; `missing`: one line for each thing that a reader would miss;
        `faces`, `licences` and `authors` as in `LicenceReport` where there is metainfo.

    Raises:
        DataError: no part of FDF is there, or the metainfo cannot be understood.
    """
    root = Path(root)
    homes = _homes(root)
    if not homes:
        raise DataError(f"{root}: no part of FDF ({METAINFO}, {', '.join(KINDS)}; at the top or in train/ and val/)")
    parts, missing = {}, []
    for home in homes:
        found = list(_parts(root, home))
        parts |= {part.name: part.count for part in found}
        missing += _missing(found)
    if "" not in homes:
        missing += [f"{split}/: nothing of it is there" for split in SPLITS if split not in homes]
    facts: dict[str, Any] = {"parts": parts, "missing": missing}
    if not any((root / home / METAINFO).is_file() for home in ("", *SPLITS)):
        missing.append(f"{METAINFO}: not there; without it licences and authors are unknown")
        return facts
    report = licence_report(root)
    return facts | {"faces": report.faces} | asdict(report)


def _homes(root: Path) -> list[str]:
    """Where parts lie: "" = at the top, as downloaded; "train" and "val" in the later layouts."""
    return [home for home in ("", *SPLITS) if any(_there(root / home / name) for name in (METAINFO, *KINDS))]


def _there(stem: Path) -> bool:
    return stem.exists() or any(Path(f"{stem}{suffix}").is_file() for suffix in ARRAYS)


def _parts(root: Path, home: str) -> Iterator[Part]:
    """The parts that belong together in one home, whether they are there or not."""
    folder = root / home
    names = [path.stem for kind in KINDS if (folder / kind).is_dir() for path in (folder / kind).iterdir()
             if path.is_dir() or path.suffix in ARRAYS]  # fmt: skip
    sides = sorted({int(name) for name in names if name.isdecimal()})
    for kind in KINDS:
        sized = sides and (not home or kind != "landmarks")  # of the later layouts, landmarks fit every size
        for name in [f"{kind}/{side}" for side in sides] if sized else [kind]:
            yield _part(folder / name, (Path(home) / name).as_posix(), kind)


def _part(stem: Path, name: str, kind: str) -> Part:
    if not _there(stem):
        return Part(name, None)
    try:
        return Part(name, len((numbers_in(stem) if kind == "images" else open_array(stem))[0]))
    except (DataError, OSError) as error:
        return Part(name, None, str(error))


def _missing(parts: list[Part]) -> Iterator[str]:
    """What is not there, not readable, or of another length than the longest."""
    most = max((part.count or 0 for part in parts), default=0)
    for part in parts:
        pictures = part.name.split("/")[-1] == "images" or "images/" in part.name
        if part.count is None:
            how = "fdf-download --images fetches them" if pictures else "fdf-download fetches it with the metainfo"
            yield f"{part.name}: {part.problem or f'not there; {how}'}"
        elif part.count != most:
            yield f"{part.name}: {most - part.count:,} of {most:,} {'pictures' if pictures else 'rows'} are not there"


def fdf_table(facts: Mapping[str, Any]) -> str:
    """What `describe_fdf` found, to read."""
    return ""
