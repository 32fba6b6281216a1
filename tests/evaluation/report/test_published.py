import pytest

from deepanon.anonymizers import ANONYMIZERS
from deepanon.evaluation.report.published import PUBLISHED, ROWS, published, row_of


@pytest.mark.parametrize(
    ("method", "retained"),
    [
        ("gan", 0.993), ("pixelate8", 0.967), ("pixelate8_crop", 0.967), ("heavy_blur", 0.905), ("noise", 0.414),
        ("blackout", 0.414), ("pixelate16", None), ("mosaic", None), ("unheard_of", None),
    ],
)  # fmt: skip
def test_the_row_that_a_method_is_held_against(method, retained):
    found = published(method, "retention")
    assert (round(found.value, 6) if found else None) == retained
    assert found is None or found.verified


def test_what_was_not_looked_up_says_so():
    remembered = [one for one in PUBLISHED if one.metric == "ap"]
    assert len(remembered) == 21
    assert not any(one.verified for one in remembered)
    assert all("memory" in one.source for one in remembered)
    assert all(one.verified for one in PUBLISHED if one.metric == "retention")


def test_the_remembered_table_agrees_with_the_verified_number():
    for scope in ("easy", "medium", "hard"):
        ours, clear = published("gan", "ap", scope), published("none", "ap", scope)
        assert ours.value / clear.value == pytest.approx(0.993, abs=6e-4)


def test_methods_and_rows_exist():
    assert {row_of(name) for name in ROWS} == {one.row for one in PUBLISHED}
    assert set(ROWS) - {"none", "jpeg"} <= set(ANONYMIZERS)
