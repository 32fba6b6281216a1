"""An audit from beginning to end: controls first, then every method, then the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from deepanon import __version__
from deepanon.anonymizers import Anonymizer
from deepanon.audit.assault import Assault, Key, Say, attack
from deepanon.audit.control_rules import Rules
from deepanon.audit.controls import CHANGES, NO_OP, SHUFFLED, context, no_op
from deepanon.audit.eye import Eye, Sight
from deepanon.audit.ground import Ground
from deepanon.audit.measures import RANK_1, Excess, Measured, Worst, measure
from deepanon.audit.profiles import Profile
from deepanon.audit.record import Record, Records
from deepanon.audit.result import AuditResult, Control
from deepanon.audit.samples import Samples
from deepanon.audit.split import Split
from deepanon.audit.subjects import Subjects, cut_samples
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
        names = [sight.name for sight in sights]
        if len(names) < 2 or len(set(names)) < len(names):
            raise OptionError(f"an audit needs two recognisers at least, of different names; got {', '.join(names)}")
        self.name, self.subjects, self.profile, self.limits = name, subjects, profile, limits or Limits()
        self.seed, self.resamples, self.say = seed, resamples, say
        self.say("looking at clear photos")
        clear = cut_samples(subjects.usable, None)
        eyes = {sight.name: Eye(sight) for sight in sights}
        self.ground = Ground.of(clear, Split.of(clear, seed=seed), eyes, resamples, seed)
        self.ladder, self.quick = profile.ladder, profile.quick
        self.records = Records(folder, repr((__version__, self._facts(), self._attacks(), self._eyes())))

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
        bare = self._assault(CONTEXT, context(self.ground.clear, self._rng()))
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
            facts=self._facts(),
            recognisers=self._eyes(),
            attacks=self._attacks(),
            methods={name: record.about for name, record in records.items()},
            controls=tuple(controls),
            values=tuple(measured) + tuple(value for record in records.values() for value in record.values),
            verdicts={name: record.verdict for name, record in records.items()},
            curves={name: record.curves for name, record in records.items()},
            notes=tuple(self._notes()),
        )

    def _record(self, name: str, method: Anonymizer, bare: Mapping[Key, Measured], side: Side, show: Shown) -> Record:
        """Everything about one method."""
        self.say(f"{name}: anonymizing")
        versions = [
            cut_samples(self.subjects.usable, method, Seeds.from_seed(self.seed + version))
            for version in range(self.profile.releases if method.random else 1)
        ]
        case = self.ground.case(versions[0], versions[1:], name)
        made = attack(self.ground, case, self.ladder, lambda text: self.say(f"{name}: {text}"))
        show(name, self.ground.clear[self.ground.split.probes], case.probes, made)
        cosmetic = bool(getattr(method, "cosmetic", False))
        about = {
            "description": method.description, "sees_face": method.sees_face, "random": method.random,
            "cosmetic": cosmetic, "not_run": made.not_run, "side": side(method),
            "chosen": {f"{attack}, {eye}": note for (attack, eye), note in made.notes.items()},
        }  # fmt: skip
        verdict = judge(made.measured, bare, uses_face=method.sees_face, cosmetic=cosmetic, limits=self.limits)
        values = [*self._values(name, made.measured), *self._excess(name, made.measured, bare)]
        return Record(about, tuple(values), made.curves(), verdict)

    def _controls(self, bare: Mapping[Key, Measured]) -> list[Control]:
        found: dict[str, Mapping[Key, Measured]] = {}
        unchanged = cut_samples(self.subjects.usable, no_op())
        found[NO_OP] = self._assault(NO_OP, unchanged, self.quick[:1]).measured
        for name, change in CHANGES.items():
            found[name] = self._assault(name, change(self.ground.clear, self._rng()), self.quick).measured
        shuffled = self.ground.shuffled(self._rng())
        telling = self._telling(SHUFFLED)
        found[SHUFFLED] = attack(self.ground, shuffled, self.quick, telling).measured
        ceiling = {name: float(one.statistics[RANK_1].values[0]) for name, one in self._clear().items()}
        return Rules(ceiling, bare, self.limits).every(found)

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

    def _clear(self) -> dict[str, Measured]:
        ground = self.ground
        return {eye: measure(s, ground.counts, ground.deployed[eye]) for eye, s in ground.clear_scores.items()}

    def _clear_values(self) -> list[Value]:
        return [v for eye, one in self._clear().items() for v in one.values(self.name, eye, CLEAR, "naive")]

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def _eyes(self) -> dict[str, str]:
        return {name: eye.description for name, eye in self.ground.eyes.items()}

    def _attacks(self) -> dict[str, dict[str, Any]]:
        return {
            one.name: {"knows": one.knows, "gallery": one.gallery, "description": one.description}
            for one in self.ladder
        }

    def _facts(self) -> dict[str, Any]:
        """What was measured on what, as plain values."""
        clear, split, limits = self.ground.clear, self.ground.split, self.limits
        known, sought = np.unique(clear.people[split.known]), np.unique(clear.people[split.gallery])
        return {
            "chance": 1 / len(sought),
            "data": {
                "name": self.name, "photos": len(clear), "people": len(np.unique(clear.people)),
                "real": self.subjects.real, "finder": self.subjects.finder, "missed": len(self.subjects.missed),
                "without_keypoints": len(self.subjects.unplaced),
            },
            "split": {
                "attacker_people": len(known), "attacker_photos": len(split.known), "sought_people": len(sought),
                "gallery_photos": len(split.gallery), "probes": len(split.probes), "digest": split.digest(clear),
            },
            "limits": {"delta": limits.delta, "tau": limits.tau, "far": limits.far, "level": limits.level},
            "seed": self.seed,
            "resamples": self.resamples,
        }  # fmt: skip

    def _notes(self) -> list[str]:
        """What a reader must know to judge the numbers."""
        split, missed = self._facts()["split"], len(self.subjects.missed)
        return [
            f"{split['attacker_photos']} photos of {split['attacker_people']} people are the attacker's own; "
            f"{split['probes']} anonymized photos of {split['sought_people']} other people are sought in "
            f"{split['gallery_photos']} other photos of them.",
            *[
                f"In {missed} photos the finder found no face: in use they stay as they are, and whoever is on them is "
                "recognised. They are not among the numbers."
            ]
            * (missed > 0),
            "Every attacker is told where the face was. A probe of which an attack says nothing is a blind guess.",
            "Controls are attacked by what costs seconds, the context control by the whole ladder.",
        ]
