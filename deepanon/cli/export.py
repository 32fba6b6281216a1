"""The command that turns a training checkpoint into a generator file with a card."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from deepanon.errors import OptionError


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "export",
        help="make a generator file with a model card from a training checkpoint",
        description="Write the averaged generator of a checkpoint, at the resolution that it has fully grown to, and "
        "beside it a model card (.md) with what is known of it; what only you know is left open there by name.",
    )
    command.add_argument("checkpoint", metavar="CKPT", help="last.ckpt of train.py")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="generator file to write (.safetensors)")
    command.add_argument("--overwrite", action="store_true", help="replace the file and its card if they exist")
    command.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    target = Path(options.output)
    card = target.with_suffix(".md")
    _check_targets(target, card, options.overwrite)
    from deepanon.files import replacing
    from deepanon.weights import save_generator
    from deepanon.weights.card import OPEN, model_card
    from deepanon.weights.checkpoints import read_checkpoint

    loaded = read_checkpoint(options.checkpoint)
    save_generator(target, loaded)
    text = model_card(target)
    with replacing(card) as temporary:
        temporary.write_text(text, encoding="utf-8")
    seen = loaded.training.get("images_seen", "unknown")
    print(f"{target}: {loaded.network.architecture} generator, {loaded.network.resolution} px, images seen: {seen}")
    print(f"{card}: {text.count(OPEN)} fields are left for you to fill in")
    return 0


def _check_targets(target: Path, card: Path, overwrite: bool) -> None:
    """Refuse a wrong name, and to write over a card that somebody may have filled in."""
    if target.suffix != ".safetensors":
        raise OptionError(f"{target}: a generator file ends in .safetensors")
    for path in (target, card):
        if path.is_dir():
            raise OptionError(f"{path}: is a folder")
        if path.exists() and not overwrite:
            raise OptionError(f"{path} exists; --overwrite replaces the file and its card")
