import pytest

from deepanon.cli import main
from deepanon.errors import ModelError
from deepanon.files import sha256_of
from deepanon.weights import BUNDLED, DEFAULT, bundled, load_generator


def models(*arguments):
    with pytest.raises(SystemExit) as end:
        main(["models", *arguments])
    return end.value.code


def test_every_model_has_a_line_and_one_is_the_default(capsys):
    assert models() == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(BUNDLED)
    (default,) = [line for line in lines if line.endswith("(default)")]
    assert default.split()[0] == DEFAULT
    column = head.index("parameters")
    sizes = {line.split()[0]: float(line[column:].split()[0]) for line in lines}
    assert sizes["first"] == pytest.approx(1.37, abs=0.01)


@pytest.mark.parametrize("name", BUNDLED)
def test_every_model_has_a_card_and_is_the_file_that_was_published(name, capsys):
    assert models("--card", name) == 0
    assert f"# Model card: `{name}`" in capsys.readouterr().out
    assert sha256_of(BUNDLED[name].path) == BUNDLED[name].sha256


def test_an_unknown_card_names_the_known_ones(capsys):
    assert models("--card", "nobody") == 2
    assert f"unknown model 'nobody'; choose one of: {', '.join(sorted(BUNDLED))}" in capsys.readouterr().err


def test_a_bundled_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    changed = bytearray(BUNDLED[DEFAULT].path.read_bytes())
    changed[-1] ^= 1  # still a generator file
    (tmp_path / f"{DEFAULT}.safetensors").write_bytes(changed)
    assert load_generator(tmp_path / f"{DEFAULT}.safetensors")
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="is not the file that was published"):
        load_generator(DEFAULT)
