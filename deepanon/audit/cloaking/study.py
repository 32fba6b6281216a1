"""Cloaks, made and attacked: who transfers to whom, what survives, what an attacker learns from cloaks of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from deepanon import geometry
from deepanon.anonymizers import Cloak
from deepanon.anonymizers.visibility import dssim, largest, psnr, ssim
from deepanon.audit.cloaking import attacks, estimate
from deepanon.audit.cloaking.detectability import classifier, residuals
from deepanon.audit.cloaking.estimate import Estimate
from deepanon.audit.cloaking.findings import CloakFindings, Recognised, Visibility
from deepanon.audit.cloaking.photos import by_people, enrolled, replaced
from deepanon.audit.cloaking.purification import PURIFICATIONS, purified
from deepanon.audit.eye import Eye
from deepanon.audit.people.samples import Samples
from deepanon.embedders import Recogniser, Surrogate
from deepanon.evaluation.bootstrap import resample
from deepanon.geometry import Array
from deepanon.images import to_float

NOTHING = "nothing"
Distance = Callable[[Tensor, Tensor], Tensor]
Each = Callable[[range], Sequence[int]]


@dataclass(frozen=True, eq=False)
class CloakStudy:
    """Runs cloaks on photos of known people and recognisers on the result.

    Attributes:
        samples: the photos; their people are parted into those who are looked for and those an attacker learns from.
        targets: recognisers of the attacker by name; give the surrogates' own too, to see what white-box is worth.
        attackers: share of the people whom the attacker learns from.
        distance: another measure of visibility, such as `Lpips`.
        resamples: of the bootstrap over people.
        seed: of everything.
    """

    samples: Samples
    targets: Mapping[str, Recogniser]
    attackers: float = 0.5
    distance: Distance | None = None
    resamples: int = 1000
    seed: int = 0
    parts: tuple[Samples, Samples] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", by_people(self.samples, self.attackers, self.seed))

    def run(self, cloaks: Mapping[str, Cloak], each: Each | None = None) -> CloakFindings:
        """Try every cloak; `each` may wrap the rows of photos that are cloaked, to say how far it is."""
        eyes = {name: Eye(target) for name, target in self.targets.items()}
        rows: list[Recognised] = []
        visible: dict[str, Visibility] = {}
        detectable: dict[str, Estimate] = {}
        for name, cloak in cloaks.items():
            pairs = [_Pair(clear, replaced(clear, cloak, self._seeds(clear), each)) for clear in self.parts]
            learnt, looked = pairs
            visible[name], detectable[name] = self._visibility(looked), self._detectability(learnt, looked)
            for target, eye in eyes.items():
                known = {surrogate.description for surrogate in cloak.search.surrogates}
                who = (name, target, eye.description in known)
                rows += (Recognised(*who, *row) for row in self._recognised(learnt, looked, eye))
        learnt_from, looked_for = self.parts
        return CloakFindings(
            {name: cloak.description for name, cloak in cloaks.items()},
            {name: eye.description for name, eye in eyes.items()},
            len(np.unique(looked_for.people)), len(looked_for), len(np.unique(learnt_from.people)),
            tuple(rows), visible, detectable,
        )  # fmt: skip

    def _seeds(self, samples: Samples) -> list[int]:
        return [int(v) for v in np.random.default_rng([self.seed, len(samples)]).integers(0, 2**31, len(samples))]

    def _counts(self, samples: Samples) -> Array:
        return resample(len(np.unique(samples.people)), self.resamples, self.seed)

    def _recognised(self, learnt: _Pair, looked: _Pair, eye: Eye) -> Iterator[tuple[str, str, Estimate]]:
        """(role, attack, share) of one cloak and one recogniser."""
        counts, known = self._counts(looked.clear), enrolled(looked.clear)
        people = np.unique(looked.clear.people, return_inverse=True)[1]
        who, owners = people[known], people[~known]

        def vectors(some: Samples) -> Array:
            return eye(some).astype(np.float64)

        clear, cloaked = map(vectors, (looked.clear, looked.cloaked))

        def shared(hits: Array) -> Estimate:
            return estimate.share(np.asarray(hits, dtype=float), owners, counts)

        def named(attack: attacks.Attack, gallery: Array, probes: Array) -> Array:
            return (attack(gallery[known], who, probes[~known]) == owners).astype(float)

        own = (clear[known], cloaked[known], who, clear[~known], owners)
        for text, attack in (("nearest", attacks.nearest), ("linear", attacks.linear)):
            yield NOTHING, text, shared(named(attack, clear, clear))
            yield "probe", text, shared(named(attack, clear, cloaked))
            yield "gallery", text, shared(attacks.poisoned(attack, *own))
        at = attacks.threshold(clear, people)
        for role, probes in ((NOTHING, clear), ("probe", cloaked)):
            let_in = attacks.accepted(probes[~known], clear[known], owners, who, at)
            yield role, "verification", shared(let_in)
        hits = {"as it is": named(attacks.nearest, clear, cloaked)}
        for text, how in PURIFICATIONS.items():
            sides = [vectors(purified(some, how, self.seed)) for some in (looked.clear, looked.cloaked)]
            hits[text] = named(attacks.nearest, *sides)
            yield "probe", text, shared(hits[text])
        yield "probe", "worst purification", estimate.largest(list(hits), list(hits.values()), owners, counts)
        mine = [vectors(some) for some in (learnt.clear, learnt.cloaked)]
        project = attacks.discriminant(np.concatenate(mine), np.tile(learnt.clear.people, 2))
        seen, hidden = project(clear), project(cloaked)
        yield NOTHING, "adaptive", shared(named(attacks.nearest, seen, seen))
        yield "probe", "adaptive", shared(named(attacks.nearest, seen, hidden))
        own = (seen[known], hidden[known], who, seen[~known], owners)
        yield "gallery", "adaptive", shared(attacks.poisoned(attacks.nearest, *own))
        yield "both", "adaptive", shared(named(attacks.nearest, hidden, hidden))

    def _visibility(self, looked: _Pair) -> Visibility:
        people = np.unique(looked.clear.people, return_inverse=True)[1]
        counts, faces = self._counts(looked.clear), list(looked.faces())

        def over(measure: Callable[[Array, Array], float]) -> Estimate:
            return estimate.mean(np.array([measure(*pair) for pair in faces]), people, counts)

        further = None
        if self.distance is not None:
            distance = self.distance
            further = over(lambda a, b: float(distance(to_float(a[None]), to_float(b[None]))))
        linf = largest(looked.clear.pictures, looked.cloaked.pictures)
        return Visibility(linf, over(psnr), over(ssim), over(dssim), further)

    def _detectability(self, learnt: _Pair, looked: _Pair) -> Estimate:
        weights = classifier(residuals(learnt.clear), residuals(learnt.cloaked))
        people = np.unique(looked.clear.people, return_inverse=True)[1]
        cloaked, clear = (residuals(some) @ weights for some in (looked.cloaked, looked.clear))
        return estimate.area(cloaked, clear, people, self._counts(looked.clear))


@dataclass(frozen=True, eq=False)
class _Pair:
    """The same photos before and after."""

    clear: Samples
    cloaked: Samples

    def faces(self) -> Iterator[tuple[Array, Array]]:
        """Each face box before and after."""
        boxes = geometry.clip(geometry.outward(self.clear.boxes), self.clear.size, self.clear.size)
        for row, (x0, y0, x1, y1) in enumerate(boxes):
            yield self.clear.pictures[row, y0:y1, x0:x1], self.cloaked.pictures[row, y0:y1, x0:x1]


def leave_one_out(surrogates: Sequence[Surrogate]) -> dict[str, list[Surrogate]]:
    """Which surrogates to make cloaks against, by name: each alone, all, and all but each where that is yet another."""
    chosen = {surrogate.name: [surrogate] for surrogate in surrogates}
    if len(surrogates) > 1:
        chosen["all"] = list(surrogates)
    if len(surrogates) > 2:
        chosen |= {f"all but {one.name}": [other for other in surrogates if other is not one] for one in surrogates}
    return chosen
