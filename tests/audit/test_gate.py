from dataclasses import replace

import pytest

from deepanon.audit.gate import FAILED, OPEN, PASSED, VOID, gate, gated, voided
from deepanon.audit.result import VERDICTS, AuditResult, Control, Verdict
from deepanon.errors import OptionError

SOUND = Control("no-op", "0.95 of clear", "0.99 of clear", True)


def audit(*pictures, controls=(SOUND,), face="PASS"):
    """One method for every verdict on the picture."""
    names = [f"m{at}" for at in range(len(pictures))]
    verdicts = {name: Verdict(said, face, True) for name, said in zip(names, pictures, strict=True) if said}
    return AuditResult({}, "smoke", {}, {}, {}, {name: {} for name in names}, controls, (), verdicts)


@pytest.mark.parametrize(
    ("pictures", "code"),
    [
        (("PASS",), PASSED),
        (("PASS", "PASS"), PASSED),
        (("FAIL",), FAILED),
        (("PASS", "FAIL", "INCONCLUSIVE"), FAILED),
        (("INCONCLUSIVE",), OPEN),
        (("COSMETIC",), OPEN),
        (("PASS", "COSMETIC"), OPEN),
        (("PASS", "INCONCLUSIVE"), OPEN),
        (("PASS", None), OPEN),  # a method without a verdict
        ((), OPEN),  # nothing was audited
    ],
)
def test_every_verdict_has_its_exit_code(pictures, code):
    found = gated(audit(*pictures))
    assert gate(audit(*pictures)) == found.code == code
    assert f"exit code {code}" in found.text


def test_only_pass_is_zero():
    assert (PASSED, len({PASSED, FAILED, OPEN, VOID, 2})) == (0, 5)  # 2 is that of a command that cannot be run
    assert [verdict for verdict in VERDICTS if gate(audit(verdict)) == 0] == ["PASS"]


def test_the_text_names_the_methods():
    text = gated(audit("PASS", "FAIL", "FAIL", "COSMETIC")).text
    assert text == "FAIL, exit code 1, by the whole picture: passed: m0; failed: m1, m2; cosmetic: m3"
    assert gated(audit("PASS", None)).text.endswith("without a verdict: m1")


def test_a_failed_control_is_stronger_than_every_verdict():
    for pictures in (("PASS",), ("FAIL",), ()):
        void = audit(*pictures, controls=(SOUND, replace(SOUND, name="shuffled", found="22 %", passed=False)))
        assert gate(void) == VOID
        assert "control 'shuffled' failed (22 %)" in gated(void).text


def test_an_audit_without_controls_is_void():
    assert gate(audit("PASS", controls=())) == VOID
    assert voided(audit("PASS", controls=())) == ("no control was made",)
    assert voided(audit("PASS")) == ()


def test_picture_and_face_are_gatedd_apart():
    mixed = audit("FAIL", face="PASS")
    assert (gate(mixed, "picture"), gate(mixed, "face")) == (FAILED, PASSED)
    assert "the face alone" in gated(mixed, "face").text


def test_some_methods_can_be_gatedd_alone():
    both = audit("PASS", "FAIL")
    assert (gate(both, methods=["m0"]), gate(both, methods=["m1"])) == (PASSED, FAILED)


def test_what_is_unknown_is_refused():
    with pytest.raises(OptionError, match="unknown verdict 'hair'; choose one of: face, picture"):
        gate(audit("PASS"), "hair")
    with pytest.raises(OptionError, match="unknown method 'm7'; choose one of: m0"):
        gate(audit("PASS"), methods=["m7"])
    with pytest.raises(OptionError, match="no method to judge"):
        gate(audit("PASS"), methods=[])
