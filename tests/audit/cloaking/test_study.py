import json

import numpy as np
import pytest

from deepanon.anonymizers import Cloak
from deepanon.audit.cloaking import PURIFICATIONS, VERDICT, CloakStudy, leave_one_out
from deepanon.embedders import Aligned, Onet, Recogniser

ATTACKS = {
    "nothing": {"nearest", "linear", "verification", "adaptive"},
    "probe": {"nearest", "linear", "verification", "adaptive", "worst purification", *PURIFICATIONS},
    "gallery": {"nearest", "linear", "adaptive"},
    "both": {"adaptive"},
}


class Still(Cloak):
    """A cloak that changes nothing, as a control."""

    def _cloaked(self, crop, seed):
        return crop.context


@pytest.fixture(scope="module")
def findings(samples, surrogate):
    targets = {"own": surrogate.recogniser(), "other": Recogniser(Onet(), Aligned("arcface", 48))}
    study = CloakStudy(samples, targets, resamples=200, distance=lambda a, b: (a - b).abs().mean())
    options = {"surrogates": [surrogate], "steps": 8, "kernel": 1, "handling": "none", "diversity": 0.0}
    return study.run({"still": Still(**options), "strong": Cloak(**options, eps=120)})


def test_everything_is_measured_for_every_cloak_and_target(findings):
    for cloak in ("still", "strong"):
        for target in ("own", "other"):
            rows = [row for row in findings.recognised if (row.cloak, row.target) == (cloak, target)]
            assert {role: {r.attack for r in rows if r.role == role} for role in ATTACKS} == ATTACKS
            assert all(row.white_box is (target == "own") for row in rows)
            assert all(0 <= row.share.low <= row.share.value <= row.share.high <= 1 for row in rows)
    assert (findings.people, findings.photos, findings.attackers) == (4, 16, 4)


def test_a_cloak_that_changes_nothing_protects_nobody(findings):
    for target in ("own", "other"):
        for attack in ("nearest", "linear", "verification", "adaptive"):
            clear = findings.of("still", target, "nothing", attack).value
            assert findings.of("still", target, "probe", attack).value == clear
            if attack != "verification":
                assert findings.of("still", target, "gallery", attack).value == clear
    seen = findings.visibility["still"]
    assert (seen.linf, seen.ssim.value, seen.dssim.value, seen.lpips.value) == (0, 1, 0, 0)
    assert findings.detectable["still"].value == 0.5


def test_a_strong_cloak_misleads_what_it_was_made_against(findings):
    clear, cloaked = (findings.of("strong", "own", role, "nearest").value for role in ("nothing", "probe"))
    assert clear >= 0.9
    assert cloaked <= 0.5
    assert findings.of("strong", "own", "gallery", "nearest").value < clear
    assert findings.visibility["strong"].linf == 120
    assert findings.detectable["strong"].value > 0.8


def test_the_worst_purification_is_the_largest(findings):
    for target in ("own", "other"):
        worst = findings.of("strong", target, "probe", "worst purification")
        each = {name: findings.of("strong", target, "probe", name).value for name in PURIFICATIONS}
        each["as it is"] = findings.of("strong", target, "probe", "nearest").value
        assert worst.value == max(each.values()) == each[worst.note]


def test_no_number_changes_the_verdict(findings):
    assert findings.verdict == VERDICT == "cosmetic"


def test_json_holds_all_and_nothing_that_is_no_number(findings):
    text = findings.to_json()
    read = json.loads(text)
    assert read["verdict"] == "cosmetic"
    assert len(read["recognised"]) == len(findings.recognised)
    assert read["visibility"]["still"]["psnr"]["value"] is None  # infinite
    assert read["recognised"][0]["share"]["n"] == 8
    assert "NaN" not in text
    assert "Infinity" not in text
    with pytest.raises(KeyError):
        findings.of("strong", "own", "both", "nearest")


def test_leave_one_out(surrogate):
    class Named:
        def __init__(self, name):
            self.name = name

    a, b, c = Named("a"), Named("b"), Named("c")
    assert leave_one_out([a]) == {"a": [a]}
    assert leave_one_out([a, b]) == {"a": [a], "b": [b], "all": [a, b]}
    assert leave_one_out([a, b, c]) == {
        "a": [a], "b": [b], "c": [c], "all": [a, b, c],
        "all but a": [b, c], "all but b": [a, c], "all but c": [a, b],
    }  # fmt: skip


def test_the_same_seed_finds_the_same(samples, surrogate):
    study = CloakStudy(samples, {"own": surrogate.recogniser()}, resamples=50)
    cloak = Cloak(surrogates=[surrogate], steps=2)
    assert study.run({"c": cloak}).to_json() == study.run({"c": cloak}).to_json()
    rows = []
    study.run({"c": cloak}, each=lambda some: rows.append(some) or some)
    assert rows == [range(16), range(16)]
    assert np.unique(study.parts[0].people).size == 4
