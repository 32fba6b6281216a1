"""A small audit of drawn people: samples, recognisers that learnt from others, and the ground that attacks stand on."""

from types import SimpleNamespace

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.audit.eye import Eye
from deepanon.audit.fisher import Fisher, aligned_grey, boxed_colour
from deepanon.audit.ground import Ground
from deepanon.audit.learning.tuning import recognised
from deepanon.audit.people.split import Split
from deepanon.audit.people.subjects import cut_samples, drawn_subjects
from deepanon.audit.scores import match
from deepanon.seeds import Seeds

SIDE = 96


@pytest.fixture(scope="session")
def teachers():
    """Clear samples of people who appear nowhere else."""
    return cut_samples(drawn_subjects(60, 5, 77).usable, None, size=SIDE)


@pytest.fixture(scope="session")
def sights(teachers):
    """Two recognisers of drawn people."""
    return [Fisher("grey", aligned_grey, teachers), Fisher("colour", boxed_colour, teachers)]


@pytest.fixture(scope="session")
def people():
    """Subjects: 60 drawn people, four photos each."""
    return drawn_subjects(60, 4, 5)


@pytest.fixture(scope="session")
def ground(people, sights):
    """Clear samples, split and thresholds."""
    clear = cut_samples(people.usable, None, size=SIDE)
    return Ground.of(clear, Split.of(clear), {sight.name: Eye(sight) for sight in sights}, resamples=100)


@pytest.fixture(scope="session")
def hidden(people):
    """Function: samples of the same people after a method; each is made once."""
    made = {}

    def by(method):
        if method not in made:
            seeds = Seeds.from_seed(0)
            made[method] = cut_samples(people.usable, build_anonymizer(method), seeds, size=SIDE)
        return made[method]

    return by


def _rank_1(traces, case):
    sides = (case.gallery.people, case.probes.people)
    gallery, probes = sides[::-1] if traces.swapped else sides
    return recognised(traces.gallery, gallery, traces.probes, probes)


@pytest.fixture(scope="session")
def reach():
    """Function: attack, case, ground -> rank-1 by eye."""
    return lambda attack, case, ground: {
        name: _rank_1(traces, case) for name, traces in attack(case, ground.eyes).items()
    }


@pytest.fixture(scope="session")
def tools():
    """What several tests need of the package: `match`, `np`."""
    return SimpleNamespace(match=match, np=np)
