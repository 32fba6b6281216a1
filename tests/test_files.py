"""Sums over the package's own sources; writing and finding files is tested where it is used."""

import hashlib
from pathlib import Path

import deepanon
from deepanon.files import sha256_of_sources

ROOT = Path(deepanon.__file__).parent


def test_a_sum_is_of_names_and_contents_in_order():
    whole = hashlib.sha256()
    for name in ("crops.py", "seeds.py"):
        whole.update(f"{name}\0".encode() + (ROOT / name).read_bytes())
    assert sha256_of_sources(["seeds.py", "crops.py"]) == whole.hexdigest()


def test_a_folder_counts_whole_but_for_what_is_left_out():
    audit, without = sha256_of_sources(["audit"]), sha256_of_sources(["audit"], but="audit/report/")
    files = [path.relative_to(ROOT).as_posix() for path in (ROOT / "audit").rglob("*.py")]
    assert audit == sha256_of_sources(files) != without
    assert without == sha256_of_sources([name for name in files if not name.startswith("audit/report/")])
