"""Writing a report: `index.html`, `table.md`, `table.tex` and `results.json` in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepanon.evaluation.metric import Metric
from deepanon.evaluation.metrics import METRICS
from deepanon.evaluation.report.folder import refuse_photos_inside, write_files
from deepanon.evaluation.report.latex import latex
from deepanon.evaluation.report.lookup import Lookup
from deepanon.evaluation.report.markdown import markdown
from deepanon.evaluation.report.page import SECTIONS, page
from deepanon.evaluation.report.pictures import read_pictures
from deepanon.evaluation.report.results import FILE, Results
from deepanon.evaluation.report.summary import sentences
from deepanon.evaluation.report.tables import main_tables


def write_report(
    results: Results,
    folder: str | Path,
    pictures: str | Path | None = None,
    no_photos: bool = False,
    metrics: Mapping[str, Metric] = METRICS,
) -> Path:
    """Write the report of `results`; it holds nothing that is not in `results` or in `pictures`.

    Args:
        results: what was measured.
        folder: for the four files; made if it is missing, files of these names are replaced.
        pictures: folder of sample pictures with `index.json`; without it the report has none.
        no_photos: leave out every picture that is not marked as drawn or generated. What is not marked counts as a
            photograph.
        metrics: what the metrics mean.

    Returns:
        The path of `index.html`.

    Raises:
        OptionError: a metric is unknown, or photographs would come to lie in the folder of a report without photos.
        DataError: the folder of pictures is damaged.
        SaveError: a file cannot be written.
    """
    folder = Path(folder)
    shown = read_pictures(pictures) if pictures is not None else []
    if no_photos and pictures is not None:
        refuse_photos_inside(folder, Path(pictures), shown)
    lookup = Lookup(results.published(), metrics)
    tables = {heading: main_tables(lookup, part) for part, heading in SECTIONS.items()}
    contents = {
        FILE: results.text(),
        "table.md": markdown(tables, " ".join(sentences(lookup)), results.notes),
        "table.tex": latex(tables),
        "index.html": page(lookup, shown, Path(pictures) if pictures is not None else None, no_photos),
    }
    return write_files(folder, contents)
