"""What is kept of exports is used only while it is whole and fits."""

import logging

import pytest
import torch

from deepanon.errors import ModelError
from deepanon.models.inference import TOLERANCE
from deepanon.runtimes import ENGINES, build_runtime
from deepanon.runtimes.exports import Exports, fingerprint, packed, unpacked


def write(content):
    return lambda folder: (folder / "model").write_bytes(content)


def never(folder):
    raise AssertionError("exported again")


def test_is_made_once_and_read_afterwards(cache, loader):
    loaded = loader()
    assert Exports(loaded, "kind", ["torch"]).model(write(b"abc")) == {"model": b"abc"}
    assert Exports(loaded, "kind", ["torch"]).model(never) == {"model": b"abc"}
    assert [path.name[:5] for path in (cache / "generators").iterdir()] == ["kind-"]


def test_of_other_weights_another_kind_or_version_is_another(cache, loader, monkeypatch):
    loaded = loader()
    Exports(loaded, "kind", ["torch"]).model(write(b"abc"))
    others = [(loader(seed=1), "kind", ["torch"]), (loaded, "other", ["torch"]), (loaded, "kind", ["torch", "numpy"])]
    for other in others:
        assert Exports(*other).model(write(b"new")) == {"model": b"new"}
    monkeypatch.setattr("deepanon.runtimes.exports.sha256_of_sources", lambda names: "other code")
    assert Exports(loaded, "kind", ["torch"]).model(write(b"new")) == {"model": b"new"}


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:20], lambda b: b[:-1] + b"x", lambda b: b"junk"])
def test_damaged_ones_are_made_again(damage, cache, loader, caplog):
    exports = Exports(loader(), "kind", ["torch"])
    exports.model(write(b"abc"))
    exports.path.write_bytes(damage(exports.path.read_bytes()))
    assert exports.model(write(b"new")) == {"model": b"new"}
    assert "is damaged and is made again" in caplog.text
    assert exports.model(never) == {"model": b"new"}


def test_a_cache_that_cannot_be_written_costs_time_and_is_said(tmp_path, monkeypatch, loader, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    exports = Exports(loader(), "kind", ["torch"])
    with caplog.at_level(logging.WARNING):
        assert exports.model(write(b"abc")) == {"model": b"abc"}
    assert "exported anew each time" in caplog.text


def test_without_a_home_nothing_is_kept(monkeypatch, loader):
    monkeypatch.setattr("deepanon.runtimes.exports.cache_folder", lambda: None)
    exports = Exports(loader(), "kind", ["torch"])
    assert exports.model(write(b"abc")) == exports.model(write(b"abc"))
    exports.forget()


def test_files_are_packed_as_they_are():
    files = {"a.xml": b"<a>\n", "b.bin": bytes(range(256)), "c": b""}
    assert unpacked(packed(files)) == files


def test_a_fingerprint_is_of_weights_and_arguments(loader):
    assert fingerprint(loader()) == fingerprint(loader())
    assert len({fingerprint(loader()), fingerprint(loader(seed=1)), fingerprint(loader("modulated"))}) == 3


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_what_the_runtime_cannot_load_is_an_error_and_is_forgotten(name, cache, loader, given):
    """A whole file, but nothing that the library reads: made by a broken exporter, say."""
    if absent := ENGINES[name].absent():
        pytest.skip(f"not installed: {absent}")
    loaded = loader()
    runtime = build_runtime(name, loaded)
    exports = runtime.engine.exports
    exports._write(dict.fromkeys(runtime.engine.model, b"nonsense"))
    with pytest.raises(ModelError, match=r"cannot load the generator: .*try --runtime torch"):
        build_runtime(name, loaded)
    inputs = given(loaded.network, 2)
    torch.testing.assert_close(build_runtime(name, loaded)(*inputs), loaded.network(*inputs), atol=TOLERANCE, rtol=0)
