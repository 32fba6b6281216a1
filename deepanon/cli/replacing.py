"""Options that say how faces are found and replaced, whatever they are in, and what is built of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from deepanon.cli import selecting
from deepanon.cli.recognisers import chosen_recogniser
from deepanon.cli.shared import AUTO, add_detector, chosen_detector
from deepanon.errors import OptionError

if TYPE_CHECKING:
    from deepanon.anonymizers import Anonymizer, ByLabel
    from deepanon.pipeline import FaceAnonymizer
    from deepanon.seeds import Seeds

METHODS = (
    "gan pixelate pixelate8 pixelate16 mosaic gaussian9 gaussian heavy_blur layered layered_lite layered_strong "
    "dp_pix k_same blackout blackout_ellipse eye_bar solid plate noise "
    "pixelate8_crop pixelate16_crop gaussian9_crop heavy_blur_crop cloak"
)


RUNTIMES = "auto torch onnx openvino"
PRECISIONS = "float32 bf16"


def add_anonymizer(command: argparse.ArgumentParser) -> None:
    """Add the options that `face_anonymizer` reads."""
    command.add_argument(
        "--method",
        default="gan",
        help=f"one of: {METHODS}; with options, as in gaussian:sigma=0.12; one after the other, as in "
        "gan+layered:cells=8:noise=25; or one for each label, as in face=gan,plate=blackout (default: %(default)s)",
    )
    command.add_argument(
        "--model", metavar="NAME|FILE", help="generator for every gan in --method (default: the bundled one)"
    )
    add_runtime(command)
    add_detector(command, AUTO)
    command.add_argument(
        "--detections",
        metavar="FILE|DIR",
        help="take the faces from a JSON or CSV file, or a folder of sidecars",
    )
    secret = command.add_mutually_exclusive_group()
    secret.add_argument("--seed", type=int, metavar="N", help="repeatable faces, for experiments only")
    secret.add_argument(
        "--key", metavar="FILE", help="repeatable faces for holders of this secret file (16 bytes or more)"
    )
    command.add_argument(
        "--on-no-face",
        default="raise",
        metavar="raise|copy",
        help="fail a photo without a detected face, or copy its pixels (default: %(default)s)",
    )
    selecting.add_options(command)


def add_runtime(command: argparse.ArgumentParser) -> None:
    """Add the options that `drawing_options` reads beside `--model`."""
    command.add_argument(
        "--runtime",
        metavar="NAME",
        help=f"what runs the generator: {RUNTIMES} (default: torch; auto: the quickest that `deepanon tune` measured)",
    )
    command.add_argument(
        "--precision",
        metavar="NAME",
        help=f"in which it computes: {PRECISIONS}; bf16 draws slightly other pixels, and is refused where it is not "
        "faster (default: float32)",
    )


def drawing_options(options: argparse.Namespace) -> dict[str, str]:
    """What `--model`, `--runtime` and `--precision` say to every gan in the method."""
    return {name: getattr(options, name) for name in ("model", "runtime", "precision") if getattr(options, name)}


def face_anonymizer(options: argparse.Namespace) -> FaceAnonymizer:
    """Build what the options of `add_anonymizer` ask for."""
    from deepanon.detectors import Detector, Given, Sidecars
    from deepanon.pipeline import FaceAnonymizer

    seeds = chosen_seeds(options)
    selection, method = selecting.chosen_selection(options), chosen_method(options)
    detector: Detector = (
        chosen_detector(options)
        if not options.detections
        else (Sidecars(options.detections) if Path(options.detections).is_dir() else Given(options.detections))
    )
    if not getattr(options, "verify", False):
        return FaceAnonymizer(detector, method, seeds, options.on_no_face, selection)
    from deepanon.verifying import VerifiedAnonymizer

    whole = (detector, method, seeds, options.on_no_face, selection)
    return VerifiedAnonymizer(*whole, recogniser=chosen_recogniser(options), threshold=options.threshold)


def chosen_method(options: argparse.Namespace) -> Anonymizer | ByLabel:
    """Build the method or the rules that the options name; `OptionError` where method and model do not go together."""
    from deepanon.anonymizers import build_rules
    from deepanon.anonymizers.by_label import REST, read_rules
    from deepanon.anonymizers.grammar import read_chain

    rules = {label: [stage.name for stage in read_chain(text)] for label, text in read_rules(options.method).items()}
    if "plates" in options.detector.split("+") and "gan" in rules.get("plate", rules.get(REST, [])):
        raise OptionError("method 'gan' would draw a face on every plate: use --method face=gan,plate=plate")
    given = drawing_options(options)
    if given and not any("gan" in names for names in rules.values()):
        name = next(iter(given))
        raise OptionError(f"method {options.method!r} has no {name}; --{name} goes with --method gan")
    return build_rules(options.method, {"gan": given} if given else {})


def chosen_seeds(options: argparse.Namespace) -> Seeds:
    """Where the options say that randomness comes from."""
    from deepanon.seeds import Seeds

    if options.seed is not None:
        return Seeds.from_seed(options.seed)
    return Seeds.from_key_file(options.key) if options.key else Seeds()
