"""Study after study, and a report after each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deepanon.anonymizers import Anonymizer
from deepanon.errors import DeepanonError
from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.observing.variants import described
from deepanon.evaluation.report import Pictures, Results, collect, drawn_pictures, write_report
from deepanon.evaluation.studies import PeopleStudy, PhotoStudy, Study, add_examples

log = logging.getLogger(__name__)


def run(
    studies: Sequence[Study],
    methods: Mapping[str, Anonymizer],
    folder: str | Path,
    seeds: Sequence[int] = (0, 1, 2),
    weights: Mapping[str, str | Path] | None = None,
    no_photos: bool = False,
    progress: Callable[[str], Progress] = lambda name: iter,
) -> tuple[Results, list[str]]:
    """Measure every study and write the report after each.

    A study that fails stops no other: what the others found is in the report, and the report says what is missing. Why
    it is missing may name a photo and with it a person, so a report without photos leaves that to the log.

    Args:
        studies: of different names.
        methods: what they measure; described in the report, and shown on drawn faces.
        folder: the report goes to `report/` in it, sample pictures to `pictures/`.
        seeds: of methods that draw by chance.
        weights: files of what was learnt, by name, for the record.
        no_photos: leave every photograph out of the report.
        progress: name of a study -> what wraps its photos, such as `tqdm`.

    Returns:
        What was found, and one sentence for everything that failed.

    Raises:
        SaveError: the report cannot be written.
    """
    started, folder = datetime.now(UTC), Path(folder)
    results, failures = Results([], methods=described(methods, seeds)), []
    shown = Pictures(folder / "pictures", fresh=True).folder
    drawn_pictures(methods, 0, shown)
    pictures = Pictures(shown)  # goes on with the drawn ones
    for at, study in enumerate(studies, 1):
        start = time.perf_counter()
        for failed, what in _measured(study, results, pictures, progress(study.name)):
            failures.append(f"{study.name}: {what}")
            log.error("%s", failures[-1])
            results.notes.append(f"{failed}: {study.name if no_photos else failures[-1]}")
        log.info("%s: %.0f s", study.name, time.perf_counter() - start)
        results.provenance = collect(
            started=started,
            seeds=seeds,
            weights=weights,
            data={name: facts["fingerprint"] for name, facts in results.sets.items()},
        )
        waiting = [f"Not measured yet: {other.name}" for other in studies[at:]]
        so_far = replace(results, notes=results.notes + waiting)
        write_report(so_far, folder / "report", shown if pictures.pictures else None, no_photos)
    return results, failures


def _measured(study: Study, results: Results, pictures: Pictures, progress: Progress) -> Iterator[tuple[str, str]]:
    """Add what a study finds to `results` and `pictures`; yield what failed, and why.

    Numbers come first: they stand even if their pictures cannot be shown.
    """
    missing = "Not measured"
    try:
        study.observe(progress)
        values, facts = study.values(), study.facts
        results.values += values
        results.sets[study.name] = facts
        missing = "Measured, but not shown"
        if isinstance(study, PhotoStudy | PeopleStudy):
            add_examples(pictures, study.name, study.observations, study.examples())
    except (DeepanonError, OSError) as error:
        yield missing, " ".join(str(error).split())
