"""The model card of a generator file: what is known is filled in, what only its maker knows is left open by name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from deepanon.errors import ModelError
from deepanon.weights import LoadedGenerator, load_generator

OPEN = "**to be stated by whoever trained it**"
TEMPLATE = """# Model card: `{name}`

| | |
|---|---|
| Architecture | `{architecture}`, {resolution} px, {parameters:,} parameters |
| Arguments | `{arguments}` |
| Drawn from | surroundings with faces grey, keypoints (schema `{schema}`; {pose_free}), noise ({noise} x 4 x 4) |
| File | `{file}`, float16, {megabytes:.1f} MB |
| SHA-256 | `{sha256}` |
| Made with | {made_with} |

## Training

| | |
|---|---|
| Data | {data} |
{distilled}| Crops | {crops} |
| Images seen | {images_seen} |
| Settings | {settings} |

{schedule}

## Distance to held-out faces

{distances}

## Licence

{licence}

## Use

{use}

## Not for

{not_for}

Whatever it was trained on: what a detector misses stays visible, and hair, clothes and place identify people too.
"""
DISTANCES_NOTE = """Squared Fréchet distance of features, real against drawn, one drawing a crop, compared at that
resolution; in brackets the unbiased kernel distance. Only a row called FID may be compared with FID, and no row with
one of another resolution, number of crops or embedder."""


def model_card(path: str | Path) -> str:
    """The card of a generator file, as Markdown; the file is loaded for it, so a card means that it works.

    Raises:
        ModelError: the file is not a usable generator, or what it says of its training makes no sense.
    """
    path = Path(path)
    loaded, blob = load_generator(path), path.read_bytes()
    about = {"name": path.stem, "file": path.name, "sha256": hashlib.sha256(blob).hexdigest()}
    try:
        return TEMPLATE.format(**about, megabytes=len(blob) / 1e6, **_network(loaded), **_training(loaded))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: its training facts make no sense: {type(error).__name__}: {error}") from error


def _network(loaded: LoadedGenerator) -> dict[str, Any]:
    network = loaded.network
    return {
        "architecture": network.architecture,
        "resolution": network.resolution,
        "parameters": sum(p.numel() for p in network.parameters()),
        "arguments": json.dumps(network.kwargs),
        "schema": loaded.schema.name,
        "pose_free": "can do without" if loaded.pose_free else "a face without them is blacked out",
        "noise": network.noise,
    }


def _training(loaded: LoadedGenerator) -> dict[str, Any]:
    facts = loaded.training
    return {
        "made_with": _pairs(facts.get("made_with")),
        "crops": _pairs(facts.get("crops")),
        "settings": _pairs(facts.get("settings")),
        "images_seen": _count(facts.get("images_seen")),
        "schedule": _schedule(loaded),
        "distilled": _distilled(facts.get("distilled_from")),
        "distances": _distances(facts),
        **{name: facts.get(name, OPEN) for name in ("data", "licence", "use", "not_for")},
    }


def _pairs(values: dict[str, Any] | None) -> str:
    return OPEN if not values else ", ".join(f"{name.replace('_', ' ')} {_count(v)}" for name, v in values.items())


def _distilled(source: dict[str, str] | None) -> str:
    """A row of the table, if it learnt from another generator."""
    return f"| Distilled from | `{source['teacher']}`, SHA-256 `{source['sha256']}` |\n" if source else ""


def _count(value: Any) -> str:
    if value is None:
        return OPEN
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _schedule(loaded: LoadedGenerator) -> str:
    phases = loaded.training.get("schedule")
    if not phases:
        return f"Schedule: {OPEN}"
    rows = [f"| {p['resolution']} px | {p['batch_size']} | {p['fade']:,} | {p['stable']:,} |" for p in phases]
    planned = sum(p["fade"] + p["stable"] for p in phases)
    seen = loaded.training.get("images_seen", 0)
    table = "\n".join(["| schedule | batch | images fading in | images after |", "|---|---|---|---|", *rows])
    if seen >= planned:
        return table
    return f"{table}\n\nMade after {seen:,} of {planned:,} images, fully grown to {loaded.network.resolution} px."


def _distances(facts: dict[str, Any]) -> str:
    measured = facts.get("distances")
    if not measured:
        return f"Not measured in training: {OPEN}"
    head = ["| | face box | whole crop | at | crops | after |", "|---|---|---|---|---|---|"]
    rows = [
        f"| {d['name']} | {d['face']:.4g} ({d['kernel_face']:.3g}) | {d['crop']:.4g} ({d['kernel_crop']:.3g}) "
        f"| {d['resolution']} px | {d['faces']:,} | {d['images_seen']:,} images |"
        for d in measured.values()
    ]
    embedders = [f"- {d['name']}: {d['embedder']}" for d in measured.values()]
    return "\n".join([*head, *rows, "", *embedders, "", DISTANCES_NOTE])
