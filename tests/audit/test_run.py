"""An audit from beginning to end, on drawn people."""

import json
from dataclasses import replace

import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.audit import Audit, Limits, Profile
from deepanon.audit.attacks import Blind, LinearMap, LinearReconstruction, Naive, ParrotGallery, ParrotHead, Reverse
from deepanon.audit.gate import FAILED, VOID, gated
from deepanon.audit.people.subjects import drawn_subjects
from deepanon.audit.record import Record, Records
from deepanon.audit.report import read_result, write_report
from deepanon.audit.result import COSMETIC, FAIL
from deepanon.errors import OptionError

LADDER = [Naive(), Reverse(), ParrotGallery(), ParrotHead(), LinearReconstruction(LinearMap(32)), Blind()]
PROFILE = Profile("tiny", LADDER, LADDER[:-1], size=96)
LIMITS = Limits(far=0.1)


@pytest.fixture(scope="module")
def audited(people, sights, tmp_path_factory):
    """Result, what was said, and the folder of what is finished."""
    said, folder = [], tmp_path_factory.mktemp("finished")
    audit = Audit("drawn", people, sights, PROFILE, LIMITS, resamples=100, folder=folder, say=said.append)
    shown = []
    methods = {name: build_anonymizer(name) for name in ("gaussian", "blackout")}
    result = audit(methods, lambda method: {"riders": 0}, lambda name, *_: shown.append(name))
    return result, said, folder, shown


def test_controls_pass_and_verdicts_follow_from_construction(audited):
    result = audited[0]
    assert [control.name for control in result.controls if not control.passed] == []
    assert result.verdicts["gaussian"].uses_face
    assert result.verdicts["gaussian"].face == FAIL
    assert not result.verdicts["blackout"].uses_face
    assert result.verdicts["blackout"].face != FAIL


def test_every_attack_and_recogniser_has_numbers_for_every_method(audited):
    result = audited[0]
    for method in ("gaussian", "blackout", "context"):
        keys = {(v.scope, v.by) for v in result.values if v.method == method and v.metric == "audit_rank_1"}
        assert keys == {(attack.name, eye) for attack in LADDER[:-1] for eye in ("grey", "colour")}


def test_an_attack_that_was_not_made_is_said_and_has_no_number(audited):
    result = audited[0]
    assert "blind restoration" in result.methods["gaussian"]["not_run"]
    assert not [value for value in result.values if value.scope == "blind restoration"]


def test_what_was_chosen_and_what_files_give_away_is_kept(audited):
    about = audited[0].methods["gaussian"]
    assert "parrot head, grey" in about["chosen"]
    assert about["side"] == {"riders": 0}
    assert audited[3] == ["gaussian", "blackout"]


def test_a_stopped_run_goes_on_and_says_the_same(audited, people, sights):
    result, _, folder, _ = audited
    said = []
    again = Audit("drawn", people, sights, PROFILE, LIMITS, resamples=100, folder=folder, say=said.append)
    methods = {name: build_anonymizer(name) for name in ("gaussian", "pixelate8")}
    other = again(methods)
    assert not any(text.startswith("gaussian") for text in said)
    assert any(text.startswith("pixelate8") for text in said)
    assert other.verdicts["gaussian"] == result.verdicts["gaussian"]
    of = [[v for v in r.values if v.method == "gaussian"] for r in (result, other)]
    assert of[0] == of[1]


def test_a_result_becomes_a_report_and_is_read_again(audited, tmp_path):
    result = audited[0]
    page = write_report(result, tmp_path)
    assert "blackout" in page.read_text()
    assert read_result(tmp_path).verdicts == result.verdicts
    assert gated(result, "face").code == FAILED


def test_a_failed_control_voids_everything(audited):
    result = audited[0]
    broken = replace(result, controls=(replace(result.controls[0], passed=False), *result.controls[1:]))
    assert broken.void
    assert replace(result, controls=()).void
    assert gated(broken).code == VOID


def test_a_cosmetic_method_is_called_so(people, sights):
    class Cosmetic:
        name, sees_face, size, random, description, cosmetic = "pale", True, None, False, "pale", True

        def __call__(self, crops, seeds):
            return crops.context

    audit = Audit("drawn", people, sights, replace(PROFILE, ladder=LADDER[:1]), LIMITS, resamples=50)
    verdict = audit({"pale": Cosmetic()}).verdicts["pale"]
    assert verdict.picture in (COSMETIC, FAIL)
    assert verdict.face in (COSMETIC, FAIL)


def test_two_recognisers_are_needed(people, sights):
    for few in (sights[:1], [sights[0], sights[0]]):
        with pytest.raises(OptionError, match="two different recognisers"):
            Audit("drawn", people, few, PROFILE)


@pytest.mark.parametrize("methods", [{}, {"context": None}])
def test_a_method_is_needed_and_none_is_called_as_a_control_is(people, sights, methods):
    audit = Audit("drawn", people, sights, PROFILE, resamples=20)
    with pytest.raises(OptionError, match="method"):
        audit(methods)


def test_a_record_that_is_damaged_or_of_other_settings_is_made_again(audited, tmp_path):
    result = audited[0]
    record = Record(result.methods["gaussian"], result.values[:3], {}, result.verdicts["gaussian"])
    made = []

    def make():
        made.append(1)
        return record

    records = Records(tmp_path, "base")
    assert records.get("m", "d", make) == record == records.get("m", "d", make)
    assert len(made) == 1
    Records(tmp_path, "other").get("m", "d", make)
    assert len(made) == 2
    path = next((tmp_path / "methods").iterdir())
    path.write_text(json.dumps({"about": 1}))
    for base in ("base", "other"):
        Records(tmp_path, base).get("m", "d", make)
    assert len(made) == 3


def test_the_same_recogniser_under_two_names_is_one(people, sights):
    class Other:
        name, description = "other name", sights[0].description

        def __call__(self, samples):
            return sights[0](samples)

    with pytest.raises(OptionError, match="two different recognisers"):
        Audit("drawn", people, [sights[0], Other()], PROFILE)


def test_whom_attackers_train_does_not_score(people, sights):
    with pytest.raises(OptionError, match="no attacker may train it"):
        Audit("drawn", people, sights, replace(PROFILE, trained=(sights[1].description,)))


def test_two_rungs_of_one_name_are_refused(people, sights):
    with pytest.raises(OptionError, match="two attacks have one name: naive"):
        Audit("drawn", people, sights, replace(PROFILE, ladder=[Naive(), Naive()]))


def test_faces_that_the_finder_misses_forbid_a_pass(people, sights):
    blind = replace(people, missed=[str(row) for row in range(200)])
    audit = Audit("drawn", blind, sights, replace(PROFILE, ladder=LADDER[:1]), LIMITS, resamples=50)
    why = audit({"blackout": build_anonymizer("blackout")}).verdicts["blackout"].why
    assert any("finder misses the face in 45.5 % of the photos" in sentence for sentence in why)


def test_other_people_and_other_sizes_are_other_records(people, sights):
    def base(subjects, size):
        return Audit("drawn", subjects, sights, replace(PROFILE, size=size), resamples=20).records.base

    others = drawn_subjects(60, 4, 6)
    assert len({base(people, 96), base(people, 64), base(others, 96)}) == 3
