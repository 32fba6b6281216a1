"""The page in a real browser: nothing goes wrong, nothing is fetched, nothing sticks out."""

import os
import shutil

import numpy as np
import pytest

from deepanon.evaluation.report import Pictures, write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = (390, 1280)  # a phone, a desk
STICKS_OUT = """() => [...document.querySelectorAll("body *")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !e.closest(".scroll") && !e.closest(".skip") && !e.closest("svg");
}).map(e => e.tagName + "." + e.className)"""
COVERED = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
    const boxes = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3.5;  // boxes of lines, letters are lower
    return boxes.flatMap(([s, a], i) => boxes.slice(i + 1).filter(([, b]) => meet(a, b)).map(([t]) => s + " / " + t));
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium; without one the test is skipped, unless DEEPANON_BROWSER=required."""
    if CHROMIUM is None:
        assert os.environ.get("DEEPANON_BROWSER") != "required", "no chromium found, and DEEPANON_BROWSER=required"
        pytest.skip("no chromium, chromium-browser or google-chrome on this machine")
    from playwright.sync_api import sync_playwright

    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, headless=True, args=list(FLAGS)
        )
        yield context
        context.close()


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
def opened(browser, report):
    """Function: width -> the page, loaded; whatever went wrong or was asked for is in its `problems`."""
    pages = []

    def at(width, **media):
        page = browser.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(**media)
        problems = []
        page.on("console", lambda message: problems.append(f"console: {message.type} {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url[:80]}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith("data:")
                or request.url == report.as_uri()
                or problems.append(f"asked for {request.url[:80]}")
            ),
        )
        page.goto(report.as_uri(), wait_until="load")
        page.wait_for_timeout(200)
        return page, problems

    yield at
    for page in pages:
        page.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_loads_without_error_or_request_and_fits(opened, width):
    page, problems = opened(width)
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate(COVERED) == []
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
