"""The command that turns a training checkpoint into a generator file with a card, or a generator into an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from deepanon.errors import OptionError


def add_commands(commands: Any) -> None:
    """Add the command to the sub-parsers `commands`."""
    command = commands.add_parser(
        "export",
        help="make a generator file with a model card from a training checkpoint, or an ONNX file",
        description="Write the averaged generator of a checkpoint, at the resolution that it has fully grown to, and "
        "beside it a model card (.md) with what is known of it; what only you know is left open there by name. With "
        "--onnx, write a generator for programs without PyTorch.",
    )
    command.add_argument(
        "source", metavar="CKPT", help="last.ckpt of train.py; with --onnx also a generator file or the name of a model"
    )
    command.add_argument("-o", "--output", required=True, metavar="FILE", help=".safetensors, or .onnx with --onnx")
    command.add_argument("--onnx", action="store_true", help="write an ONNX model (needs deepanon[onnx])")
    command.add_argument("--overwrite", action="store_true", help="replace the file, and its card, if they exist")
    command.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    return (_onnx if options.onnx else _generator)(options.source, Path(options.output), options.overwrite)


def _generator(source: str, target: Path, overwrite: bool) -> int:
    card = target.with_suffix(".md")
    _check_targets(target, ".safetensors", "a generator file", overwrite, card)
    from deepanon.files import replacing
    from deepanon.weights import save_generator
    from deepanon.weights.card import OPEN, model_card
    from deepanon.weights.checkpoints import read_checkpoint

    loaded = read_checkpoint(source)
    save_generator(target, loaded)
    text = model_card(target)
    with replacing(card) as temporary:
        temporary.write_text(text, encoding="utf-8")
    seen = loaded.training.get("images_seen", "unknown")
    print(f"{target}: {loaded.network.architecture} generator, {loaded.network.resolution} px, images seen: {seen}")
    print(f"{card}: {text.count(OPEN)} fields are left for you to fill in")
    return 0


def _onnx(source: str, target: Path, overwrite: bool) -> int:
    _check_targets(target, ".onnx", "an ONNX file", overwrite)
    from deepanon.weights import load_generator
    from deepanon.weights.checkpoints import read_checkpoint
    from deepanon.weights.onnx import export_onnx

    loaded = read_checkpoint(source) if source.endswith(".ckpt") else load_generator(source)
    export_onnx(target, loaded)
    network = loaded.network
    print(f"{target}: {network.architecture} generator, {network.resolution} px, {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _check_targets(target: Path, suffix: str, what: str, overwrite: bool, *beside: Path) -> None:
    """Refuse a wrong name, and to write over a card that somebody may have filled in."""
    if target.suffix != suffix:
        raise OptionError(f"{target}: {what} ends in {suffix}")
    for path in (target, *beside):
        if path.is_dir():
            raise OptionError(f"{path}: is a folder")
        if path.exists() and not overwrite:
            raise OptionError(f"{path} exists; --overwrite replaces the file{' and its card' * bool(beside)}")
