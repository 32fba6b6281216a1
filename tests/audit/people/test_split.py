"""Who is known and who is sought."""

from dataclasses import replace

import numpy as np
import pytest

from deepanon.audit.case import Case
from deepanon.audit.people.split import Split
from deepanon.errors import DataError, OptionError


def test_nobody_is_on_both_sides_and_no_photo_is_in_gallery_and_probes(ground):
    clear, split = ground.clear, ground.split
    known, sought = set(clear.people[split.known]), set(clear.people[split.gallery])
    assert not known & sought
    assert sought == set(clear.people[split.probes])
    assert not set(split.gallery) & set(split.probes)
    assert len(known | sought) == 60
    assert len(known) == 36


def test_tuning_people_are_whole_people(ground):
    people = ground.clear.people[ground.split.known]
    tuned, fitted = set(people[ground.split.tuning]), set(people[~ground.split.tuning])
    assert not tuned & fitted
    assert len(tuned) == 9


def test_names_and_order_of_people_do_not_change_who_recognises_whom(ground):
    """The digest is of photos, so that other numbers for the same people in the same order change nothing."""
    renamed = replace(ground.clear, people=ground.clear.people * 3 + 11)
    split = Split.of(renamed)
    assert np.array_equal(split.probes, ground.split.probes)
    assert split.digest(renamed) == ground.split.digest(ground.clear)


def test_another_seed_is_another_split(ground):
    assert Split.of(ground.clear, seed=1).digest(ground.clear) != ground.split.digest(ground.clear)


@pytest.mark.parametrize("option", [{"attacker": 0}, {"attacker": 1}, {"tuning": 1.5}])
def test_shares_lie_between_0_and_1(ground, option):
    with pytest.raises(OptionError, match="between 0 and 1"):
        Split.of(ground.clear, **option)


def test_too_few_people(ground):
    with pytest.raises(DataError, match="too few"):
        Split.of(ground.clear[:8])


def test_a_case_refuses_a_photo_on_both_sides(ground):
    case = ground.case(ground.clear)
    with pytest.raises(DataError, match="in the gallery and among the probes"):
        Case(case.known, case.gallery, case.gallery_anonymized, case.gallery)


def test_a_case_refuses_known_people_in_the_gallery(ground):
    case = ground.case(ground.clear)
    with pytest.raises(DataError, match="people of the attacker"):
        Case(case.known, case.known.clear, case.known.clear, case.probes)
