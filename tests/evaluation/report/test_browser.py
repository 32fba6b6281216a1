"""The page in a real browser: nothing goes wrong, nothing is fetched, nothing sticks out."""

import numpy as np
import pytest

from deepanon.evaluation.report import Pictures, write_report

WIDTHS = (390, 1280)  # a phone, a desk


@pytest.fixture(scope="module")
def report(sample, metrics, tmp_path_factory):
    """A whole report with pictures."""
    folder, rng = tmp_path_factory.mktemp("report"), np.random.default_rng(0)
    pictures = Pictures(folder / "pictures")
    for number in range(6):
        pixels = rng.integers(0, 256, (160, 324, 3), dtype=np.uint8)
        kind = ("grid", "worst")[number % 2]
        pictures.add(
            pixels, set="drawn faces", method="gan", photo=str(number), kind=kind, reason="a reason", real=False
        )
    return write_report(sample, folder / "report", folder / "pictures", metrics=metrics)


@pytest.fixture
def opened(open_page, report):
    """Function: width -> the page, loaded, and what went wrong or was asked for."""
    return lambda width, **media: open_page(report, width, **media)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_loads_without_error_or_request_and_fits(opened, check_layout, width):
    page, problems = opened(width)
    assert problems == []
    check_layout(page, width)
    images = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert images == [324] * 6
    rows = page.evaluate("[...document.querySelectorAll('table')].map(t => t.tBodies[0].rows.length)")
    assert len(rows) > 10
    assert min(rows) > 0


def test_wide_tables_scroll_in_their_box_and_keep_their_first_column(opened):
    page, _ = opened(WIDTHS[0])
    left = page.evaluate("""() => {
        const box = document.querySelector(".scroll");
        box.scrollLeft = 120;
        const edge = box.getBoundingClientRect().left;
        return [box.scrollLeft, box.querySelector("tbody th[scope=row]").getBoundingClientRect().left - edge];
    }""")
    assert left[0] > 50
    assert abs(left[1]) < 1


def test_colours_follow_the_reader_and_can_be_read(opened):
    """WCAG AA: at least 4.5 to 1 for text against the page, in light, dark and print."""
    pages = {}
    for name, media in {
        "light": {"color_scheme": "light"}, "dark": {"color_scheme": "dark"}, "print": {"media": "print"},
    }.items():  # fmt: skip
        page, _ = opened(WIDTHS[1], **media)
        colours = page.evaluate("""() => {
            const style = getComputedStyle(document.documentElement);
            return Object.fromEntries(["--paper", "--ink", "--soft", "--accent", "--control", "--printed", "--warn"]
                .map(name => [name, style.getPropertyValue(name).trim()]));
        }""")
        pages[name] = colours
        for text in ("--ink", "--soft", "--accent", "--control", "--printed"):
            assert contrast(colours[text], colours["--paper"]) >= 4.5, (name, text)
        assert contrast(colours["--ink"], colours["--warn"]) >= 4.5
    assert pages["light"]["--paper"] != pages["dark"]["--paper"]


def contrast(one, other):
    """Of two colours like "#1d1c1a", by the formula of WCAG 2."""
    dark, light = sorted(luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_it_prints(opened, tmp_path):
    page, _ = opened(WIDTHS[1])
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
