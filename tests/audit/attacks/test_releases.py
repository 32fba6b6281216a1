from dataclasses import replace

import numpy as np
import pytest

from deepanon.audit.attack import NotRun
from deepanon.audit.attacks.releases import Releases
from deepanon.audit.scores import Traces
from deepanon.errors import DataError


class Naive:
    """Compares as it is."""

    name, knows, gallery, description = "naive", "nothing", "clear", "as it is"

    def __call__(self, case, eyes):
        self.case = case
        return {name: Traces(eye(case.gallery), eye(case.probes)) for name, eye in eyes.items()}


@pytest.fixture(scope="module")
def noisy(clear, make_case):
    """A method that adds heavy noise, fresh each time: eight versions."""

    def version(seed):
        noise = np.random.default_rng(seed).normal(0, 100, clear.pictures.shape)
        return clear.showing(np.rint(np.clip(clear.pictures + noise, 0, 255)).astype(np.uint8))

    return make_case(clear, version(0), [version(seed) for seed in range(1, 8)])


def test_averaging_eight_releases_gives_people_away(noisy, eye, rank1):
    single, eight = (rank1(Releases(Naive(), k)(noisy, {"eye": eye})["eye"], noisy) for k in (1, 8))
    assert eight > single + 0.2


def test_mean_is_of_all_versions_and_of_gallery_and_the_attackers_photos_too(noisy):
    attack = Naive()
    Releases(attack, 3)(noisy, {})
    for seen, first, again in (
        (attack.case.probes, noisy.probes, noisy.again),
        (attack.case.gallery_anonymized, noisy.gallery_anonymized, noisy.gallery_again),
        (attack.case.known.anonymized, noisy.known.anonymized, noisy.known.again),
    ):
        mean = np.mean([first.pictures, again[0].pictures, again[1].pictures], axis=0)
        assert np.abs(seen.pictures - mean).max() <= 0.501
        assert np.array_equal(seen.photos, first.photos)


def test_one_release_is_the_inner_attack(noisy):
    attack = Naive()
    Releases(attack, 1)(noisy, {})
    assert attack.case is noisy


def test_without_randomness_it_is_not_run(blurred):
    with pytest.raises(NotRun, match="no randomness"):
        Releases(Naive(), 8)(blurred, {})


def test_too_few_versions_are_said(noisy):
    with pytest.raises(NotRun, match="8 more versions of every photo, there are 7"):
        Releases(Naive(), 9)(noisy, {})


def test_versions_of_other_photos_are_refused(noisy):
    mixed = replace(noisy, again=(noisy.again[0][::-1], *noisy.again[1:]))
    with pytest.raises(DataError, match="same photos"):
        Releases(Naive(), 2)(mixed, {})


def test_the_name_says_how_many(noisy):
    attack = Releases(Naive(), 8)
    assert attack.name == "8 releases, naive"
    assert (attack.gallery, attack.knows) == ("clear", "nothing, 8 releases of a photo")
