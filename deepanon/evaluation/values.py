"""The currency of a report: one number, what it is of, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from deepanon.errors import DataError

PARTS = ("detection", "quality", "identity", "utility", "audit")
ALWAYS = ("part", "data", "by", "method", "metric", "value")  # in JSON, even if empty


@dataclass(frozen=True)
class Value:
    """One number of a report; its unit and meaning stand in `metrics.METRICS` under `metric`.

    Attributes:
        part: of the evaluation, one of `PARTS`.
        data: name of the data set.
        by: what measured it: name of a detector, recogniser or embedder.
        method: what was done to the faces; "none" for untouched pictures.
        metric: key of `METRICS`.
        scope: which part of the data, and how: a subset, a bin, an alignment; "all" if there is no choice.
        value: NaN if there is no such number; `note` then says why.
        low: lower end of its 95 % interval, NaN without one.
        high: upper end.
        n: how many faces, pairs, queries or crops it rests on.
        seeds: the value of every seed, for methods that draw by chance; `value` is their mean.
        note: what a reader must know to judge it.

    Raises:
        DataError: unknown part, or a value that is missing without a word why.
    """

    part: str
    data: str
    by: str
    method: str
    metric: str
    scope: str = "all"
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    seeds: tuple[float, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise DataError(f"unknown part {self.part!r}; one of: {', '.join(PARTS)}")
        if math.isnan(self.value) and not self.note:
            raise DataError(f"{self.metric} of {self.method} on {self.data} is missing without a note that says why")

    def plain(self) -> dict[str, Any]:
        """For JSON: NaN becomes None, and what is empty is left out."""
        named = {key: _plain(value) for key, value in asdict(self).items()}
        return {key: value for key, value in named.items() if key in ALWAYS or value not in (None, [], "")}

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Value:
        """What `plain` wrote; `DataError` for anything else."""
        names = {field.name for field in fields(cls)}
        if not isinstance(stored, Mapping) or stored.keys() - names:
            raise DataError(f"not a value of a report: {stored!r}")
        try:
            given = {key: math.nan if value is None else value for key, value in stored.items()}
            seeds = tuple(math.nan if seed is None else seed for seed in stored.get("seeds", ()))
            return cls(**given | {"seeds": seeds})
        except TypeError as error:
            raise DataError(f"not a value of a report: {stored!r} ({error})") from error


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
