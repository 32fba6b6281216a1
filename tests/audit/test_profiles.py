"""Profiles: what is in which, and that none has a rung twice."""

from pathlib import Path

import pytest

from deepanon.audit import PROFILES, Means, build_profile
from deepanon.errors import OptionError


@pytest.mark.parametrize("name", PROFILES)
def test_the_naive_attack_comes_first_and_no_name_twice(name):
    profile = build_profile(name)
    rungs = [attack.name for attack in profile.ladder]
    assert profile.name == name
    assert rungs[0] == profile.quick[0].name == "naive"
    assert len(set(rungs)) == len(rungs)
    assert {attack.name for attack in profile.quick} <= set(rungs)
    assert all(attack.knows and attack.description for attack in profile.ladder)


def test_the_larger_profiles_hold_all_that_the_smaller_do_and_more():
    names = {name: {attack.name.split(", ")[-1] for attack in build_profile(name).ladder} for name in PROFILES}
    assert names["smoke"] < names["cpu"] == names["gpu"]
    assert {"analytic inversion", "parrot full", "unet", "blind restoration"} <= names["cpu"]


def test_each_restorer_is_a_rung_of_its_own(tmp_path):
    files = [tmp_path / "GFPGANv1.4.pth", tmp_path / "codeformer.pth"]
    for file in files:
        Path(file).write_bytes(file.name.encode())
    rungs = [attack for attack in build_profile("cpu", Means(restorers=files)).ladder if "blind" in attack.name]
    assert [rung.name for rung in rungs] == ["blind restoration (GFPGANv1.4)", "blind restoration (codeformer)"]
    assert "SHA-256" in rungs[0].description
    assert rungs[0].description != rungs[1].description


def test_an_unknown_profile_lists_the_known():
    with pytest.raises(OptionError, match="smoke"):
        build_profile("fast")
