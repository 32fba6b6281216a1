import re

import numpy as np
from PIL import Image

from deepanon.anonymizers import ANONYMIZERS
from deepanon.demo import CAPTIONS, FINDER, SCORER, run_demo


def test_demo_writes_every_picture_and_a_table(tmp_path):
    table = run_demo(tmp_path)
    assert sorted(p.stem for p in tmp_path.glob("*.png")) == sorted([*CAPTIONS, "sheet"])
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()[1 : 1 + len(CAPTIONS)]}
    assert sorted(rows) == sorted(CAPTIONS)
    for before, after, milliseconds in rows.values():
        assert before == "1/1"
        assert re.fullmatch(r"[01]/1", after)
        assert float(milliseconds) > 0
    assert rows["blackout"][1] == "0/1"  # nothing is left to find
    assert FINDER != SCORER
    assert SCORER in table
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 1000
        assert np.asarray(sheet).std() > 20


def test_the_sheet_shows_known_methods_with_and_without_the_face():
    assert set(CAPTIONS) <= set(ANONYMIZERS)
    assert {"gan", "blackout", "pixelate8"} <= set(CAPTIONS)
