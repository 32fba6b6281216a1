"""What `audit.json` must look like; `audit.schema.json` says the same for other readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepanon.audit.result import VERDICTS
from deepanon.errors import DataError

KEYS = {
    "schema": int, "void": bool, "profile": str, "provenance": dict, "facts": dict, "recognisers": dict,
    "attacks": dict, "methods": dict, "controls": list, "verdicts": dict, "notes": list, "curves": dict, "values": list,
}  # fmt: skip
ATTACK = {"knows": str, "gallery": str, "description": str}  # of attacks and methods any of these, and others
METHOD = {
    "description": str, "sees_face": bool, "random": bool, "cosmetic": bool, "not_run": dict, "side": dict,
    "depends": dict,
}  # fmt: skip
CONTROL = {"name": str, "must": str, "found": str, "passed": bool}
VERDICT = {"picture": str, "face": str, "uses_face": bool, "why": list}
NAMES = {dict: "mapping", list: "list", str: "text", bool: "yes or no", int: "number"}


def check_form(stored: Mapping[str, Any]) -> None:
    """Raise `DataError` unless all parts are there and of their types; values are read by `Value.read`."""
    _fields("the file", stored, KEYS)
    _texts("recognisers", stored["recognisers"].values())
    _texts("notes", stored["notes"])
    for name, attack in stored["attacks"].items():
        _known(f"attack {name!r}", attack, ATTACK)
    for name, method in stored["methods"].items():
        _known(f"method {name!r}", method, METHOD)
        _texts(f"`not_run` of {name!r}", method.get("not_run", {}).values())
    for control in stored["controls"]:
        _fields("a control", control, CONTROL)
    for name, verdict in stored["verdicts"].items():
        _verdict(name, verdict, stored["methods"])
    for name, attacks in stored["curves"].items():
        _curves(name, attacks)


def _verdict(name: str, verdict: Any, methods: Mapping[str, Any]) -> None:
    _fields(f"the verdict on {name!r}", verdict, VERDICT)
    _texts(f"`why` of {name!r}", verdict["why"])
    if name not in methods:
        raise DataError(f"a verdict on {name!r}, which is no method of it")
    for said in (verdict["picture"], verdict["face"]):
        if said not in VERDICTS:
            raise DataError(f"the verdict on {name!r} is {said!r}; one of: {', '.join(VERDICTS)}")


def _curves(name: str, attacks: Any) -> None:
    levels = attacks.values() if isinstance(attacks, dict) else [None]
    curves = [curve for eyes in levels for curve in (eyes.values() if isinstance(eyes, dict) else [None])]
    for curve in curves:
        if not isinstance(curve, dict) or curve.keys() - {"cmc", "det"}:
            raise DataError(f"the curves of {name!r} are not attack -> recogniser -> cmc, det")
        if not all(isinstance(points, list) for points in curve.values()):
            raise DataError(f"the curves of {name!r} are no lists")
        points = [*curve.get("cmc", ()), *(number for pair in curve.get("det", ()) for number in _pair(name, pair))]
        if not all(isinstance(point, int | float | None) for point in points):
            raise DataError(f"the curves of {name!r} hold what is no number")


def _pair(name: str, pair: Any) -> list[Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise DataError(f"det of {name!r} is not a list of pairs: far, frr")
    return pair


def _fields(what: str, stored: Any, types: Mapping[str, type]) -> None:
    """Raise unless `stored` is a mapping with exactly these keys, each of its type."""
    if not isinstance(stored, Mapping):
        raise DataError(f"{what} is no mapping")
    odd = sorted(stored.keys() ^ types.keys())
    if odd:
        raise DataError(f"missing or unknown in {what}: {', '.join(odd)}")
    _known(what, stored, types)


def _known(what: str, stored: Any, types: Mapping[str, type]) -> None:
    """Raise unless `stored` is a mapping in which each of these keys, where it is there, is of its type."""
    if not isinstance(stored, Mapping):
        raise DataError(f"{what} is no mapping")
    for name in stored.keys() & types.keys():
        if type(stored[name]) is not types[name]:
            raise DataError(f"`{name}` of {what} is no {NAMES[types[name]]}")


def _texts(what: str, items: Any) -> None:
    if not all(isinstance(item, str) for item in items):
        raise DataError(f"{what} hold what is no text")
