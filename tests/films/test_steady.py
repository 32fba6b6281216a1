"""Drawings that go along with a face: calmer than without, never a pixel of the film, never a ghost."""

import threading
import time
import weakref
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch

from deepanon.anonymizers import ByLabel, Chain, build_anonymizer
from deepanon.crops import blank, cut
from deepanon.detections import FIVE, Detections
from deepanon.errors import ModelError, OptionError
from deepanon.films import Encoding, FilmAnonymizer, FilmOptions, rendering
from deepanon.films.carried import KEPT, RENEWED, Carried, Drawing
from deepanon.films.covers import DRAWN, Covers
from deepanon.films.frames import Frame
from deepanon.films.motion import Sight, staying
from deepanon.films.pictures import Pixels
from deepanon.films.rendering import Painter
from deepanon.films.steady import Steady, steadied
from deepanon.films.trail import Trail
from deepanon.seeds import Seeds

TEMPLATE = np.array(FIVE.template)
SIZE = 64


class Trembling:
    """A generator that answers the least change of its keypoints with another texture, and marks the nose."""

    name, sees_face, size, random, description = "gan", False, SIZE, True, "trembling"

    def __init__(self, mark=0.0):
        self.mark, self.calls = mark, 0

    def __call__(self, crops, seeds):
        rows = []
        for context, mask, points in zip(crops.context, crops.mask, crops.keypoints, strict=True):
            self.calls += 1
            rng = np.random.default_rng(zlib.crc32(points.numpy().tobytes()))
            drawn = torch.from_numpy(rng.uniform(-0.5, 0.5, (3, SIZE, SIZE)).astype(np.float32))
            if self.mark:
                x, y = (points[2] * SIZE).int().tolist()
                drawn = torch.full((3, SIZE, SIZE), -self.mark)
                drawn[:, y - 3 : y + 3, x - 3 : x + 3] = self.mark
            rows.append(torch.where(mask > 0, drawn, context))
        return torch.stack(rows)


def at(box, tremble=None, turn=0.0):
    """A face that fills its box; turned to one side by `turn`, in box widths that the nose is off."""
    x0, y0, x1, y1 = box
    points = TEMPLATE * [x1 - x0, y1 - y0] + [x0, y0]
    points[2, 0] += turn * (x1 - x0)
    points[[1, 4], 0] -= turn * (x1 - x0)
    return points if tremble is None else points + tremble


def covers(boxes, points, tracks=None, frames=None):
    count = len(boxes)
    frames = np.arange(count) if frames is None else np.asarray(frames)
    tracks = np.zeros(count, np.int64) if tracks is None else np.asarray(tracks)
    return Covers(
        frames, tracks, np.array(boxes, np.float32), np.ones(count, np.float32), np.array(points, np.float32),
        np.full(count, "face"), np.full(count, DRAWN, np.uint8), FIVE,
    )  # fmt: skip


def painted(kit, some, drawer, pictures=None, steady=True, seeds=(1, 2, 3)):
    painter = Painter(some, drawer, build_anonymizer("blackout"), seeds, steady=steady)
    frames = sorted(set(some.frames.tolist()))
    pictures = [kit.street()] * (frames[-1] + 1) if pictures is None else pictures
    frames = [Frame(i, i, 1, Pixels(picture)) for i, picture in enumerate(pictures)]
    return [painter(frame, kit.width, kit.height).pixels.astype(int) for frame in frames]


def trembling(count=12, way=0.0, spread=0.15, seed=0):
    rng = np.random.default_rng(seed)
    boxes = [(50 + way * i, 30, 90 + way * i, 70) for i in range(count)]
    return boxes, [at(box, rng.normal(0, spread, (5, 2))) for box in boxes]


@pytest.mark.parametrize("method", ["gan", "trembling"])
def test_other_pixels_under_the_boxes_change_nothing_though_drawings_are_carried(kit, method):
    drawer = build_anonymizer("gan") if method == "gan" else Trembling()
    boxes, points = trembling(6, way=1.3)
    other = [(86 + i, 28, 120 + i, 66) for i in range(6)]  # a second face, whose box overlaps the first one's
    some = covers([*boxes, *other], [*points, *(at(box) for box in other)], [0] * 6 + [1] * 6, [*range(6), *range(6)])
    order = np.argsort(some.frames, kind="stable")
    names = ("frames", "tracks", "boxes", "scores", "keypoints", "labels", "why")
    some = Covers(**{name: getattr(some, name)[order] for name in names}, schema=FIVE)
    films = []
    for seed in (1, 2):
        rng, pictures = np.random.default_rng(seed), [kit.street() for _ in range(6)]
        for i, picture in enumerate(pictures):
            for x0, y0, x1, y1 in some.at(i)[0].boxes:
                hidden = np.s_[int(np.floor(y0)) : int(np.ceil(y1)), int(np.floor(x0)) : int(np.ceil(x1))]
                picture[hidden] = rng.integers(0, 256, picture[hidden].shape)
        films.append((pictures, painted(kit, some, drawer, pictures)))
    assert not np.array_equal(films[0][0], films[1][0])
    assert np.array_equal(films[0][1], films[1][1])
    without = painted(kit, some, drawer, films[0][0], steady=False)
    assert np.array_equal(films[0][1][0], without[0])  # nothing to carry yet
    assert not np.array_equal(films[0][1][5], without[5])  # and here something was


def test_a_method_that_sees_the_face_is_never_carried():
    trail = Trail()
    for name in ("gaussian9", "blackout", "solid", "pixelate8"):
        method = build_anonymizer(name)
        assert steadied(method, trail) is method
    seeing = Trembling()
    seeing.sees_face = True
    assert steadied(seeing, trail) is seeing
    with pytest.raises(OptionError, match="sees the face"):
        Steady(seeing, trail)


def test_rules_are_carried_where_a_generator_draws():
    drawer, solid = Trembling(), build_anonymizer("solid")
    rules = steadied(ByLabel({"face": drawer, "head": drawer, "plate": solid}), Trail())
    assert rules.of("plate") is solid
    assert isinstance(rules.of("face"), Steady)
    assert rules.of("face") is rules.of("head")  # still drawn in one batch
    assert (rules.name, rules.description) == ("face=gan,head=gan,plate=solid", ByLabel(
        {"face": drawer, "head": drawer, "plate": solid}).description)  # fmt: skip


def test_in_a_blind_chain_the_generators_own_drawing_is_carried():
    trail, drawer, blur = Trail(), Trembling(), build_anonymizer("gaussian")
    chain = steadied(Chain([drawer, blur]), trail)
    assert isinstance(chain.stages[0], Steady)
    assert chain.stages[1] is blur
    assert (chain.name, chain.sees_face, chain.random) == ("gan+gaussian", False, True)
    with_options = steadied(build_anonymizer("gan:z=zero"), trail)
    assert isinstance(with_options, Steady)
    assert with_options.name == "gan:z=zero"
    for text in ("gaussian+gan", "noise+gan+gaussian", "solid+gaussian"):
        chain = build_anonymizer(text)
        kept = steadied(chain, trail)
        assert kept is chain or all(a is b for a, b in zip(kept.stages, chain.stages, strict=True))


CHAINS = {
    "blurred": lambda: Chain([Trembling(), build_anonymizer("gaussian:sigma=0.05")]),
    "layered": lambda: Chain([Trembling(), build_anonymizer("layered_strong")]),
    "drawn twice": lambda: Chain([build_anonymizer("solid"), Trembling(), build_anonymizer("eye_bar"), Trembling()]),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_in_a_film_is_blind_too(kit, chain):
    """Other pixels under the boxes, the same film to the bit, though drawings are carried."""
    boxes, points = trembling(6, way=1.3)
    films = []
    for seed in (1, 2):
        rng, pictures = np.random.default_rng(seed), [kit.street() for _ in range(6)]
        for picture, (x0, y0, x1, y1) in zip(pictures, boxes, strict=True):
            hidden = np.s_[int(np.floor(y0)) : int(np.ceil(y1)), int(np.floor(x0)) : int(np.ceil(x1))]
            picture[hidden] = rng.integers(0, 256, picture[hidden].shape)
        films.append(painted(kit, covers(boxes, points), CHAINS[chain](), pictures))
        plain = painted(kit, covers(boxes, points), CHAINS[chain](), pictures, steady=False)
    assert np.array_equal(*films)
    assert np.array_equal(films[1][0], plain[0])  # nothing to carry yet
    assert not np.array_equal(films[1][5], plain[5])


@pytest.mark.parametrize("text", ["gaussian+gan", "eye_bar+gan"])
def test_a_chain_that_sees_the_face_draws_each_frame_alone(kit, text):
    some = covers(*trembling(4))
    got, plain = (painted(kit, some, build_anonymizer(text), steady=steady) for steady in (True, False))
    assert np.array_equal(got, plain)


@pytest.mark.parametrize("chain", ["blurred", "layered"])
def test_a_chain_is_calmer_too(kit, chain):
    some = covers(*trembling(30))
    calm, plain = (painted(kit, some, CHAINS[chain](), steady=steady)[15:] for steady in (True, False))
    assert flicker(calm, (54, 34, 86, 66)) < 0.6 * flicker(plain, (54, 34, 86, 66))


def flicker(pictures, box):
    x0, y0, x1, y1 = box
    return np.mean([np.abs(a - b)[y0:y1, x0:x1].mean() for a, b in pairwise(pictures)])


def test_it_is_calmer_though_keypoints_tremble(kit):
    some = covers(*trembling(40))
    calm, plain = (painted(kit, some, Trembling(), steady=steady)[20:] for steady in (True, False))
    assert flicker(calm, (54, 34, 86, 66)) < 0.5 * flicker(plain, (54, 34, 86, 66))
    assert np.array_equal(np.stack(calm)[:, :24], np.stack(plain)[:, :24])  # beside the box nothing is carried


class Nervous:
    """A detector that knows where the face is, and whose keypoints tremble."""

    name = description = "nervous"

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, image, name=""):
        box = (50, 30, 90, 70)
        points = at(box, self.rng.normal(0, 0.6, (5, 2)))
        return Detections(np.array([box], np.float32), np.ones(1), points[None])


def test_a_whole_film_is_calmer(tmp_path, kit):
    source = kit.write(tmp_path / "in.mkv", [kit.street()] * 30, codec="ffv1", options={}, sound=False)
    got = {}
    for steady in (True, False):
        film = FilmAnonymizer(Nervous(), Trembling(), Seeds.from_seed(1))
        film(source, tmp_path / f"{steady}.mkv", FilmOptions(Encoding("ffv1"), steady=steady))
        pictures = [pixels.astype(int) for _, pixels in kit.shown(tmp_path / f"{steady}.mkv")]
        got[steady] = flicker(pictures[8:], (54, 34, 86, 66))
    assert got[True] < 0.5 * got[False]


def marks(picture, box):
    """Middle of what is bright in the box, and how much of the box it is."""
    x0, y0, x1, y1 = (round(edge) for edge in box)
    y, x = np.nonzero(picture[y0:y1, x0:x1].mean(-1) > 170)
    return np.array([x.mean() + x0, y.mean() + y0]), len(x) / ((y1 - y0) * (x1 - x0))


@pytest.mark.parametrize("way", [0.0, 3.0, 6.0])
def test_it_goes_along_with_the_head_and_leaves_no_ghost(kit, way):
    """The same drawing, quick as its face may be: the mark lies on the nose, sharp, and nowhere else."""
    boxes = [(10 + way * i, 30, 50 + way * i, 70) for i in range(16)]
    some = covers(boxes, [at(box) for box in boxes])
    got, plain = (painted(kit, some, Trembling(mark=0.9), steady=steady) for steady in (True, False))
    for i in range(1, 16):
        (where, share), (nose, size) = marks(got[i], boxes[i]), marks(plain[i], boxes[i])
        np.testing.assert_allclose(nose, at(boxes[i])[2] - 0.5, atol=1.5)  # of a generator that knows whole pixels
        np.testing.assert_allclose(where, nose, atol=0.75)
        assert share == pytest.approx(size, abs=0.015)


@pytest.mark.parametrize("change", ["pose", "size", "way", "fit", "around", "keypoints"])
def test_after_too_great_a_change_it_is_drawn_as_if_nothing_had_been(kit, change):
    box, pictures = (50, 30, 90, 70), [kit.street()] * 4
    later, points = box, at(box)
    if change == "pose":
        points = at(box, turn=0.2)
    elif change == "size":
        later = (40, 18, 100, 82)
        points = at(later)
    elif change == "way":
        later = (85, 30, 125, 70)
        points = at(later)
    elif change == "fit":
        later = (70, 30, 110, 70)
    elif change == "around":
        pictures = [kit.street()] * 2 + [np.full_like(kit.street(), 250)] * 2
    else:
        points = np.full((5, 2), np.nan)
    some = covers([box, box, later, later], [at(box), at(box, 0.05), points, points])
    drawer = Trembling()
    got, plain = (painted(kit, some, drawer, pictures, steady) for steady in (True, False))
    assert not np.array_equal(got[1], plain[1])
    assert np.array_equal(got[2], plain[2])


def test_a_drawing_is_carried_sharp_as_long_as_it_holds(kit):
    """It is resampled from where it was drawn, and not from frame to frame: after 30 frames as after two."""
    boxes = [(20 + 0.37 * i, 30, 60 + 0.37 * i, 70) for i in range(31)]
    got = painted(kit, covers(boxes, [at(box) for box in boxes]), Trembling())
    detail = [np.diff(got[i][36:64, round(boxes[i][0]) + 6 : round(boxes[i][0]) + 34], axis=1).std() for i in (2, 30)]
    assert detail[1] > 0.8 * detail[0]


def test_the_less_stays_the_more_changes(kit):
    shares = []
    for turn in (0.0, 0.02, 0.05, 0.1, 0.2):
        faces = Detections(np.array([[50, 30, 90, 70]] * 2, np.float32), np.ones(2), np.stack(
            [at((50, 30, 90, 70)), at((50, 30, 90, 70), turn=turn)]))  # fmt: skip
        crops = cut(blank(kit.street(), faces.boxes), faces, SIZE)
        shares.append(staying(Sight.of(crops[:1]), Sight.of(crops[1:])))
    assert shares[0] == 1
    assert shares[-1] == 0
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) > 3


@pytest.mark.parametrize(("turn", "holds"), [(0.0, True), (0.05, True), (0.12, False), (0.3, False)])
def test_a_drawing_holds_nearly_whole_or_is_let_go_for_good(kit, turn, holds):
    faces = Detections(np.array([[50, 30, 90, 70]] * 2, np.float32), np.ones(2), np.stack(
        [at((50, 30, 90, 70)), at((50, 30, 90, 70), turn=turn)]))  # fmt: skip
    crops = cut(blank(kit.street(), faces.boxes), faces, SIZE)
    old, new = (Drawing.of(torch.full((3, SIZE, SIZE), tone), crops[i : i + 1]) for i, tone in enumerate((0.8, -0.8)))
    made, carried = Carried(old, old.sight).into(new)
    assert carried.anchor is (old if holds else new)  # of what was let go nothing is carried on
    share = (made.patch[20, 20, 0] + 0.8) / 1.6
    assert share == pytest.approx(KEPT, abs=0.01) if holds else share <= KEPT * RENEWED


def test_nothing_is_carried_across_a_gap(kit):
    boxes, points = trembling(6)
    some = covers(boxes, points, frames=[0, 1, 2, 4, 5, 6])
    got, plain = (painted(kit, some, Trembling(), steady=steady) for steady in (True, False))
    assert [np.array_equal(a, b) for a, b in zip(got, plain, strict=True)] == [
        True,
        False,
        False,
        True,
        True,
        False,
        False,
    ]


def test_nothing_is_carried_from_one_of_two_faces_of_one_track(kit):
    boxes, points = [(20, 30, 50, 60), (90, 30, 120, 60)] * 3, []
    rng = np.random.default_rng(0)
    points = [at(box, rng.normal(0, 0.1, (5, 2))) for box in boxes]
    some = covers(boxes, points, frames=[0, 0, 1, 1, 2, 2])
    got, plain = (painted(kit, some, Trembling(), steady=steady) for steady in (True, False))
    assert np.array_equal(got, plain)


def test_a_batch_is_drawn_as_each_alone(kit):
    """Two faces of two frames, in one call and in two."""
    boxes = np.array([[20, 30, 50, 60], [90, 30, 120, 60]], np.float32)
    rng, results = np.random.default_rng(0), []
    frames = [np.stack([at(box, rng.normal(0, 0.1, (5, 2))) for box in boxes]) for _ in range(3)]
    for together in (True, False):
        trail = Trail()
        drawer = Steady(Trembling(), trail)
        for i, points in enumerate(frames):
            faces = Detections(boxes, np.ones(2), points)
            crops = cut(blank(kit.street(), boxes), faces, SIZE)
            parts = [slice(0, 2)] if together else [slice(1, 2), slice(0, 1)]
            with trail.turn(i):
                got = torch.cat([drawer(crops[part], [7, 8][part]) for part in parts])
        results.append(got if together else got.flip(0))
    assert torch.equal(*results)


@pytest.mark.parametrize("gaps", [False, True])
def test_frames_that_are_painted_side_by_side_are_those_painted_one_by_one(kit, gaps):
    """All are drawn before the first is finished, whichever comes first."""
    boxes, points = trembling(9, way=0.8)
    frames = [0, 1, 2, 4, 5, 6, 7, 9, 10] if gaps else list(range(9))
    some, meet, last = covers(boxes, points, frames=frames), threading.Barrier(9), frames[-1]

    class Meeting(Trembling):
        def __call__(self, crops, seeds):
            place = meet.wait(60)
            time.sleep(0.004 * place)
            return super().__call__(crops, seeds)

    alone = Painter(some, Trembling(), build_anonymizer("blackout"), [1])
    both = Painter(some, Meeting(), build_anonymizer("blackout"), [1])
    pictures = [Frame(i, i, 1, Pixels(kit.street())) for i in range(last + 1)]
    expected = [alone(frame, kit.width, kit.height).pixels for frame in pictures]
    tasks = [both.task(frame, kit.width, kit.height) for frame in pictures]
    with ThreadPoolExecutor(len(tasks)) as pool:
        got = [done.pixels for done in pool.map(lambda task: task(), tasks, timeout=60)]
    assert np.array_equal(got, expected)
    assert not np.array_equal(got[1], painted(kit, some, Trembling(), steady=False)[1])  # something was carried


def test_a_frame_that_fails_keeps_nobody_waiting(kit):
    class Fails(Trembling):
        def __call__(self, crops, seeds):
            if self.calls == 2:
                raise ModelError("broken")
            return super().__call__(crops, seeds)

    some = covers(*trembling(4))
    painter = Painter(some, Fails(), build_anonymizer("blackout"), [1])
    tasks = [painter.task(Frame(i, i, 1, Pixels(kit.street())), kit.width, kit.height) for i in range(4)]
    tasks[0](), tasks[1]()
    for task in tasks[2:]:
        with pytest.raises(ModelError, match="broken"):
            task()


def test_what_is_carried_of_frames_long_past_is_not_kept(kit):
    some = covers(*trembling(6))
    painter = Painter(some, Trembling(), build_anonymizer("blackout"), [1])
    turns = []
    for i in range(6):
        painter(Frame(i, i, 1, Pixels(kit.street())), kit.width, kit.height)
        turns.append(weakref.ref(painter.trail._newest))
    assert [turn() is None for turn in turns] == [True] * 5 + [False]


def test_only_carried_drawings_are_painted_side_by_side():
    some, black = covers(*trembling(2)), build_anonymizer("blackout")
    blur = build_anonymizer("gaussian")
    assert Painter(some, Trembling(), black, [1]).threads == 2
    assert Painter(some, ByLabel({"face": Chain([Trembling(), blur]), "*": black}), black, [1]).threads == 2
    for drawer in (blur, black, Chain([black, blur]), ByLabel({"face": blur, "*": black})):
        assert Painter(some, drawer, black, [1]).threads == 1
    assert Painter(some, Trembling(), black, [1], steady=False).threads == 1


def test_only_the_box_is_carried(kit):
    """Whatever lies beside the box in a drawn crop: the mixture is the same."""
    box, results = (50, 30, 90, 70), []
    faces = Detections(np.array([box] * 2, np.float32), np.ones(2), np.stack([at(box), at(box, 0.3)]))
    crops = cut(blank(kit.street(), faces.boxes), faces, SIZE)
    x0, y0, x1, y1 = crops.boxes[0].numpy()
    for beside in (-1.0, 1.0):
        pixels = torch.full((3, SIZE, SIZE), beside)
        pixels[:, int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = 0.5
        now = Drawing.of(torch.full((3, SIZE, SIZE), -0.5), crops[1:])
        results.append(now.mixed(Drawing.of(pixels, crops[:1]), KEPT).patch)
    assert np.array_equal(*results)
    assert results[0].max() == pytest.approx(-0.5 + KEPT, abs=0.02)


class Stop(Exception):
    pass


def test_pieces_that_are_made_after_a_death_are_the_same(tmp_path, kit, monkeypatch):
    """Killed just after the first piece: its last drawing is not there any more when the second one is made."""
    monkeypatch.setattr(rendering, "PIECE", 7)
    source = kit.write(tmp_path / "in.mp4", [kit.street()] * 20, sound=False)
    options, told = FilmOptions(Encoding(preset="ultrafast")), []

    def film():
        return FilmAnonymizer(Nervous(), Trembling(), Seeds.from_seed(1))

    def progress(what, done, total):
        told.append(what)
        if told.count("replacing") == 8:
            raise Stop

    film()(source, tmp_path / "whole.mp4", options)
    with pytest.raises(Stop):
        film()(source, tmp_path / "out.mp4", options, progress)
    film()(source, tmp_path / "out.mp4", options)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
