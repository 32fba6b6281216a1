"""What a run measured, in one file that a report is drawn from: `results.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deepanon.errors import DataError
from deepanon.evaluation.report.folder import read_stored
from deepanon.evaluation.report.privacy import without_paths
from deepanon.evaluation.values import Value
from deepanon.files import replacing

SCHEMA = 1  # raised whenever a reader of the version before would misunderstand the file
FILE = "results.json"
MAPPINGS = ("provenance", "sets", "methods")
KEYS = ("schema", *MAPPINGS, "notes", "values")
METHOD_KEYS = {"label", "description", "sees_face", "random", "seeds", "kind"}
KINDS = ("", "reference", "control")  # a method, untouched pictures or another ceiling, a control

Key = tuple[str, str, str, str, str, str]


@dataclass
class Results:
    """Numbers, and what one must know to judge them.

    Attributes:
        values: every number, each once.
        provenance: what made them (`provenance.collect`); of merged runs `{"runs": [...]}`.
        sets: name of a data set -> what it is, plain values such as photos, faces, ignored, replaced, finder,
            fingerprint; and `notes`, a list of sentences.
        methods: name -> any of `METHOD_KEYS`; their order is that of the rows. `kind` is one of `KINDS`; without it
            "none" and "jpeg" are references and "context" is a control.
        notes: sentences on the whole run.
    """

    values: list[Value]
    provenance: dict[str, Any] = field(default_factory=dict)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _by_key(self.values)
        for name, about in self.methods.items():
            if not isinstance(about, dict) or about.keys() - METHOD_KEYS or about.get("kind", "") not in KINDS:
                raise DataError(f"method {name!r} is described by {about!r}; known: {', '.join(sorted(METHOD_KEYS))}")
        for name, about in self.sets.items():
            if not isinstance(about, dict) or not _is_text(about.get("notes", [])):
                raise DataError(f"set {name!r} must be described by a mapping with a list of `notes`, got {about!r}")

    @property
    def runs(self) -> list[dict[str, Any]]:
        """Provenance of every run whose numbers are here."""
        return list(self.provenance["runs"]) if "runs" in self.provenance else [self.provenance]

    def published(self) -> Results:
        """The same as it may be shown: paths of this machine are reduced to names."""
        return Results(
            [replace(value, note=without_paths(value.note)) for value in self.values],
            *(without_paths(part) for part in (self.provenance, self.sets, self.methods, self.notes)),
        )

    def plain(self) -> dict[str, Any]:
        """For JSON; paths of this machine are reduced to names."""
        head = {
            "schema": SCHEMA, "provenance": self.provenance, "sets": self.sets, "methods": self.methods,
            "notes": self.notes, "values": [value.plain() for value in self.values],
        }  # fmt: skip
        cleaned: dict[str, Any] = without_paths(head)
        return cleaned

    def text(self) -> str:
        """What `results.json` holds, one value a line."""
        stored = self.plain()
        values = ",\n  ".join(json.dumps(value, ensure_ascii=False, allow_nan=False) for value in stored.pop("values"))
        head = json.dumps(stored, ensure_ascii=False, allow_nan=False, indent=1).removesuffix("\n}")
        return f'{head},\n "values": [\n  {values}\n ]\n}}\n'

    def write(self, folder: str | Path) -> Path:
        """Write `results.json` to `folder`; returns its path."""
        path = Path(folder) / FILE
        with replacing(path) as temporary:
            temporary.write_text(self.text(), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: str | Path) -> Results:
        """Read what `write` wrote; `path` is the file or its folder.

        Raises:
            DataError: there is no such file, it is damaged, something else, or of another schema version.
        """
        path, stored = read_stored(path, FILE, SCHEMA)
        _check_form(stored, path)
        try:
            return cls(**_without_schema(stored) | {"values": [Value.read(value) for value in stored["values"]]})
        except DataError as error:
            raise DataError(f"{path}: {error}") from error

    @classmethod
    def merge(cls, several: Sequence[Results]) -> Results:
        """Runs over several sets or methods as one; what two of them say alike stands once.

        Raises:
            DataError: nothing to merge, or two runs say different things of one number, set or method.
        """
        if not several:
            raise DataError("no results to merge")
        if len(several) == 1:
            return several[0]
        runs = [run for results in several for run in results.runs]
        return cls(
            values=list(_by_key([value for results in several for value in results.values], alike=True).values()),
            provenance={"runs": [run for at, run in enumerate(runs) if run not in runs[:at]]},
            sets=_union("set", [results.sets for results in several]),
            methods=_union("method", [results.methods for results in several]),
            notes=list(dict.fromkeys(note for results in several for note in results.notes)),
        )


def key_of(value: Value) -> Key:
    """What makes a number that number and no other."""
    return value.part, value.data, value.by, value.method, value.metric, value.scope


def _by_key(values: Iterable[Value], alike: bool = False) -> dict[Key, Value]:
    """Values by key; the same key twice is an error, unless `alike` allows it for equal values."""
    known: dict[Key, Value] = {}
    for value in values:
        other = known.setdefault(key_of(value), value)
        if other is not value and not (alike and other.plain() == value.plain()):
            what = "two numbers for" if other.plain() != value.plain() else "one number twice for"
            raise DataError(f"{what} {' / '.join(key_of(value))}: {other.value:g} and {value.value:g}")
    return known


def _union(what: str, several: Sequence[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for one in several:
        for name, about in one.items():
            if merged.setdefault(name, about) != about:
                differ = sorted(k for k in {*about, *merged[name]} if about.get(k) != merged[name].get(k))
                raise DataError(f"{what} {name!r} differs between the runs in: {', '.join(differ)}; rename one of them")
    return merged


def _check_form(stored: dict[str, Any], path: Path) -> None:
    """Raise `DataError` unless `stored` has the keys of this schema, each of its type."""
    odd = sorted(stored.keys() ^ set(KEYS))
    if odd:
        raise DataError(f"{path}: damaged, missing or unknown: {', '.join(odd)}")
    kinds = dict.fromkeys(MAPPINGS, dict) | {"notes": list, "values": list}
    for name, kind in kinds.items():
        if not isinstance(stored[name], kind):
            raise DataError(f"{path}: damaged, `{name}` is no {'mapping' if kind is dict else 'list'}")
    if not _is_text(stored["notes"]) or not isinstance(stored["provenance"].get("runs", []), list):
        raise DataError(f"{path}: damaged, `notes` or `provenance.runs` is no list of what it should hold")


def _without_schema(stored: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stored.items() if key != "schema"}


def _is_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
