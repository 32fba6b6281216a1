import tarfile

import numpy as np
import pytest
import torch

from deepanon.anonymizers import build_anonymizer
from deepanon.data.crops import PackedCrops
from deepanon.data.synthetic import write_packed_crops
from deepanon.distance import frechet, kernel_distance
from deepanon.embedders import Inception, build_embedder, distance_names
from deepanon.errors import OptionError
from deepanon.evaluation.quality import METRICS, Memory, Method, QualityStudy
from deepanon.evaluation.quality.measures import Ruler, stranger_distance
from deepanon.evaluation.values import Value

FACES, SIDE = 48, 32
BLACKOUT, PIXELS, NOISE = "blackout", "pixelate8", "noise"


def method(name):
    return Method(name, build_anonymizer(name), f"{name} of today", name == NOISE)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Folder of drawn faces."""
    root = tmp_path_factory.mktemp("faces")
    write_packed_crops(root, "train", 60, seed=1, resolution=SIDE)
    write_packed_crops(root, "val", FACES, seed=2, resolution=SIDE)
    return root


class Counting(Memory):
    """Counts what had to be made."""

    made = 0

    def array(self, key, make):
        def counted():
            self.made += 1
            return make()

        return super().array(key, counted)


@pytest.fixture(scope="module")
def study(faces):
    train = PackedCrops(faces, "train", SIDE)
    return QualityStudy(
        "drawn", PackedCrops(faces, "val", SIDE), [build_embedder("onet")], train, cache=Counting(), resamples=50
    )


@pytest.fixture(scope="module")
def table(study):
    """{(method, metric, scope): value}."""
    found = list(study.values([method(name) for name in (PIXELS, BLACKOUT, NOISE)]))
    keys = [(v.method, v.metric, v.scope) for v in found]
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, found, strict=True))


def test_every_number_is_explained_and_says_how_it_was_made(table):
    for value in table.values():
        assert value.part == "quality"
        assert value.metric in METRICS
        assert (value.by == "onet") == ("pixel" not in value.metric)
        assert value.by != "onet" or ("48 px RGB" in value.note and "antialiased" in value.note)
        assert value.low <= value.value <= value.high or np.isnan(value.low)
    distance = table[BLACKOUT, "fd", "face"]
    assert distance.n == FACES
    assert "FD(onet)" in distance.note
    assert "FID" not in "".join(v.note for v in table.values())
    assert "strongly biased upward: 48 crops for 256 features" in distance.note


@pytest.mark.parametrize("part", ["crop", "face"])
def test_untouched_crops_are_at_zero_and_halves_at_the_floor(table, part):
    assert table["none", "fd", part].value == pytest.approx(0, abs=1e-6)
    assert table["none", "kd", part].value == pytest.approx(0, abs=1e-9)
    assert table["none", "precision", part].value == table["none", "recall", part].value == 1
    floor = table["none", "fd_half", part]
    assert floor.value > 0
    assert floor.n == FACES // 2
    for damage in (PIXELS, BLACKOUT, NOISE):
        assert table[damage, "fd_half", part].value > floor.value
        assert table[damage, "fd", part].value > 10 * table["none", "fd", part].value
        assert table[damage, "kd", part].low > 0
    assert table["none", "precision_half", part].value > 0.5 > table[BLACKOUT, "precision_half", part].value


def test_more_damage_is_farther_and_faces_hide_in_crops(table):
    for metric in ("fd", "kd", "fd_half", "kd_half", "fd_train", "kd_train"):
        values = [table[name, metric, "face"].value for name in ("none", PIXELS, BLACKOUT)]
        assert values == sorted(values), metric
        assert table[BLACKOUT, metric, "face"].value > table[BLACKOUT, metric, "crop"].value
    assert table[BLACKOUT, "recall", "face"].value == 0  # one and the same black square


def test_only_what_draws_by_chance_has_seeds_and_diversity(table):
    assert len(table[NOISE, "fd", "face"].seeds) == 3
    assert table[NOISE, "fd", "face"].value == pytest.approx(np.mean(table[NOISE, "fd", "face"].seeds))
    assert table[PIXELS, "fd", "face"].seeds == ()
    assert (PIXELS, "diversity", "face") not in table
    assert np.isnan(table[PIXELS, "pixel_diversity", "face"].value)
    assert "nothing by chance" in table[PIXELS, "pixel_diversity", "face"].note
    assert 0 < table[NOISE, "pixel_diversity", "crop"].value < table[NOISE, "pixel_diversity", "face"].value < 1
    assert table[NOISE, "diversity", "face"].value > 0


def test_values_are_those_of_the_features(study, table):
    """Everything again, from the pictures, without the study."""
    embedder = study.embedders[0]
    real = study.book.data.read(range(FACES), SIDE)
    black = real.images.clone()
    edges = torch.cat([(real.boxes[:, :2] * SIDE).floor(), (real.boxes[:, 2:] * SIDE).ceil()], 1).long()
    for picture, (x0, y0, x1, y1) in zip(black, edges.tolist(), strict=True):
        picture[:, y0:y1, x0:x1] = 0
    a, b = (embedder(images.float() / 127.5 - 1).numpy() for images in (real.images, black))
    with pytest.warns(RuntimeWarning):
        assert table[BLACKOUT, "fd", "crop"].value == pytest.approx(frechet(a, b), rel=1e-5)
    train = study.train_book.data.read(range(60), SIDE).images
    c = embedder(train.float() / 127.5 - 1).numpy()
    assert table[BLACKOUT, "kd_train", "crop"].value == pytest.approx(kernel_distance(b, c), rel=1e-5)
    assert "against 60 training crops" in table[BLACKOUT, "kd_train", "crop"].note


def test_what_is_kept_is_not_made_again(study, table):
    made, chosen = study.book.cache.made, [method(PIXELS)]
    again = {(v.method, v.metric, v.scope): v for v in study.values(chosen)}
    assert study.book.cache.made == made
    assert all(repr(table[key]) == repr(value) for key, value in again.items())
    list(study.values([Method(PIXELS, build_anonymizer("blackout"), "something else")]))
    assert study.book.cache.made == made + 1


def test_keys_name_all_that_features_depend_on(faces):
    def keys(resolution=SIDE, limit=None, split="val", description="d", embedder="onet"):
        cache, crops = Memory(), PackedCrops(faces, split, SIDE)
        found = build_embedder(embedder)
        study = QualityStudy("x", crops, [found], limit=limit, resolution=resolution, cache=cache)
        study.book.look([found], Method(PIXELS, build_anonymizer(PIXELS), description), (0,))
        return set(cache._kept)

    everything = [keys(), keys(16), keys(limit=20), keys(split="train"), keys(description="e")]
    assert all(len(found) == 1 for found in everything)
    assert len(set.union(*everything)) == len(everything)
    assert keys() == everything[0]
    (key,) = everything[0]
    assert build_embedder("onet").description in key


def test_a_run_that_was_stopped_goes_on(faces, monkeypatch):
    monkeypatch.setattr("deepanon.evaluation.quality.features.CHUNK", 20)
    cache, crops = Counting(), PackedCrops(faces, "val", SIDE)

    def stop_after(n):
        def progress(starts):
            for count, start in enumerate(starts):
                if count == n:
                    raise KeyboardInterrupt
                yield start

        return progress

    embedders = [build_embedder("onet")]
    first = QualityStudy("x", crops, embedders, cache=cache, progress=stop_after(2))
    with pytest.raises(KeyboardInterrupt):
        list(first.values([]))
    assert cache.made == 2
    whole = QualityStudy("x", crops, embedders, cache=cache)
    features = whole.book.real(embedders[0])
    assert cache.made == 3
    monkeypatch.undo()
    alone = QualityStudy("x", crops, embedders).book.real(embedders[0])
    for part in ("crop", "face"):
        np.testing.assert_allclose(features[part], alone[part], rtol=1e-4, atol=1e-5)


class Pixels:
    """An embedder of four numbers a picture: mean colours and contrast."""

    name, size, description = "pixels4", 16, "means and deviation"

    def __call__(self, images):
        return torch.cat([images.mean((2, 3)), images.std((1, 2, 3))[:, None]], 1)


def test_faces_are_drawn_once_for_all_who_look(faces):
    class Once:
        name, sees_face, size, calls = "once", False, None, 0

        def __call__(self, crops, seeds):
            self.calls += 1
            return torch.zeros_like(crops.context)

    once = Once()
    study = QualityStudy(
        "x", PackedCrops(faces, "val", SIDE), [build_embedder("onet"), Pixels()], seeds=(0, 1), resamples=20
    )
    found = list(study.values([Method("once", once, "", True)]))
    assert once.calls == 2
    assert {v.by for v in found} == {"onet", "pixels4", "pixels"}
    flat = {(v.by, v.metric, v.scope): v for v in found if v.method == "once"}
    assert flat["pixels4", "diversity", "face"].value == 0
    assert flat["pixels", "pixel_diversity", "crop"].value == 0
    assert "biased" not in flat["pixels4", "fd", "face"].note


def test_lpips_where_it_is_given(faces):
    class Lookalike:
        """Stands where LPIPS stands; the real one is tested where its weights are made."""

        name, description = "lpips(alex)", "of the test"

        def __call__(self, a, b):
            return (a - b).abs().amax((1, 2, 3))

    study = QualityStudy(
        "x", PackedCrops(faces, "val", SIDE), [Pixels()], limit=12, lpips=Lookalike(), resamples=20, seeds=(3, 4)
    )
    found = {(v.by, v.metric, v.scope): v for v in study.values([method(NOISE)])}
    value = found["lpips(alex)", "lpips_diversity", "face"]
    assert value.value > 0
    assert value.n == 12
    assert "of the test" in value.note
    assert found["lpips(alex)", "lpips_diversity", "crop"].by == "lpips(alex)"


def test_only_inception_is_called_fid():
    features = {part: np.random.default_rng(0).normal(size=(20, 3)) for part in ("crop", "face")}
    blank = Value("quality", "x", "inception", "m", "", value=0.0)
    for names, keys in (
        (distance_names(Inception.__new__(Inception)), {"fid", "fid_half", "kid", "kid_half"}),
        (distance_names(Pixels()), {"fd", "fd_half", "kd", "kd_half"}),
    ):
        found = {v.metric for v in Ruler(names, "", 8, features, {}, 10).values(blank, [features], False)}
        assert found == keys | {"precision", "recall", "precision_half", "recall_half"}


def test_distance_of_strangers():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 9))
    pairs = np.linalg.norm(features[:, None] - features[None], axis=2)
    assert stranger_distance(features) == pytest.approx(pairs.sum() / (400 * 399), rel=0.02)
    assert stranger_distance(np.eye(2)) == pytest.approx(np.sqrt(2))


def test_crops_that_cannot_be_read_are_counted_by_a_run_that_goes_on_too(tmp_path):
    write_packed_crops(tmp_path, "val", 40, seed=2, resolution=SIDE)
    (tar,) = tmp_path.glob("val-*.tar")
    with tarfile.open(tar) as archive:
        broken = archive.getmembers()[1]
    with tar.open("r+b") as stream:
        stream.seek(broken.offset_data)
        stream.write(bytes(broken.size))
    kept = Memory()
    for _ in range(2):
        study = QualityStudy("x", PackedCrops(tmp_path, "val", SIDE), [Pixels()], cache=kept, resamples=5)
        notes = [v.note for v in study.values([]) if v.by != "pixels"]
        assert notes
        assert all(note.endswith("; 1 crops cannot be read, others count in their place") for note in notes)


def test_what_cannot_be_measured(faces):
    crops, onet = PackedCrops(faces, "val", SIDE), build_embedder("onet")
    with pytest.raises(OptionError, match="quality of 9 crops says nothing: at least 10"):
        QualityStudy("x", crops, [onet], limit=9)
    with pytest.raises(OptionError, match="embedders of different names"):
        QualityStudy("x", crops, [onet, onet])
    with pytest.raises(OptionError, match="seeds must be different"):
        QualityStudy("x", crops, [onet], seeds=(1, 1))
    with pytest.raises(OptionError, match="methods must have different names"):
        list(QualityStudy("x", crops, [Pixels()]).values([method(NOISE), method(NOISE)]))
