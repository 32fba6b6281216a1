"""The page: of the output only, from nowhere else, with everything that was found."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from deepanon.images import write_image
from deepanon.verifying import Checked, Finding, Verdict, Verifier
from deepanon.verifying.page import ROWS, page, write_page

FACE = (255, 0, 255)


def views(html):
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [np.array(Image.open(io.BytesIO(base64.b64decode(one)))) for one in found]


def street():
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(60, 150, (16, 24)), np.ones((10, 10)))[..., None].repeat(3, 2).astype(np.uint8)


@pytest.fixture
def folders(tmp_path):
    """Originals in magenta; outputs in which one face is half covered with green, and one is tinted to grey."""
    first = street()
    first[20:60, 20:60] = FACE
    first[30:40, 26:54:2] = (200, 60, 220)
    write_image(tmp_path / "in" / "a.png", first)
    half = first.copy()
    half[20:60, 20:60] = (40, 160, 40)
    half[40:60, 24:56] = (90, 60, 120)  # what is left must not be magenta, or this test could not tell
    write_image(tmp_path / "out" / "a.png", half)
    grey = first.copy()
    grey[20:60, 20:60] = np.array(Image.fromarray(first).convert("L"))[20:60, 20:60, None] // 2
    write_image(tmp_path / "in" / "b.png", first)
    write_image(tmp_path / "out" / "b.png", grey)
    return tmp_path


def test_no_pixel_of_the_original_is_in_the_page(folders, squares):
    verdict = Verifier(squares)(folders / "in", folders / "out")
    assert verdict.kinds == {"resembles": 1}
    html = page(verdict)
    shown = views(html)
    assert len(shown) == 1
    for view in shown:
        view = view.astype(int)
        assert not ((view[..., 0] > 160) & (view[..., 1] < 120) & (view[..., 2] > 160)).any()  # no magenta
        assert np.abs(view.max(-1) - view.min(-1)).max() < 40  # grey, as the output is


def test_the_page_asks_nobody_and_escapes_names():
    name = "<script>alert(1)</script>.jpg"
    finding = Finding("exposed", "0 % covered", np.array([1, 2, 3, 4.0]), view=b"jpeg")
    html = page(Verdict([Checked(name, [finding], 1, 1)], ["a <b>note</b>"], {"detector": "<i>", "covered": 0.9}))
    assert "<script" not in html
    assert "<b>note" not in html
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", html)
    assert "default-src 'none'" in html


def test_what_was_not_checked_is_said():
    quiet = Verdict([Checked("a.jpg", (), 1, 1)], [], {"detector": "eye"})
    assert "Nothing was found" in page(quiet)
    assert "identity not checked" in page(quiet)
    assert "identity not checked" not in page(Verdict([], [], {"detector": "eye", "recogniser": "net"}))


def test_worst_first_and_not_without_end(tmp_path):
    many = [Finding("metadata", "EXIF"), *(Finding("exposed", f"{n}", severity=n) for n in range(ROWS + 10))]
    html = page(Verdict([Checked("a.jpg", many, 1, 1)], [], {}))
    assert html.count('<tr><th scope="row">') == ROWS
    assert html.index(f"<br>{ROWS + 9}<") < html.index(f"<br>{ROWS + 8}<")
    assert "11 more are left out" in html
    write_page(tmp_path / "deep" / "a.html", Verdict([], [], {}))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.html"]
