"""Measure what anonymization costs and protects: `python evaluate.py data.root=FOLDER`; see docs/evaluation.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from tqdm import tqdm

from deepanon.anonymizers import ANONYMIZERS, Anonymizer, build_anonymizer
from deepanon.data.pairs import make_pairs, read_pairs
from deepanon.data.people import read_people
from deepanon.data.wider import is_official, read_wider
from deepanon.data.wider_truth import read_wider_truth
from deepanon.errors import DeepanonError, OptionError, lookup
from deepanon.evaluation import (
    CropStudy,
    Method,
    NewFaces,
    PeopleStudy,
    PhotoStudy,
    QualityStudy,
    Regions,
    Store,
    Study,
    build_variants,
    run,
)
from deepanon.evaluation.newfaces import measure_cost
from deepanon.evaluation.observing import CONTEXT, JPEG, NONE
from deepanon.evaluation.quality import Lpips
from deepanon.evaluation.report import Results, card_table, terminal_tables
from deepanon.files import replacing
from deepanon.weights import DEFAULT, model_path

Methods = dict[str, Anonymizer]
WRONG = (DeepanonError, OSError, TypeError, ValueError, InstantiationException, OmegaConfBaseException)


def build_methods(names: list[str] | None, options: dict[str, dict[str, Any]]) -> Methods:
    """The methods by name, in order."""
    if names is not None and not isinstance(names, list):
        raise OptionError(f"methods must be a list such as '[gan,pixelate8]', got {names!r}")
    faces = [name for name in ANONYMIZERS if name not in ("plate", "cloak")]  # a cloak needs weights of yours
    chosen = faces if names is None else [name for name in names if name != NONE]
    unused = options.keys() - set(chosen)
    if unused:
        raise OptionError(f"options given for methods that are not measured: {', '.join(sorted(unused))}")
    return {name: build_anonymizer(name, **options.get(name, {})) for name in chosen}


def named(config: DictConfig, group: str, names: Sequence[str]) -> dict[str, Any]:
    """The objects of `names` in a group of the config; the others are not built."""
    if isinstance(names, str):
        raise OptionError(f"{group} must be a list of names such as '[{names}]'")
    return {name: instantiate(lookup(dict(config[group]), name, group.removesuffix("s"))) for name in names}


def progress(name: str) -> Any:
    """A bar in a terminal, a line a minute in a log."""
    return partial(tqdm, desc=name, mininterval=0.5 if sys.stderr.isatty() else 60)


def roots(value: Any) -> list[Path]:
    """One folder or a list of them."""
    several = [value] if isinstance(value, str) else value or []
    return [Path(os.path.abspath(root)) for root in several]  # with a name, even of "."; links keep theirs


def photo_studies(config: DictConfig, methods: Methods, store: Store) -> Iterator[PhotoStudy]:
    """What a detector still finds, one study a folder."""
    data, several = config.data, roots(config.data.root)
    for root in several:
        save = data.save and (Path(data.save) / root.name if len(several) > 1 else Path(data.save))
        yield PhotoStudy(
            root.name,
            read_wider(root, data.limit),
            Regions(instantiate(config.finder), data.regions),
            build_variants(methods, list(config.seeds), (NONE, JPEG)),
            named(config, "scorers", data.scorers),
            named(config, "attributes", data.attributes),
            store,
            read_wider_truth(root) if is_official(root) and data.protocol != "coco" else None,
            data.protocol,
            config.reference,
            save,
            config.resamples,
            config.seed,
        )


def people_studies(config: DictConfig, methods: Methods, store: Store) -> Iterator[PeopleStudy]:
    """Who is recognised."""
    people = config.people
    for root in roots(people.root):
        if not people.recognisers:
            raise OptionError("people.recognisers names no recogniser: give one of `recognisers`, with its weights")
        photos = read_people(root, people.limit)
        if people.pairs is None:
            pairs = make_pairs(photos, people.folds, people.per_fold, config.seed)
        else:
            pairs = read_pairs(people.pairs, photos)
        yield PeopleStudy(
            root.stem,
            photos,
            Regions(instantiate(config.finder), "detected"),
            build_variants(methods, list(config.seeds), (NONE, CONTEXT)),
            named(config, "recognisers", people.recognisers),
            named(config, "scorers", [people.attacker])[people.attacker],
            pairs,
            store,
            config.resamples,
            config.seed,
        )


def crop_studies(config: DictConfig, methods: Methods, store: Store, zero: Methods) -> Iterator[CropStudy]:
    """How real and how varied new faces look."""
    crops = config.crops
    for root in roots(crops.root):
        quality = QualityStudy(
            root.name,
            instantiate(crops.held_out, root=str(root)),
            list(named(config, "embedders", crops.embedders).values()),
            instantiate(crops.trained_on, root=str(root)) if crops.train else None,
            crops.limit,
            crops.train_limit,
            list(config.seeds),
            lpips=crops.lpips and Lpips(crops.lpips),
            cache=store,
            progress=progress(root.name),
            resamples=config.resamples,
        )
        chosen = [Method(name, method, method.description, method.random) for name, method in (methods | zero).items()]
        eyes = [named(config, group, crops[group]) for group in ("recognisers", "scorers")]
        yield CropStudy(quality, chosen, NewFaces(quality, *eyes) if any(eyes) else None)


def build(config: DictConfig) -> tuple[list[Study], Methods]:
    """Everything that can fail quickly: methods, photos, detectors, recognisers, embedders."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    methods = build_methods(plain["methods"], plain["options"])
    if config.reference is not None:
        lookup(dict.fromkeys((NONE, JPEG, *ANONYMIZERS)), config.reference, "reference")
    zero: Methods = {}
    if "gan" in methods:
        zero["gan z=0"] = build_anonymizer("gan", **plain["options"].get("gan", {}) | {"z": "zero"})
    store = Store(Path(config.output) / "observed.sqlite")
    studies: list[Study] = [
        *photo_studies(config, methods, store),
        *people_studies(config, methods, store),
        *crop_studies(config, methods, store, zero),
    ]
    if not studies:
        raise OptionError(
            "there is nothing to measure: give data.root=FOLDER (photos with faces, in WIDER layout), "
            "people.root=FOLDER (photos of known people, in LFW layout) or crops.root=FOLDER (held-out crops)"
        )
    names = [study.name for study in studies]
    if len(set(names)) < len(names):
        raise OptionError(f"two sets have one name: {', '.join(names)}; rename a folder")
    return studies, methods | zero


def checked(config: DictConfig) -> tuple[list[Study], Methods]:
    """`build`, ending the program with one line if a value is wrong."""
    try:
        return build(config)
    except WRONG as error:
        sys.exit(f"evaluate.py: {_reason(error)}")


def _reason(error: Exception) -> str:
    """One line: what the constructor said; what Hydra wraps around it only if that is needed to know where."""
    clear = isinstance(error.__cause__, DeepanonError | OSError)
    return " ".join(str(error.__cause__ if clear else error).split())


def weight_files(config: DictConfig) -> dict[str, str]:
    """Files of what was learnt, by what uses them; of what this run does not use, none."""
    groups = {
        "data": ("scorers", "attributes"),
        "people": ("recognisers",),
        "crops": ("embedders", "recognisers", "scorers"),
    }
    parts = [part for part in groups if config[part].root is not None]
    used = {f"{group}.{name}": config[group][name] for p in parts for group in groups[p] for name in config[p][group]}
    if "people" in parts:
        used[f"scorers.{config.people.attacker}"] = config.scorers[config.people.attacker]
    if parts != ["crops"]:
        used["finder"] = config.finder
    nodes = [(name, node) for name, leaf in used.items() for node in (leaf, *leaf.values()) if OmegaConf.is_dict(node)]
    files = {name: str(node.weights) for name, node in nodes if node.get("weights")}
    beside = {f"{name}.bin": Path(file).with_suffix(".bin") for name, file in files.items() if file.endswith(".xml")}
    files |= {name: str(file) for name, file in beside.items() if file.is_file()}  # OpenVINO's numbers
    if config.methods is not None and "gan" not in config.methods:
        return files
    return files | {"gan": str(model_path(model_of(config)))}


def model_of(config: DictConfig) -> str:
    """Name or file of the generator that "gan" draws with."""
    return str(config.options.get("gan", {}).get("model", DEFAULT))


def write_card(config: DictConfig, results: Results) -> str:
    """Write the figures of the generator's card beside the report; returns them."""
    table = card_table(results, "gan", measure_cost(model_of(config)))
    with replacing(Path(config.output) / "report" / "card.md") as temporary:
        temporary.write_text(table, encoding="utf-8")
    return table


@hydra.main(config_path="configs", config_name="evaluate", version_base="1.3")
def main(config: DictConfig) -> None:
    """Entry point."""
    studies, methods = checked(config)
    try:
        results, failures = run(
            studies, methods, config.output, list(config.seeds), weight_files(config), config.no_photos, progress
        )
        card = write_card(config, results) if config.card else ""
    except (DeepanonError, OSError) as error:
        sys.exit(f"evaluate.py: {error}")
    print(terminal_tables(results), card, sep="\n")
    print(f"report: {Path(config.output) / 'report' / 'index.html'}")
    if failures:
        sys.exit("\n".join(f"evaluate.py: {failure}" for failure in failures))


if __name__ == "__main__":
    main()
