"""D_sys, how linkable two samples are (Gomez-Barrero et al., IEEE TIFS 2018, doi 10.1109/TIFS.2017.2788000)."""

from __future__ import annotations

import numpy as np

from deepanon.audit.measures.draws import by_person
from deepanon.audit.measures.pairs import Pairs
from deepanon.evaluation.identity.retrieval import ratio
from deepanon.geometry import Array

BINS = 100
SHUFFLES = 10  # of labels, whose mean value is what chance gives
SEED = 0


def linkability(mated: Array, strange: Array) -> Array:
    """D_sys of histograms.

    With LR = p(s|mated) / p(s|non-mated): D(s) = 2 LR / (1 + LR) - 1 where LR > 1, otherwise 0, and D_sys is the mean
    of D over mated scores. One is added to every bin for the ratio alone (Laplace): an empty bin proves nothing.

    Args:
        mated: (R, B) weights of pairs of one person.
        strange: (R, B) weights of pairs of two.

    Returns:
        (R,) in [0, 1]; too high for few pairs, see `above_shuffled`.
    """
    own, other = ((w + 1) / (w + 1).sum(axis=1, keepdims=True) for w in (mated, strange))
    local = np.maximum((own - other) / (own + other), 0)  # = 2 LR / (1 + LR) - 1
    return ratio((mated * local).sum(axis=1), mated.sum(axis=1))


def above_shuffled(pairs: Pairs, counts: Array, mated: Array, strange: Array, found: Array) -> Array:
    """D_sys, scaled so that 0 is what shuffled labels give in the same resample and 1 stays 1; 0 at least.

    Args:
        pairs: of one matrix, with `BINS` bins of equal width.
        counts: (R, people).
        mated: (R, bins) weights of these pairs, in its bins.
        strange: likewise.
        found: (R,) share of probes of which the attack says anything; the others score like strangers.
    """
    coarse = _coarse(pairs)
    others = _merged(strange, coarse)

    def of(own: Array) -> Array:
        weight = own.sum(axis=1, keepdims=True)
        lost = ratio(weight * (1 - found[:, None]), found[:, None])
        return linkability(own + lost * ratio(others, others.sum(axis=1, keepdims=True)), others)

    shuffled = [of(pairs.binned(bins, BINS, counts)) for bins in _shuffled(pairs)]
    chance = np.mean(shuffled, axis=0)
    return np.maximum(ratio(of(_merged(mated, coarse)) - chance, 1 - chance), 0)


def _coarse(pairs: Pairs) -> Array:
    """(bins,) which of the `BINS` each fine bin lies in."""
    at = np.searchsorted(pairs.ends, pairs.cuts, "right")
    below = np.searchsorted(pairs.ends, pairs.cuts, "left")  # what lies below a cut, as no end lies between two of them
    return np.append(np.stack([below, at], axis=1).ravel(), BINS - 1)


def _merged(fine: Array, coarse: Array) -> Array:
    """(R, bins) -> (R, BINS)."""
    starts = np.flatnonzero(np.append(True, coarse[1:] != coarse[:-1]))
    made = np.zeros((len(fine), BINS))
    made[:, coarse[starts]] = np.add.reduceat(fine, starts, axis=1)
    return made


def _shuffled(pairs: Pairs) -> list[Array]:
    """Bins of the scores of a wrong person each, the same one for all probes of a person: labels shuffled.

    People are first put in an order that does not depend on their numbers, so that new numbers change nothing.
    """
    best = by_person(pairs.matrix.max(axis=1), pairs.owner, pairs.people)
    order = np.lexsort([best, pairs.matrix.max(axis=0)])
    rng, made = np.random.default_rng(SEED), []
    for _ in range(SHUFFLES):
        circle = order[rng.permutation(pairs.people)]
        other = np.empty(pairs.people, dtype=np.int64)
        other[circle] = np.roll(circle, 1)  # nobody keeps their own label
        scores = pairs.matrix[np.arange(len(pairs.owner)), other[pairs.owner]]
        made.append(np.searchsorted(pairs.ends, scores, "right"))
    return made
