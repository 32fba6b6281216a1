"""What an audit says of a method: an equivalence test. That no attack was seen to work is no proof that none does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deepanon.audit.measures import (
    FARS,
    RANK_1,
    Excess,
    Measured,
    Worst,
    people_needed,
    percent,
    unknown_words,
    zero_hits,
)
from deepanon.audit.measures.worst import Key
from deepanon.audit.result import COSMETIC, FAIL, INCONCLUSIVE, PASS, Verdict
from deepanon.errors import OptionError
from deepanon.evaluation.identity.metrics import RATES


@dataclass(frozen=True)
class Limits:
    """What is still protected.

    Attributes:
        delta: rank-1 may lie so far above a blind guess, or above the context control; a share.
        tau: the TAR that the attacker may reach, or by which it may lie above the context control; a share.
        far: false accept rate of that TAR, one of `measures.FARS`.
        level: confidence of every one-sided limit.

    Raises:
        OptionError: a value out of range.
    """

    delta: float = 0.05
    tau: float = 0.05
    far: float = 1e-3
    level: float = 0.95

    def __post_init__(self) -> None:
        for name, least in (("delta", 0.0), ("tau", 0.0), ("level", 0.5)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least < value < 1:
                raise OptionError(f"{name} must lie between {least:g} and 1, got {value!r}")
        if self.far not in FARS:
            raise OptionError(f"far must be one of {', '.join(map(str, FARS))}, got {self.far!r}")

    @property
    def tar(self) -> str:
        """Key of the TAR that is judged."""
        return f"audit_tar_{RATES[self.far]}"


@dataclass(frozen=True)
class _Test:
    """One number against its bound.

    Attributes:
        what: "rank-1", …
        found: the number with its limits.
        bound: highest that is allowed.
        base: words on what the bound is measured from.
        people: on the probes.
        needed: people -> the bound if there were so many.
    """

    what: str
    found: Worst | Excess
    bound: float
    base: str
    people: int
    needed: Callable[[int], float]

    def outcome(self, level: float) -> str:
        """PASS, FAIL or INCONCLUSIVE; a limit that is unknown (NaN) shows nothing."""
        if self.found.lower(level) > self.bound:
            return FAIL
        return PASS if self.found.upper(level) <= self.bound else INCONCLUSIVE

    def sentences(self, level: float) -> list[str]:
        """Numbers, limit and what follows."""
        value, low, high = self.found.value, self.found.lower(level), self.found.upper(level)
        if self.found.key is None or math.isnan(value):
            return [f"{self.what} is unknown, so that nothing is shown: {_unknown(self.found)}."]
        attack, by = self.found.key
        said = (
            f"{self.what} of the worst attack ({attack} with {by}) is {percent(value)}{self.base}, {100 * level:g} % "
            f"limits {percent(low)} and {percent(high)}; allowed are {percent(self.bound)}: {self.outcome(level)}."
        )
        return [said, *self._doubts(value, high, level)]

    def _doubts(self, value: float, high: float, level: float) -> list[str]:
        if self.outcome(level) != INCONCLUSIVE:
            return []
        if math.isnan(high):
            return [f"There is no upper limit for {self.what}: {_unknown(self.found)}."]
        if zero_hits(self.people, level) > self.bound:
            least = people_needed(self.needed, level)
            return [
                f"{self.people} people are too few: even without a single hit the limit would be "
                f"{percent(zero_hits(self.people, level))}; {f'{least:,}' if least else 'too many'} people are needed."
            ]
        if value < self.bound:
            about = math.ceil(self.people * ((high - value) / (self.bound - value)) ** 2)
            return [f"If the number stays, about {about:,} people would settle it; there are {self.people:,}."]
        return []


def judge(
    measured: Mapping[Key, Measured],
    context: Mapping[Key, Measured] | None = None,
    *,
    uses_face: bool,
    depends: bool = False,
    cosmetic: bool = False,
    limits: Limits | None = None,
    clear: Mapping[Key, Measured] | None = None,
    doubts: Sequence[str] = (),
) -> Verdict:
    """The verdict on one method.

    `picture` PASSes if the upper limits of the worst rank-1 and of the worst TAR (the attacker's own threshold) lie
    within chance + delta and tau, FAILs if a lower limit lies above, and is INCONCLUSIVE otherwise. `face` is the same
    for what both exceed the context control by, at most delta and tau.

    Args:
        measured: by (attack, recogniser); all attacks that were made on the method.
        context: the same attacks on the same photos with every face blotted out; without it `face` is INCONCLUSIVE.
            Attacks that were not made on the method do not count, they would hide what it adds.
        uses_face: whether the method is given the face, by its construction.
        depends: whether its pictures changed with the pixels under the boxes. Of a method that says it is not given
            the face that is a promise broken, and it FAILs whatever attackers reached.
        cosmetic: the method does not claim to protect against people who know it; it can FAIL but never PASS.
        limits: `Limits()` if None.
        clear: clear photos, as they are recognised. Where grey boxes are recognised nearly as well, nothing could be
            told of the face; `face` then cannot PASS.
        doubts: sentences on what was not looked at or went wrong otherwise: with any of them nothing can PASS.

    Raises:
        DataError: no attack, or not on the same people.
    """
    limits = limits or Limits()
    picture, why = _settle(_picture(measured, limits), limits.level, "Picture")
    face = INCONCLUSIVE
    context = {key: context[key] for key in measured if key in context} if context else None
    if context:
        face, more = _settle(_face(measured, context, limits), limits.level, "Face")
        why += more
        if clear is not None and face == PASS and (unclear := _ceiling(clear, context, limits)):
            face = INCONCLUSIVE
            why.append(unclear)
    else:
        why.append("Face: there is no context control, so that what the face adds is unknown.")
    if doubts:
        picture, face = (INCONCLUSIVE if one == PASS else one for one in (picture, face))
        why += [f"Doubt: {doubt}" for doubt in doubts]
    if depends and not uses_face:
        picture = face = FAIL
        why.append("Its pictures change with the pixels under the boxes, which it says it is not given: it leaks.")
    if cosmetic:
        picture, face = (FAIL if one == FAIL else COSMETIC for one in (picture, face))
        why.append("The method is cosmetic: it is not made against somebody who knows it, and cannot pass.")
    return Verdict(picture, face, uses_face or depends, tuple(why))


def _picture(measured: Mapping[Key, Measured], limits: Limits) -> list[_Test]:
    rank, tar = (Worst.of(measured, metric) for metric in (RANK_1, limits.tar))
    chance = next(iter(measured.values())).chance
    base = f" (a blind guess has {percent(chance)})"
    return [
        _Test("rank-1", rank, chance + limits.delta, base, rank.people, lambda n: 1 / n + limits.delta),
        _Test(_tar(limits), tar, limits.tau, "", tar.people, lambda n: limits.tau),
    ]


def _face(measured: Mapping[Key, Measured], context: Mapping[Key, Measured], limits: Limits) -> list[_Test]:
    tests = []
    for what, metric, bound in (("rank-1", RANK_1, limits.delta), (_tar(limits), limits.tar, limits.tau)):
        excess = Excess(Worst.of(measured, metric), Worst.of(context, metric))
        base = f" above the context control ({percent(excess.control.value)})"
        tests.append(_Test(what, excess, bound, base, excess.worst.people, lambda n, bound=bound: bound))  # type: ignore[misc]
    return tests


def _ceiling(clear: Mapping[Key, Measured], context: Mapping[Key, Measured], limits: Limits) -> str:
    """Why the face alone cannot be judged; empty if clear faces tell more than their context does for sure."""
    room = Excess(Worst.of(clear, RANK_1), Worst.of(context, RANK_1))
    if room.lower(limits.level) > limits.delta:
        return ""
    return (
        f"Face: without any face {percent(room.control.value)} are named and with it {percent(room.worst.value)}: too "
        "little lies between them to say what a method hides."
    )


def _tar(limits: Limits) -> str:
    return f"TAR at FAR {100 * limits.far:g} %"


def _settle(tests: list[_Test], level: float, part: str) -> tuple[str, list[str]]:
    outcomes = {test.outcome(level) for test in tests}
    settled = FAIL if FAIL in outcomes else PASS if outcomes == {PASS} else INCONCLUSIVE
    return settled, [f"{part}: {sentence}" for test in tests for sentence in test.sentences(level)]


def _unknown(found: Worst | Excess) -> str:
    known = len((found.worst if isinstance(found, Excess) else found).keys)
    return unknown_words(found.unknown, known) or "too few resamples have a value"
