"""The page in a real browser: nothing goes wrong, nothing is fetched, nothing sticks out, and it can be read."""

import os
import shutil
from dataclasses import replace

import pytest

from deepanon.audit.report import write_report
from deepanon.audit.result import Control

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
CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const light = colour => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(p => p / 255)
            .map(p => p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const paper = getComputedStyle(document.body).backgroundColor;
    return [...document.querySelectorAll(".badge, .heat, .void p, tbody th a, .verdicts td small")].map(e => {
        const style = getComputedStyle(e), own = style.backgroundColor;
        const banner = e.closest(".void:not(.badge)");
        const behind = banner ? getComputedStyle(banner).backgroundColor : /^rgba.*, 0\\)$/.test(own) ? paper : own;
        const [low, high] = [light(style.color), light(behind)].sort((a, b) => a - b);
        return [(high + 0.05) / (low + 0.05), e.className + " " + e.textContent + " " + style.color + " " + behind];
    }).filter(([contrast]) => contrast < 4.5);
}"""


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
def reports(result, pictures, tmp_path_factory):
    """void -> its page."""
    failed = Control("shuffled labels", "chance", "22 %", False)
    audits = {False: result, True: replace(result, controls=(*result.controls, failed))}
    folder, kept = tmp_path_factory.mktemp("reports"), pictures(real=False)
    return {void: write_report(one, folder / str(void), kept) for void, one in audits.items()}


@pytest.fixture
def opened(browser, reports):
    """Function: width -> the page, loaded, and what went wrong or was asked for."""
    pages = []

    def at(width, void=False, **media):
        report = reports[void]
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
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate(COVERED) == []
    images = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert images == [32] * 16


def test_the_first_screen_holds_all_verdicts_of_a_desk(opened):
    page, _ = opened(WIDTHS[1])
    last = page.evaluate("[...document.querySelectorAll('.verdicts .badge')].at(-1).getBoundingClientRect().bottom")
    assert last < 844


def test_the_banner_of_a_void_audit_stays_in_sight(opened):
    page, _ = opened(WIDTHS[0], void=True)
    for at in (0, 3000):
        page.evaluate(f"window.scrollTo({{top: {at}, behavior: 'instant'}})")
        top, text = page.evaluate(
            "(e => [e.getBoundingClientRect().top, e.textContent])(document.querySelector('div.void'))"
        )
        assert top == 0
        assert "VOID" in text
        assert page.evaluate("document.elementFromPoint(195, 12).closest('div.void') !== null")


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("media", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"media": "print"}])
def test_badges_and_heat_can_be_read(opened, media, void):
    """WCAG AA: at least 4.5 to 1 for text against what is behind it."""
    page, _ = opened(WIDTHS[1], void, **media)
    assert page.evaluate(CONTRASTS) == []


def test_it_prints(opened, tmp_path):
    page, _ = opened(WIDTHS[1])
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 less its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert page.evaluate("getComputedStyle(document.querySelector('.verdicts tr')).display") == "table-row"
