"""What the commands share about recognisers: the options that choose one, and how it is fed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from deepanon.errors import OptionError, lookup

if TYPE_CHECKING:
    from deepanon.embedders import Recogniser

FROM_FILE = ("openvino", "onnx", "torchscript")
KNOWN = ("facenet", "mobilefacenet")  # that know how they are fed
FED: dict[str, tuple[str, float, float]] = {  # template -> usual order of channels, mean, standard deviation
    "arcface": ("rgb", 127.5, 127.5),
    "reid0095": ("bgr", 0.0, 1.0),
}
KINDS: dict[str, Any] = {"mean": float, "std": float, "size": int}
HELP = {
    "weights": f"the network, for --recogniser mobilefacenet {' '.join(FROM_FILE)}",
    "template": "where eyes, nose and mouth belong: arcface (default) or reid0095",
    "order": "channels: rgb or bgr (default: as usual for the template)",
    "mean": "subtracted from levels 0 to 255 (default: as usual for the template)",
    "std": "what the rest is divided by (default: as usual for the template)",
    "size": "side of the network's input in pixels, for torchscript",
}


def add_recogniser(command: argparse.ArgumentParser) -> None:
    """Add the options that `chosen_recogniser` reads."""
    group = command.add_argument_group("identity")
    group.add_argument("--recogniser", metavar="NAME", help=f"one of: {' '.join((*KNOWN, *FROM_FILE))} (default: none)")
    for name, text in HELP.items():
        kind: Any = KINDS.get(name, str)
        metavar = "FILE" if name == "weights" else name.upper()
        group.add_argument(f"--recogniser-{name}", type=kind, metavar=metavar, help=text)
    group.add_argument(
        "--threshold",
        type=float,
        metavar="S",
        help="similarity above which two faces are one person's (default: as measured for the network, else from the "
        "photos themselves)",
    )


def check_recogniser(options: argparse.Namespace) -> dict[str, Any]:
    """Which of the options are given; `OptionError` where they do not go together."""
    given = {name: getattr(options, f"recogniser_{name}") for name in HELP}
    given = {name: value for name, value in given.items() if value is not None}
    name = options.recogniser
    if name is None:
        if given or options.threshold is not None:
            raise OptionError("nobody is recognised without --recogniser NAME, which the other options of it go with")
        return {}
    lookup(dict.fromkeys((*KNOWN, *FROM_FILE)), name, "recogniser")
    if name in KNOWN and given.keys() - {"weights"}:
        raise OptionError(f"recogniser {name!r} knows how it is fed; it takes --recogniser-weights and no more")
    if name != "facenet" and "weights" not in given:
        raise OptionError(f"recogniser {name!r} needs --recogniser-weights FILE")
    lookup(FED, given.get("template", "arcface"), "template")
    return given


def chosen_recogniser(options: argparse.Namespace) -> Recogniser | None:
    """Build the recogniser that the options name, or none."""
    given = check_recogniser(options)
    if options.recogniser is None:
        return None
    return _built(options.recogniser, given)


def named_recogniser(text: str) -> Recogniser:
    """Build what "facenet", "openvino:weights=FILE:template=reid0095:name=reid" says, written as methods are.

    Raises:
        OptionError: it cannot be understood, or an option is unknown, of another kind or missing.
    """
    from deepanon.anonymizers.grammar import read_chain

    one, *more = read_chain(text)
    if more:
        raise OptionError(f"{text!r} names several recognisers; give the option once for each")
    given: dict[str, Any] = dict(one.options)
    called, trained = given.pop("name", None), given.pop("pretrained", None)
    known = dict.fromkeys(("name", "pretrained", *HELP))
    for option in given:
        lookup(known, option, f"option of recogniser {one.name!r}")
    if trained and one.name != "facenet":
        raise OptionError(f"recogniser {one.name!r} has no option 'pretrained'; facenet has")
    values = {f"recogniser_{option}": _typed(option, given.get(option)) for option in HELP}
    checked = check_recogniser(argparse.Namespace(recogniser=one.name, threshold=None, **values))
    made = _built(one.name, checked | ({"pretrained": trained} if trained else {}))
    made.name = called or made.name
    return made


def _typed(option: str, text: str | None) -> Any:
    kind = KINDS.get(option, str)
    try:
        return None if text is None else kind(text)
    except ValueError:
        raise OptionError(f"option {option!r} of a recogniser must be a number, got {text!r}") from None


def _built(name: str, given: dict[str, Any]) -> Recogniser:
    from deepanon.embedders import Aligned, Margin, Recogniser, build_embedder

    if name == "facenet":
        return Recogniser(build_embedder("facenet", **given), Margin(14, 160))
    if name == "mobilefacenet":
        return Recogniser(build_embedder("mobilefacenet", **given), Aligned("arcface"))
    template = given.pop("template", "arcface")
    usual = dict(zip(("order", "mean", "std"), FED[template], strict=True))
    embedder = build_embedder(name, **usual | given)
    return Recogniser(embedder, Aligned(template, embedder.size))
