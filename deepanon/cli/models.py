"""The command that lists the generators of the package."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "models",
        help="list the generators that ship with deepanon, or show the card of one",
        description="List the generators that ship with deepanon. --model of the other commands takes their names, or "
        "the path of a file made by train.py.",
    )
    command.add_argument(
        "--card", metavar="NAME", help="print the card of a model: trained on what, for what, how good"
    )
    command.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> int:
    from deepanon.errors import lookup
    from deepanon.weights import load_generator
    from deepanon.weights.bundled import BUNDLED, DEFAULT

    if options.card:
        print(lookup(BUNDLED, options.card, "model").card.read_text(encoding="utf-8"), end="")
        return 0
    rows = [("name", "px", "parameters", "MB", "keypoints", "about")]
    for name, bundled in BUNDLED.items():
        loaded = load_generator(name)
        parameters = sum(p.numel() for p in loaded.network.parameters())
        rows.append(
            (
                name,
                str(loaded.network.resolution),
                f"{parameters / 1e6:.2f} M",
                f"{bundled.path.stat().st_size / 1e6:.1f}",
                loaded.schema.name + ", or none" * loaded.pose_free,
                bundled.about + " (default)" * (name == DEFAULT),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
