"""The official archives of FDF and FDF256: where they are, what they may be used for, and fetching them.

Addresses, sums and counts are those of `download.py`, `download_fdf256.py` and `README.md` in github.com/hukkelas/FDF.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepanon.data.download import fetch
from deepanon.data.fdf.unzip import unzip
from deepanon.errors import DataError, OptionError, lookup
from deepanon.files import replacing

BASE_URL = "https://api.loke.aws.unit.no/dlr-gui-backend-resources-content/v2/contents/links"
STATE = "fdf_download.json"  # of which data set the folder is, and which archives are unpacked
LICENCES = {
    "cc-by-2": "CC BY 2.0: credit the photographer",
    "cc-by-sa-2": "CC BY-SA 2.0: credit the photographer, share under the same licence",
    "cc-by-nc-2": "CC BY-NC 2.0: credit the photographer, not for commercial use",
    "cc-by-nc-sa-2": "CC BY-NC-SA 2.0: credit, not for commercial use, share under the same licence",
}
TERMS = """\
FDF's faces are photographs of real people, crawled from Flickr. Its authors offer them for academic or open-source
projects; each photo keeps its own licence, and some ask for credit to the photographer (named in the metainfo) and for
saying what was changed. Networks trained on them inherit that. People can have their photos taken out: follow new
releases of the metainfo, and leave out what was withdrawn. The metainfo itself is under Apache-2.0."""


@dataclass(frozen=True)
class Archive:
    """One zip file.

    Attributes:
        path: below the base address.
        md5: published sum, or None.
        size: bytes as published, rounded to 0.1 GB, or None.
        rename: first folder of its members and what that becomes.
    """

    path: str
    md5: str | None = None
    size: float | None = None
    rename: tuple[str, str] = ("", "")


FDF = {
    "metainfo": Archive(
        "87c06e58-a6cc-4299-81b6-c36f2bed6a0ce5810e37-59d6-4d8f-9e86-fdafe7b58c86106c2d7d-91e8-4c80-986a-0ccdbe02ddb0",
        rename=("metainfo", ""),
    ),
    "cc-by-2": Archive(
        "30d325f8-f726-4974-96d5-5cb351f58db378d1ec02-3261-492d-a77d-194efc8e32d6becdc34b-0f1f-45ec-9a6a-dc2bff37f3d8",
        size=13.1e9,
        rename=("cc-by-2", "images"),
    ),
    "cc-by-nc-2": Archive(
        "e0dd287a-9a55-4082-a100-842279450bd9aa116eea-73fd-42e3-8b6a-6e3bb3e5629b765d7093-c784-4c69-90b2-694adf76c992",
        size=10.9e9,
        rename=("cc-by-nc-2", "images"),
    ),
    "cc-by-nc-sa-2": Archive(
        "cc32f149-d109-4e1e-ae6d-aa92dc10148e56a00d43-8d11-4ce4-b5f9-5ac4419bc86b2b3cfe29-74dd-4ef1-893f-f87b41170b12",
        size=23.4e9,
        rename=("cc-by-nc-sa-2", "images"),
    ),
    "cc-by-sa-2": Archive(
        "21aeaf4d-c6e9-4dfe-86ce-2203601623bfa9028100-9e89-49eb-8426-99eccd5ea7ac06082e81-0c2e-45b4-827d-a4abae7a9e78",
        size=7.4e9,
        rename=("cc-by-sa-2", "images"),
    ),
}
FDF256 = {
    "metainfo": Archive(
        "b704049a-d465-4a07-9cb3-ca270ffab80292e4d5ac-6172-4d37-bf63-4438f61f8aa0e1f6483d-5d45-40b5-b356-10b71fc00e89",
        md5="b790269bd64e9a6c1b1b032a9ff60410",
    ),
    "cc-by-2": Archive(
        "cb545564-120f-4f35-8b68-63e59e4fd273b1c36452-21e7-4976-85dd-a86c0738ebc256264f20-f969-4a82-ae1c-f6345d8e8d1f",
        md5="e45e313358a5912927ed3a8aa620b3b1",
    ),
    "cc-by-nc-2": Archive(
        "da46d666-4378-4e75-9182-e683ebe08f2e9203750f-7ed8-42f7-8bce-90a7dfddd3764401df36-a3c3-4d39-ae8e-0cb4397e5c74",
        md5="12c531a59a47783bca53d69b04653805",
    ),
    "cc-by-nc-sa-2": Archive(
        "33bb6132-a30e-4169-a09e-48b94cd5e09010fd8f59-1db9-4192-96f0-83d18adf50b4ee3ab25c-b8f8-4c40-a8ba-eaa64d830412",
        md5="afad28fdb033ae57ce5e5e2d95a6be18",
    ),
    "cc-by-sa-2": Archive(
        "4e5c27bd-f5fd-4dd3-bf2b-4434a8952df0ff4d11f8-e993-4517-9378-b35d89e7882ecae76ce7-88a0-417b-b5d8-e030863e97f6",
        md5="2cd40e77def0e14148530d7f250a199e",
    ),
}
CATALOGUES = {"FDF": FDF, "FDF256": FDF256}


def chosen_archives(licences: Sequence[str] | None, images: bool, catalogue: dict[str, Archive]) -> dict[str, Archive]:
    """The metainfo, and the images under `licences` (None = all) if images are wanted.

    Raises:
        OptionError: an unknown licence.
    """
    unknown = sorted(set(licences or ()) - LICENCES.keys())
    if unknown:
        raise OptionError(f"unknown licences {unknown}; choose from: {', '.join(LICENCES)}")
    wanted = [name for name in LICENCES if images and (licences is None or name in licences)]
    return {name: catalogue[name] for name in ("metainfo", *wanted)}


def download_fdf(
    data_set: str,
    archives: dict[str, Archive],
    out: str | Path,
    base_url: str = BASE_URL,
    keep_archives: bool = False,
    watch: Callable[[str, int, int | None], None] | None = None,
) -> list[str]:
    """Fetch and unpack what is not there yet, one archive after the other; started again, it goes on.

    Args:
        data_set: "FDF" or "FDF256", whose archives have the same names: a folder holds one of them.
        archives: name -> archive; the zip files become `<name>.zip` in `out`.
        out: folder of the data set.
        base_url: where the archives are.
        keep_archives: keep the zip files after unpacking.
        watch: called with what is being done, how much of it is, and how much it will be if known.

    Returns:
        The names of the archives that were fetched and unpacked now.

    Raises:
        DataError: the folder is of the other data set, an archive cannot be fetched or unpacked, or there is no room;
            see `fetch` and `unzip`.
        OptionError: an unknown data set.
    """
    lookup(CATALOGUES, data_set, "data set")
    out = Path(out)
    done = _done(out, data_set)
    todo = {name: archive for name, archive in archives.items() if name not in done}
    _check_room(out, todo, keep_archives)
    if todo:
        _note(out, data_set, done)  # before anything is fetched: a part is of one data set, too
    for name, archive in todo.items():
        zip_file = out / f"{name}.zip"
        fetch(f"{base_url.rstrip('/')}/{archive.path}", zip_file, archive.md5, _tell(watch, f"fetching {name}"))
        unzip(zip_file, out, archive.rename, _tell(watch, f"unpacking {name}"))
        done.append(name)
        _note(out, data_set, done)
        if not keep_archives:
            zip_file.unlink()
    return list(todo)


def _tell(watch: Callable[[str, int, int | None], None] | None, what: str) -> Callable[[int, int | None], None] | None:
    return None if watch is None else lambda done, total: watch(what, done, total)


def _note(out: Path, data_set: str, done: list[str]) -> None:
    with replacing(out / STATE) as path:
        path.write_text(json.dumps({"data_set": data_set, "unpacked": done}) + "\n")


def _done(out: Path, data_set: str) -> list[str]:
    """What is unpacked in the folder, of this data set and no other."""
    path = out / STATE
    if not path.is_file():
        return []
    try:
        state = json.loads(path.read_text())
        known, done = state["data_set"], list(state["unpacked"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: not readable ({error!r}); delete it to begin again") from None
    if known != data_set:
        raise DataError(f"{out} holds {known}, by its {STATE}; fetch {data_set} into a folder of its own")
    return done


def _check_room(out: Path, todo: dict[str, Archive], keep: bool) -> None:
    """PNGs hardly shrink in a zip: everything unpacked, and beside it the largest archive, or all that are kept."""
    sizes = [archive.size or 0.0 for archive in todo.values()]
    needed = sum(sizes) + (sum(sizes) if keep else max(sizes, default=0.0))
    existing = next(path for path in (out.resolve(), *out.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise DataError(f"{out}: about {needed / 1e9:.0f} GB needed and {free / 1e9:.0f} GB free; fewer --licences?")
