import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import deepanon
from deepanon.audit import record
from deepanon.errors import DataError
from deepanon.evaluation.observing import store as module
from deepanon.evaluation.observing.store import Store

KEY = ("photo 1", "gan-0", "faces")
ARRAYS = {"boxes": np.arange(8.0).reshape(2, 4), "names": np.array(["a", "bc"]), "none": np.zeros((0, 5, 2))}


def same(a, b):
    return a.keys() == b.keys() and all(
        (a[k] == b[k]).all() and a[k].dtype == b[k].dtype and a[k].shape == b[k].shape for k in a
    )


@pytest.mark.parametrize("where", [None, "a/b/observed.sqlite"])
def test_what_is_put_is_got(tmp_path, where):
    store = Store(where and tmp_path / where)
    assert KEY not in store
    assert store.get(KEY) is None
    store.put({KEY: ARRAYS, (*KEY[:2], "other"): {"x": np.array(1)}})
    assert KEY in store
    assert same(store.get(KEY), ARRAYS)
    store.put({KEY: {"x": np.array(2)}})
    assert store.get(KEY)["x"] == 2
    if where:
        store.close()
        assert Store(tmp_path / where).get(KEY)["x"] == 2


def test_arrays_by_name_are_made_once():
    store, made = Store(), []

    def make():
        made.append(1)
        return ARRAYS

    assert same(store.array("features", make), ARRAYS)
    assert same(store.array("features", make), ARRAYS)
    assert len(made) == 1


def test_other_code_finds_nothing(tmp_path, monkeypatch):
    Store(tmp_path / "s").put({KEY: ARRAYS})
    monkeypatch.setattr(module, "code_version", lambda: "other")
    assert KEY not in Store(tmp_path / "s")
    monkeypatch.undo()
    assert KEY in Store(tmp_path / "s")


def test_the_code_that_counts_exists():
    root = os.path.dirname(deepanon.__file__)
    assert all(os.path.exists(os.path.join(root, name)) for name in (*module.CODE, *record.CODE))
    assert len(module.code_version()) == 64


def test_another_file_is_refused(tmp_path):
    (tmp_path / "s").write_text("something else altogether, long enough to look like a header" * 40)
    with pytest.raises(DataError, match="no store of observations"):
        Store(tmp_path / "s")


def test_all_or_nothing(tmp_path):
    store = Store(tmp_path / "s")
    with pytest.raises(AttributeError):
        store.put({KEY: ARRAYS, ("a", "b", "c"): 3})
    assert KEY not in store


def test_what_is_stored_survives_kill_9(tmp_path):
    code = f"""
import numpy as np
from deepanon.evaluation.observing.store import Store
store = Store({str(tmp_path / "s")!r})
n = 0
while True:
    store.put({{("p", "v", str(n)): {{"n": np.full(1000, n)}}}})
    print(n, flush=True)
    n += 1
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    seen = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    store = Store(tmp_path / "s")
    for n in seen:
        assert (store.get(("p", "v", str(n)))["n"] == n).all()
