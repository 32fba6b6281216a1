"""Writing the report of an audit: `audit.json`, `index.html` and `table.md` in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deepanon.audit.measures import METRICS
from deepanon.audit.report.lookup import Lookup
from deepanon.audit.report.page import page
from deepanon.audit.report.stored import published, write_result
from deepanon.audit.report.summary import sentences
from deepanon.audit.report.tables import control_table, matrix_table, verdict_table
from deepanon.audit.result import AuditResult
from deepanon.evaluation.metric import Metric
from deepanon.evaluation.report.folder import refuse_photos_inside, write_files
from deepanon.evaluation.report.markdown import markdown
from deepanon.evaluation.report.pictures import read_pictures


def write_report(
    result: AuditResult,
    folder: str | Path,
    pictures: str | Path | None = None,
    originals: bool = True,
    photos_allowed: bool = False,
    metrics: Mapping[str, Metric] = METRICS,
) -> Path:
    """Write the report; it holds nothing that is not in `result` or in `pictures`.

    Args:
        result: of the audit.
        folder: for the three files; made if it is missing, files of these names are replaced.
        pictures: folder of sample pictures with `index.json` (`rebuilt.add_faces`); without it the report has none.
        originals: show originals. Without them no face that was rebuilt from a photograph is shown either.
        photos_allowed: show photographs of real people, and what was rebuilt from them: say so only if the licence of
            the data allows that. What is not marked as drawn or generated counts as a photograph.
        metrics: what the metrics mean.

    Returns:
        The path of `index.html`.

    Raises:
        OptionError: a metric is unknown, or photographs would come to lie in a folder whose page is to have none.
        DataError: the folder of pictures is damaged, or `result` is not what its type says.
        SaveError: a file cannot be written.
    """
    folder, kept = Path(folder), Path(pictures) if pictures is not None else None
    listed = read_pictures(kept) if kept is not None else []
    if kept is not None and not photos_allowed:
        refuse_photos_inside(folder, kept, listed, "choose another folder, or say that they may be shown")
    lookup = Lookup(published(result), metrics)
    contents = {
        "table.md": _markdown(lookup),
        "index.html": page(lookup, listed, kept, originals, photos_allowed),
    }
    write_result(result, folder)
    return write_files(folder, contents)


def _markdown(lookup: Lookup) -> str:
    left = [
        f"{attack} was not run against {method}: {why}"
        for method in lookup.methods
        for attack, why in lookup.not_run(method).items()
    ]
    tables = {
        "Can anybody get the face back?": [verdict_table(lookup), matrix_table(lookup)],
        "Controls": [control_table(lookup)],
    }
    return markdown(tables, " ".join(sentences(lookup)), [*left, *lookup.result.notes])
