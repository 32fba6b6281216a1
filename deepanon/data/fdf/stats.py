"""What of FDF lies in a folder: which parts, how many of each, what is missing, and under which licences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepanon.data import SPLITS
from deepanon.data.fdf.layout import numbers_in, open_array, sizes_in
from deepanon.data.fdf.meta import LicenceReport, licence_report
from deepanon.errors import DataError

METAINFO = "fdf_metainfo.json"
KINDS = ("images", "bounding_box", "landmarks")
ARRAYS = (".npy", ".torch")
FETCH = "deepanon data fdf-download"


@dataclass(frozen=True)
class Part:
    """One folder of pictures or one array.

    Attributes:
        name: path below the root, without the suffix of an array.
        pictures: a folder of pictures, not an array.
        count: pictures or rows; None = it is not there or cannot be read.
        problem: why it cannot be read; "" where it can, and where it is simply missing.
    """

    name: str
    pictures: bool
    count: int | None
    problem: str = ""

    @property
    def unit(self) -> str:
        """What is counted."""
        return "pictures" if self.pictures else "rows"


def is_fdf(root: str | Path) -> bool:
    """Whether any part of FDF or FDF256 lies in the folder."""
    return bool(_homes(Path(root)))


def describe_fdf(root: str | Path) -> dict[str, Any]:
    """Everything as plain numbers, ready for JSON.

    Args:
        root: folder of FDF, whole or not.

    Returns:
        `parts`: name -> pictures or rows, or None where it is not there; `missing`: a line for each thing that a reader
        would miss; `faces`, `licences` and `authors` as in `LicenceReport`, where there is metainfo.

    Raises:
        DataError: no part of FDF is there, or the metainfo cannot be understood.
    """
    root = Path(root)
    homes = _homes(root)
    if not homes:
        raise DataError(f"{root}: no part of FDF ({METAINFO}, {', '.join(KINDS)}; at the top or in train/ and val/)")
    found = {home: list(_parts(root, home)) for home in homes}
    missing = [line for parts in found.values() for line in _missing(parts)]
    if "" not in homes:
        missing += [f"{split}: nothing of this split is there" for split in SPLITS if split not in homes]
    facts: dict[str, Any] = {"parts": {part.name: part.count for parts in found.values() for part in parts}}
    if any((root / home / METAINFO).is_file() for home in ("", *SPLITS)):
        report = licence_report(root)
        facts |= {"faces": report.faces} | asdict(report)
    else:
        missing.append(f"{METAINFO}: not there, so licences and authors are unknown; {FETCH} fetches it")
    return facts | {"missing": missing}


def _homes(root: Path) -> list[str]:
    """Where parts lie: "" = at the top, as downloaded; "train" and "val" in the later layouts."""
    with_data = [home for home in ("", *SPLITS) if any(_is_there(root / home / kind) for kind in KINDS)]
    return with_data or [home for home in ("", *SPLITS) if (root / home / METAINFO).is_file()]


def _is_there(stem: Path) -> bool:
    return stem.is_dir() or any(Path(f"{stem}{suffix}").is_file() for suffix in ARRAYS)


def _parts(root: Path, home: str) -> Iterator[Part]:
    """The parts that belong together in one home, whether they are there or not."""
    folder = root / home
    sides = set(sizes_in(folder / "images")) if (folder / "images").is_dir() else set()
    for kind in KINDS[1:]:
        arrays = (folder / kind).iterdir() if (folder / kind).is_dir() else ()
        sides |= {int(path.stem) for path in arrays if path.suffix in ARRAYS and path.stem.isdecimal()}
    for kind in KINDS:
        sized = sides and (not home or kind != "landmarks")  # in the later layouts these are fractions, for every size
        for name in [f"{kind}/{side}" for side in sorted(sides)] if sized else [kind]:
            yield _part(folder / name, Path(home, name).as_posix(), kind == "images")


def _part(stem: Path, name: str, pictures: bool) -> Part:
    if not _is_there(stem):
        return Part(name, pictures, None)
    try:
        return Part(name, pictures, len((numbers_in(stem) if pictures else open_array(stem))[0]))
    except DataError as error:
        return Part(name, pictures, None, str(error))


def _missing(parts: list[Part]) -> Iterator[str]:
    """What is not there, cannot be read, or is shorter than the longest."""
    most = max((part.count or 0 for part in parts), default=0)
    for part in parts:
        if part.count is None:
            yield part.problem or f"{part.name}: not there; {FETCH}{' --images' * part.pictures} fetches it"
        elif part.count < most:
            yield f"{part.name}: {most - part.count:,} of {most:,} {part.unit} are not there"


def fdf_table(facts: Mapping[str, Any]) -> str:
    """What `describe_fdf` found, to read."""
    width = max(map(len, facts["parts"]))
    lines = [f"{name:<{width}} {'-' if n is None else format(n, ','):>12}" for name, n in facts["parts"].items()]
    if "faces" in facts:
        lines += ["", str(LicenceReport(facts["licences"], facts["authors"]))]
    lines += ["", "missing: " + ("nothing" if not facts["missing"] else "")]
    lines += [f"  {line}" for line in facts["missing"]]
    return "\n".join(line.rstrip() for line in lines)
