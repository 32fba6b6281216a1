"""An audit from beginning to end: controls first, then every method, then the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deepanon.anonymizers import Anonymizer
from deepanon.audit.assault import Assault, Key, Say, attack
from deepanon.audit.controls.changes import CHANGES, NO_OP, SHUFFLED, faceless, no_op
from deepanon.audit.controls.rules import Rules
from deepanon.audit.dependence import dependence
from deepanon.audit.eye import Eye, Sight
from deepanon.audit.facts import facts, notes
from deepanon.audit.ground import Ground
from deepanon.audit.measures import RANK_1, Excess, Measured, Worst, measure, percent
from deepanon.audit.people.samples import Samples
from deepanon.audit.people.split import Split
from deepanon.audit.people.subjects import Subjects, cut_samples
from deepanon.audit.profiles import Profile
from deepanon.audit.record import Record, Records, code_version
from deepanon.audit.result import AuditResult, Control
from deepanon.audit.verdict import Limits, judge
from deepanon.embedders import Recogniser
from deepanon.errors import OptionError
from deepanon.evaluation.report.provenance import collect
from deepanon.evaluation.values import Value
from deepanon.seeds import Seeds

CONTEXT, CLEAR = "context", "none"
Shown = Callable[[str, Samples, Samples, Assault], None]  # method, clear probes, anonymized probes, what came of it
Side = Callable[[Anonymizer], dict[str, Any]]


class Audit:
    """Attacks methods on photos of known people.

    Args:
        name: of the data.
        subjects: the photos.
        sights: recognisers that score, two at least; none of them may be in the loss of an attacker.
        profile: which attacks, and how hard.
        limits: of the verdict.
        seed: of split, methods and resamples.
        resamples: of people.
        folder: keeps what is finished, so that a run that was stopped goes on; None keeps nothing.
        say: told what is being done.

    Raises:
        OptionError: fewer than two recognisers, or two of one name.
        DataError: too few people.
    """

    def __init__(
        self,
        name: str,
        subjects: Subjects,
        sights: Sequence[Sight | Recogniser],
        profile: Profile,
        limits: Limits | None = None,
        seed: int = 0,
        resamples: int = 1000,
        folder: Path | None = None,
        say: Say = lambda text: None,
    ) -> None:
        self.started = datetime.now(UTC)
        _check(sights, profile)
        self.name, self.subjects, self.profile, self.limits = name, subjects, profile, limits or Limits()
        self.seed, self.resamples, self.say = seed, resamples, say
        self.say("looking at clear photos")
        clear = self._samples()
        eyes = {sight.name: Eye(sight) for sight in sights}
        self.ground = Ground.of(clear, Split.of(clear, seed=seed), eyes, resamples, seed)
        self.ladder, self.quick = profile.ladder, profile.quick
        self.facts = facts(name, subjects, self.ground, self.limits, seed, resamples)
        base = (code_version(), clear.digest, profile.size, self.facts, self._attacks(), self._eyes())
        self.records = Records(folder, repr(base))

    def __call__(
        self, methods: Mapping[str, Anonymizer], side: Side = lambda method: {}, show: Shown = lambda *what: None
    ) -> AuditResult:
        """Controls, then every method.

        Args:
            methods: by name.
            side: looks at what written files of a method give away beside the face.
            show: is given what attackers rebuilt; not called for a method that was finished before.

        Raises:
            OptionError: no method, or one with the name of a control.
        """
        taken = {CONTEXT, CLEAR} & methods.keys()
        if taken or not methods:
            raise OptionError(f"{min(taken)!r} is a control, not a method" if taken else "no method to audit is named")
        bare = self._assault(CONTEXT, self._samples(faceless()))
        controls = self._controls(bare.measured)
        records = {}
        for name, method in methods.items():
            records[name] = self.records.get(
                name,
                method.description,
                lambda name=name, method=method: self._record(name, method, bare.measured, side, show),  # type: ignore[misc]
            )
        measured = [*self._clear_values(), *self._values(CONTEXT, bare.measured)]
        return AuditResult(
            provenance=collect(started=self.started, seeds=[self.seed]),
            profile=self.profile.name,
            facts=self.facts,
            recognisers=self._eyes(),
            attacks=self._attacks(),
            methods={name: record.about for name, record in records.items()},
            controls=tuple(controls),
            values=tuple(measured) + tuple(value for record in records.values() for value in record.values),
            verdicts={name: record.verdict for name, record in records.items()},
            curves={name: record.curves for name, record in records.items()},
            notes=tuple(notes(self.subjects, self.facts)),
        )

    def _record(self, name: str, method: Anonymizer, bare: Mapping[Key, Measured], side: Side, show: Shown) -> Record:
        """Everything about one method."""
        self.say(f"{name}: anonymizing")
        versions = [
            self._samples(method, self.seed + version)
            for version in range(self.profile.releases if method.random else 1)
        ]
        case = self.ground.case(versions[0], versions[1:], method.name)
        made = attack(self.ground, case, self.ladder, lambda text: self.say(f"{name}: {text}"))
        show(name, self.ground.clear[self.ground.split.probes], case.probes, made)
        cosmetic = bool(getattr(method, "cosmetic", False))
        about: dict[str, Any] = {
            "description": method.description, "sees_face": method.sees_face, "random": method.random,
            "cosmetic": cosmetic, "not_run": made.not_run, "side": side(method),
            "chosen": {f"{attack}, {eye}": note for (attack, eye), note in made.notes.items()},
            "depends": dependence(self.subjects.usable, method, self.seed),
        }  # fmt: skip
        verdict = judge(
            made.measured, bare, uses_face=method.sees_face, depends=bool(about["depends"]["changed"]),
            cosmetic=cosmetic, limits=self.limits, clear=self._clear(), doubts=self._doubts(made, about["side"]),
        )  # fmt: skip
        values = [*self._values(name, made.measured), *self._excess(name, made.measured, bare)]
        return Record(about, tuple(values), made.curves(), verdict)

    def _controls(self, bare: Mapping[Key, Measured]) -> list[Control]:
        found: dict[str, Mapping[Key, Measured]] = {}
        found[NO_OP] = self._assault(NO_OP, self._samples(no_op()), self.quick[:1]).measured
        for name, change in CHANGES.items():
            found[name] = self._assault(name, change(self.ground.clear, self._rng()), self.quick).measured
        shuffled = self.ground.shuffled(self._rng())
        telling = self._telling(SHUFFLED)
        found[SHUFFLED] = attack(self.ground, shuffled, self.ladder, telling).measured
        ceiling = {eye: float(one.statistics[RANK_1].values[0]) for (_, eye), one in self._clear().items()}
        return Rules(ceiling, bare, self.limits).every(found)

    def _samples(self, method: Anonymizer | None = None, seed: int = 0) -> Samples:
        return cut_samples(self.subjects.usable, method, Seeds.from_seed(seed), self.profile.size)

    def _assault(self, name: str, samples: Samples, ladder: Sequence[Any] | None = None) -> Assault:
        return attack(self.ground, self.ground.case(samples), ladder or self.ladder, self._telling(name))

    def _telling(self, name: str) -> Say:
        return lambda text: self.say(f"control {name}: {text}")

    def _values(self, method: str, measured: Mapping[Key, Measured]) -> list[Value]:
        each = [v for (attack, eye), one in measured.items() for v in one.values(self.name, eye, method, attack)]
        worst = [Worst.of(measured, metric).reported(self.name, method) for metric in (RANK_1, self.limits.tar)]
        return each + worst

    def _excess(self, method: str, measured: Mapping[Key, Measured], bare: Mapping[Key, Measured]) -> list[Value]:
        same = {key: one for key, one in bare.items() if key in measured}
        sides = (Worst.of(measured, RANK_1), Worst.of(same, RANK_1))
        return [Excess(*sides).reported(self.name, method)]

    @cache  # noqa: B019  (an audit lives as long as its result is made)
    def _clear(self) -> dict[Key, Measured]:
        ground, every = self.ground, self.ground.clear_scores.items()
        return {("naive", eye): measure(s, ground.counts, ground.deployed[eye]) for eye, s in every}

    def _clear_values(self) -> list[Value]:
        return [v for (attack, eye), one in self._clear().items() for v in one.values(self.name, eye, CLEAR, attack)]

    def _doubts(self, made: Assault, side: Mapping[str, Any]) -> list[str]:
        """What forbids a PASS whatever attackers reached."""
        share, doubts = self.subjects.missed_share, []
        if share > self.limits.delta:
            doubts.append(f"the finder misses the face in {percent(share)} of the photos; these stay as they are.")
        if made.lacking:
            doubts.append(f"not made, though it could be: {', '.join(made.lacking)}.")
        if side.get("thumbnails_with_faces"):
            doubts.append("written files hold thumbnails with faces.")
        return doubts

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def _eyes(self) -> dict[str, str]:
        return {name: eye.description for name, eye in self.ground.eyes.items()}

    def _attacks(self) -> dict[str, dict[str, Any]]:
        return {
            one.name: {"knows": one.knows, "gallery": one.gallery, "description": one.description}
            for one in self.ladder
        }


def _check(sights: Sequence[Sight | Recogniser], profile: Profile) -> None:
    """Refuse recognisers that are one, or that attackers train, and rungs of one name."""
    names, kinds = ([getattr(sight, key) for sight in sights] for key in ("name", "description"))
    if len(names) < 2 or len(set(names)) < len(names) or len(set(kinds)) < len(kinds):
        raise OptionError(
            f"an audit needs two different recognisers at least, of different names; got {', '.join(names)}"
        )
    both = [name for name, kind in zip(names, kinds, strict=True) if kind in profile.trained]
    if both:
        raise OptionError(f"recogniser {both[0]!r} scores, so that no attacker may train it: name another backbone")
    rungs = [one.name for one in profile.ladder]
    if len(set(rungs)) < len(rungs):
        raise OptionError(f"two attacks have one name: {', '.join(sorted({r for r in rungs if rungs.count(r) > 1}))}")
