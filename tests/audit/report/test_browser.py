"""The page in a real browser: nothing goes wrong, nothing is fetched, nothing sticks out, and it can be read."""

from dataclasses import replace

import pytest

from deepanon.audit.report import write_report
from deepanon.audit.result import Control

WIDTHS = (390, 1280)  # a phone, a desk
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
def reports(result, pictures, tmp_path_factory):
    """void -> its page."""
    failed = Control("shuffled labels", "chance", "22 %", False)
    audits = {False: result, True: replace(result, controls=(*result.controls, failed))}
    folder, kept = tmp_path_factory.mktemp("reports"), pictures(real=False)
    return {void: write_report(one, folder / str(void), kept) for void, one in audits.items()}


@pytest.fixture
def opened(open_page, reports):
    """Function: width -> the page, loaded, and what went wrong or was asked for."""
    return lambda width, void=False, **media: open_page(reports[void], width, **media)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_loads_without_error_or_request_and_fits(opened, check_layout, width):
    page, problems = opened(width)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert problems == []
    check_layout(page, width)
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
