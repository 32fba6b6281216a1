"""Measure detector-AP retention: `python evaluate.py data.root=FOLDER [methods='[gan,pixelate8]'] [scorer=yunet] …`."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from deepanon.anonymizers import ANONYMIZERS, Anonymizer, build_anonymizer
from deepanon.errors import DeepanonError, OptionError
from deepanon.evaluation import NONE, Retention, RetentionStudy, rows, table
from deepanon.files import replacing

log = logging.getLogger(__name__)


def build_methods(names: list[str] | None, options: dict[str, dict[str, Any]]) -> dict[str, Anonymizer | None]:
    """The methods by name, untouched pictures first."""
    chosen = list(ANONYMIZERS) if names is None else [name for name in names if name != NONE]
    unused = options.keys() - set(chosen)
    if unused:
        raise OptionError(f"options given for methods that are not measured: {', '.join(sorted(unused))}")
    return {NONE: None} | {name: build_anonymizer(name, **options.get(name, {})) for name in chosen}


def build(config: DictConfig) -> tuple[RetentionStudy, dict[str, Anonymizer | None]]:
    """Everything that can fail quickly: methods, photos, detectors."""
    if OmegaConf.is_missing(config.data, "root"):
        raise OptionError("data.root is missing: give a folder in WIDER layout, data.root=FOLDER")
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    names = plain["methods"]
    if names is not None and not isinstance(names, list):
        raise OptionError(f"methods must be a list such as '[gan,pixelate8]', got {names!r}")
    methods = build_methods(names, plain["options"])
    photos = instantiate(config.data)
    regions = instantiate(config.regions)(instantiate(config.finder))  # partial: Hydra would turn photos into dicts
    return instantiate(config.study)(photos, regions, instantiate(config.scorer)), methods


def checked(config: DictConfig) -> tuple[RetentionStudy, dict[str, Anonymizer | None]]:
    """`build`, ending the program with one line if a value is wrong."""
    try:
        return build(config)
    except (DeepanonError, OSError, TypeError, ValueError, InstantiationException, OmegaConfBaseException) as error:
        sys.exit(f"evaluate.py: {_reason(error)}")


def _reason(error: Exception) -> str:
    """One line: what the constructor said; what Hydra wraps around it only if that is needed to know where."""
    clear = isinstance(error.__cause__, DeepanonError | OSError)
    return " ".join(str(error.__cause__ if clear else error).split())


def evaluate(study: RetentionStudy, methods: dict[str, Anonymizer | None]) -> list[Retention]:
    """Measure one method after the other."""
    results = []
    for name, method in methods.items():
        start = time.perf_counter()
        results.append(study.measure(name, method))
        log.info("%s: %.0f s", name, time.perf_counter() - start)
    return results


def write(folder: Path, study: RetentionStudy, results: list[Retention]) -> str:
    """Write `table.txt` and `results.json`; returns the text."""
    text = "\n".join([table(results), "", *study.notes, ""])
    with replacing(folder / "table.txt") as path:
        path.write_text(text, encoding="utf-8")
    with replacing(folder / "results.json") as path:
        content = {"setup": study.setup, "notes": study.notes, "results": rows(results)}
        path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return text


@hydra.main(config_path="configs", config_name="evaluate", version_base="1.3")
def main(config: DictConfig) -> None:
    """Entry point."""
    study, methods = checked(config)
    try:
        print(write(Path(config.output), study, evaluate(study, methods)), end="")
    except (DeepanonError, OSError) as error:
        sys.exit(f"evaluate.py: {error}")


if __name__ == "__main__":
    main()
