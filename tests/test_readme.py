"""The README is true: its Python runs, its commands exist, its links lead somewhere."""

import math
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from deepanon.cli import parser
from deepanon.data.synthetic import draw_scene
from deepanon.evaluation import METRICS, Results

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("deepanon/**/*.md")])
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_snippets_run(code, tmp_path):
    Image.fromarray(draw_scene(320, 320, 1, seed=3, face=140)[0]).save(tmp_path / "in.jpg", quality=95)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    assert (tmp_path / "out.jpg").is_file()


def test_there_are_snippets():
    assert len(blocks("python")) >= 2
    assert len(blocks("sh")) >= 3


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines() if line.strip()])
def test_commands_exist(line):
    words = shlex.split(line, comments=True)
    if words[:1] == ["deepanon"]:
        if words[1:] != ["--help"]:
            parser().parse_args(words[1:])  # exits on an unknown option
    elif words[:1] == ["make"]:
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[:1] == ["python"] and words[1].endswith(".py"):
        assert (ROOT / words[1]).is_file()
        for word in words[2:]:
            if word.startswith("experiment="):
                assert (ROOT / "configs" / "experiment" / f"{word.split('=')[1]}.yaml").is_file()
    else:
        assert words[:2] in (["pip", "install"], ["git", "clone"], ["cd", "deepanon"]), line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def names(page):
    """Dotted names of this package in backticks or a fenced block of a page; in backticks of a source file."""
    code = "\n".join(re.findall(r"```.*?```|`[^`]+`", page.read_text(), re.DOTALL))
    return sorted(set(re.findall(r"\bdeepanon(?:\.[A-Za-z_]\w*)+", code)))


NAMES = [(page, name) for page in [*PAGES, *sorted(ROOT.glob("deepanon/**/*.py"))] for name in names(page)]


@pytest.mark.parametrize(("page", "name"), NAMES, ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_names_of_the_package_exist(page, name):
    pkgutil.resolve_name(name)  # imports what it has to


def test_there_are_names():
    assert (ROOT / "data" / "README.md", "deepanon.geometry.crop_region") in NAMES


def test_ci_runs_the_readmes_test_command():
    assert "make test" in "".join(blocks("sh"))
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line.strip() for line in script if line.strip() and not line.startswith("#")]
    assert commands[-1] == "make test"


MEASURED = ROOT / "docs" / "report" / "results.json"
TABLE = (
    ("detection", "masks", "scrfd", "retention", "AP50"),
    ("identity", "identities", "reid0095", "rank_1", "oracle"),
    ("identity", "identities", "mobilefacenet", "rank_1", "oracle"),
    ("quality", "faces128", "onet", "fd", "face"),
)


def cell(value):
    """A number with its interval, shares in percent."""
    if value is None:
        return ""
    share = METRICS[value.metric].unit == "share"
    times = 100 if share else 1
    ends = "" if math.isnan(value.low) else f" [{times * value.low:.1f}, {times * value.high:.1f}]"
    return f"{times * value.value:.{1 if share else 2}f}{ends}"


def main_table():
    """The rows of README's main table, from the committed report."""
    results = Results.read(MEASURED)
    values = {(v.part, v.data, v.by, v.metric, v.scope, v.method): v for v in results.values}
    for method in dict.fromkeys([*results.methods, *(value.method for value in results.values)]):
        cells = [cell(values.get((*column, method))) for column in TABLE]
        if any(cells):
            yield f"| `{method}` | {' | '.join(cells)} |"


def test_the_main_table_is_the_reports():
    text = (ROOT / "README.md").read_text()
    rows = list(main_table())
    assert len(rows) > 13
    missing = [row for row in rows if row not in text]
    assert not missing, "\n".join(rows)


def audit_rows(page, columns):
    """Cells of the table of methods in a page, by method; a column is a number."""
    rows = re.findall(r"^\| (`[^`]+`) \| (.*) \|$", page, re.MULTILINE)
    cells = {method: rest.split(" | ") for method, rest in rows if "FAIL" in rest or "PASS" in rest or "INCONC" in rest}
    return {method: [own[column] for column in columns] for method, own in cells.items()}


def test_the_audits_table_is_that_of_the_claims():
    claims = audit_rows((ROOT / "docs" / "claims.md").read_text(), (0, 1, 3, 4, 5))
    assert audit_rows(README, range(5)) == claims
    assert len(claims) >= 11
