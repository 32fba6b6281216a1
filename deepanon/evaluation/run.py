"""Study after study, and a report after each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
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

    A study that fails stops no other: what the others found is in the report, and the report says what is missing.

    Args:
        studies: of different names.
        methods: what they measure; described in the report, and shown on drawn faces.
        folder: the report goes to `report/` in it, sample pictures to `pictures/`.
        seeds: of methods that draw by chance.
        weights: files of what was learnt, by name, for the record.
        no_photos: leave every photograph out of the report.
        progress: name of a study -> what wraps its photos, such as `tqdm`.

    Returns:
        What was found, and one sentence for every study that failed.

    Raises:
        SaveError: the report cannot be written.
    """
    started, folder = datetime.now(UTC), Path(folder)
    results, failures = Results([], methods=described(methods, seeds)), []
    pictures = Pictures(folder / "pictures", fresh=True)
    drawn_pictures(methods, 0, pictures.folder)
    for study in studies:
        start = time.perf_counter()
        try:
            study.observe(progress(study.name))
            results.values += study.values()
            results.sets[study.name] = study.facts
            if isinstance(study, PhotoStudy | PeopleStudy):
                add_examples(pictures, study.name, study.observations, study.examples())
            log.info("%s: %.0f s", study.name, time.perf_counter() - start)
        except (DeepanonError, OSError) as error:
            failures.append(f"{study.name}: {' '.join(str(error).split())}")
            log.error("%s", failures[-1])
            results.notes.append(f"Not measured: {failures[-1]}")
        results.provenance = collect(
            started=started,
            seeds=seeds,
            weights=weights,
            data={name: facts["fingerprint"] for name, facts in results.sets.items()},
        )
        write_report(results, folder / "report", pictures.folder, no_photos)
    return results, failures
