import hashlib

import pytest

from deepanon.detections import FIVE
from deepanon.errors import ModelError
from deepanon.models import DeepPrivacyGenerator
from deepanon.weights import LoadedGenerator, save_generator
from deepanon.weights.card import OPEN, model_card

DISTANCE = {
    "name": "FD(onet)", "embedder": "an embedder in words", "resolution": 16, "faces": 882, "images_seen": 40000,
    "crop": 0.25, "face": 1.5, "kernel_crop": 0.001, "kernel_face": 0.01,
}  # fmt: skip
FACTS = {
    "images_seen": 50000,
    "schedule": [
        {"resolution": 8, "batch_size": 64, "fade": 0, "stable": 20000},
        {"resolution": 16, "batch_size": 32, "fade": 10000, "stable": 30000},
    ],
    "settings": {"objective": "WassersteinGP", "lr": 0.00175, "betas": [0.0, 0.99]},
    "crops": {"train": 22833, "held_out": 882},
    "made_with": {"deepanon": "0.1.0", "torch": "2.9"},
    "distances": {"onet": DISTANCE},
    "data": "drawn faces",
    "licence": "CC0",
}


def written(folder, facts, pose_free=True):
    network = DeepPrivacyGenerator(16, {4: 8, 8: 8, 16: 4})
    save_generator(folder / "mine.safetensors", LoadedGenerator(network, FIVE, pose_free, facts))
    return folder / "mine.safetensors", network


def row(card, head):
    (line,) = [line for line in card.splitlines() if line.startswith(f"| {head} |")]
    return line.removeprefix(f"| {head} | ").removesuffix(" |")


def test_card_says_what_is_known(tmp_path):
    path, network = written(tmp_path, FACTS)
    card = model_card(path)
    assert card.startswith("# Model card: `mine`\n")
    count = sum(p.numel() for p in network.parameters())
    assert row(card, "Architecture") == f"`deepprivacy`, 16 px, {count:,} parameters"
    assert row(card, "SHA-256") == f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`"
    assert '"widths": {"4": 8, "8": 8, "16": 4}' in row(card, "Arguments")
    assert "schema `five`; can do without" in row(card, "Drawn from")
    assert row(card, "Data") == "drawn faces"
    assert row(card, "Crops") == "train 22,833, held out 882"
    assert row(card, "Images seen") == "50,000"
    assert row(card, "Settings") == "objective WassersteinGP, lr 0.00175, betas [0.0, 0.99]"
    assert row(card, "16 px") == "32 | 10,000 | 30,000"
    assert "Made after 50,000 of 60,000 images, fully grown to 16 px." in card
    assert row(card, "FD(onet)") == "1.5 (0.01) | 0.25 (0.001) | 16 px | 882 | 40,000 images"
    assert "- FD(onet): an embedder in words" in card
    assert "## Licence\n\nCC0\n" in card


def test_what_only_its_maker_knows_is_left_open_and_nothing_else(tmp_path):
    card = model_card(written(tmp_path, FACTS)[0])
    assert card.count(OPEN) == 2
    assert f"## Use\n\n{OPEN}\n" in card
    assert f"## Not for\n\n{OPEN}\n" in card
    told = FACTS | {"use": "tests", "not_for": "photos"}
    assert OPEN not in model_card(written(tmp_path, told)[0])
    bare = model_card(written(tmp_path, {}, pose_free=False)[0])
    assert bare.count(OPEN) == 10
    assert "a face without them is blacked out" in bare


def test_a_student_says_who_taught_it(tmp_path):
    path, _ = written(tmp_path, FACTS | {"distilled_from": {"teacher": "research", "sha256": "ab12"}})
    assert row(model_card(path), "Distilled from") == "`research`, SHA-256 `ab12`"
    path, _ = written(tmp_path, FACTS)
    assert "Distilled" not in model_card(path)


def test_a_finished_schedule_needs_no_remark(tmp_path):
    assert "Made after" not in model_card(written(tmp_path, FACTS | {"images_seen": 60000})[0])


@pytest.mark.parametrize("facts", [{"schedule": [1]}, {"distances": {"onet": {}}}, {"crops": "many"}])
def test_facts_that_make_no_sense(tmp_path, facts):
    with pytest.raises(ModelError, match="its training facts make no sense"):
        model_card(written(tmp_path, facts)[0])
