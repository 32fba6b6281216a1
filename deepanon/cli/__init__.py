"""The command line. Everything heavy is imported when a command runs, not before."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from deepanon import __version__
from deepanon.cli import audit, data, export, models, photos, report, sets, tune, verify
from deepanon.cli.replacing import METHODS
from deepanon.cli.shared import FAILED, MISUSED, settle_detector
from deepanon.cli.threads import sleep_soon
from deepanon.errors import DeepanonError

__all__ = ["FAILED", "METHODS", "MISUSED", "main", "parser"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `deepanon`; exits with 0, with 1 if a file failed, with 2 if the command cannot be run."""
    options = parser().parse_args(arguments)
    sleep_soon()
    try:
        if hasattr(options, "detector"):
            settle_detector(options)
        sys.exit(options.run(options))
    except (DeepanonError, OSError) as error:
        print(f"deepanon: {error}", file=sys.stderr)
        sys.exit(MISUSED)
    except KeyboardInterrupt:
        print("deepanon: interrupted; finished files are whole, the others were not written", file=sys.stderr)
        sys.exit(130)


def parser() -> argparse.ArgumentParser:
    """Build the argument parser."""
    top = argparse.ArgumentParser(prog="deepanon", description="Replace faces in photos with faces that never existed.")
    top.add_argument("--version", action="version", version=f"deepanon {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    photos.add_commands(commands)
    sets.add_commands(commands)
    verify.add_commands(commands)
    audit.add_commands(commands)
    data.add_commands(commands)
    export.add_commands(commands)
    report.add_commands(commands)
    models.add_commands(commands)
    tune.add_commands(commands)
    return top
