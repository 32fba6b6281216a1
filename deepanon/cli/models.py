"""The commands on generators: list those of the package, and have one draw portraits of nobody."""

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
    portraits = commands.add_parser(
        "portraits",
        help="draw whole portraits of people who do not exist",
        description="Draw portraits from keypoints and noise alone: nobody in them exists, and no photograph is under "
        "them. For samples, tests and pages that must not show anybody.",
    )
    portraits.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write")
    portraits.add_argument("-n", "--number", type=int, default=8, metavar="N", help="how many (default: %(default)s)")
    portraits.add_argument("--seed", type=int, default=0, metavar="N", help="of the first; each has the next")
    portraits.add_argument("--model", metavar="NAME|FILE", help="generator (default: the bundled one)")
    portraits.set_defaults(run=_portraits)


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


def _portraits(options: argparse.Namespace) -> int:
    from pathlib import Path

    from deepanon.errors import OptionError
    from deepanon.images import write_image
    from deepanon.portraits import draw_portraits
    from deepanon.weights import DEFAULT

    if options.number < 1 or options.seed < 0:
        raise OptionError("--number must be 1 or more, --seed 0 or more")
    seeds = range(options.seed, options.seed + options.number)
    for seed, picture in zip(seeds, draw_portraits(seeds, options.model or DEFAULT), strict=True):
        path = Path(options.output) / f"portrait-{seed:04d}.png"
        write_image(path, picture)
        print(path)
    return 0
