"""Faces of a film that are left on purpose: whole tracks only, in no doubt, and said."""

import json

import numpy as np
import pytest

from deepanon.anonymizers import build_anonymizer
from deepanon.detections import FIVE
from deepanon.detectors import Given
from deepanon.errors import FilmError, OptionError
from deepanon.films import Encoding, FilmAnonymizer, FilmOptions
from deepanon.films.covers import DRAWN, LEAP, REASONS, UNSEEN, Covers, Doubt
from deepanon.films.frames import Frame
from deepanon.films.leaving import left_tracks
from deepanon.films.pictures import Pixels
from deepanon.films.plan import FilmPlan
from deepanon.films.rendering import Painter
from deepanon.seeds import Seeds
from deepanon.selection import Selection

ZONE = (100.0, 0.0, 160.0, 96.0)
ZONED, SMALL = "in a zone where faces are ignored", "smaller than 20 px"
FAST = FilmOptions(Encoding(preset="ultrafast"))


def covers(*tracks):
    """Of tracks given as lists of (box, score)."""
    rows = [(n, i, box, score) for n, track in enumerate(tracks) for i, (box, score) in enumerate(track)]
    rows.sort(key=lambda row: row[1])
    boxes = np.array([row[2] for row in rows], np.float32)
    points = np.array(FIVE.template) * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]
    return Covers(
        np.array([row[1] for row in rows]), np.array([row[0] for row in rows]), boxes,
        np.array([row[3] for row in rows], np.float32), points.astype(np.float32), np.full(len(rows), "face"),
        np.array([DRAWN if row[3] else UNSEEN for row in rows], np.uint8), FIVE,
    )  # fmt: skip


def at(x, y, side):
    return (x, y, x + side, y + side)


@pytest.mark.parametrize(
    ("sides", "left"),
    [([18] * 5, True), ([19.9] * 5, True), ([18] * 4 + [20], False), ([30] * 5, False)],
)
def test_a_track_is_left_if_it_is_always_small(sides, left):
    some = covers([(at(20, 20, side), 0.9) for side in sides])
    assert left_tracks(some, Selection(min_size=20)) == ({0: SMALL} if left else {})
    assert left_tracks(some, Selection()) == {}


def test_the_wider_boxes_of_frames_in_which_it_was_not_found_do_not_make_it_large():
    some = covers([(at(20, 20, 30), 0.0), (at(25, 25, 18), 0.9), (at(20, 20, 40), 0.0)])
    assert left_tracks(some, Selection(min_size=20)) == {0: SMALL}


def test_on_the_two_sides_of_a_leap_there_may_be_two_people():
    """One of them was not meant to be left: that doubt remains, and `strict` refuses."""
    some, ticks = covers([(at(20, 20, 18), 0.9)] * 3), np.arange(3)
    found = [Doubt(0, 1, REASONS[LEAP], 0), Doubt(0, 1, REASONS[UNSEEN], 0), Doubt(0, 1, REASONS[UNSEEN], 1)]
    plan = FilmPlan(ticks, ticks, ticks[:0], some, found).leaving(Selection(min_size=20))
    assert plan.left == {0: SMALL}
    assert plan.doubts == [found[0], found[2]]


def test_a_face_that_was_left_excuses_findings_only_where_it_was_found():
    some = covers([(at(20, 20, 18), 0.9), (at(20, 20, 18), 0.0)])
    ticks = np.arange(2)
    plan = FilmPlan(ticks, ticks, ticks[:0], some, [], {0: SMALL})
    assert [len(plan.left_boxes(frame)) for frame in (0, 1)] == [1, 0]


def test_who_was_never_found_is_never_left():
    some = covers([(at(110, 20, 10), 0.0)] * 3)
    assert left_tracks(some, Selection(min_size=20, zones=(ZONE,))) == {}


def test_a_track_is_left_if_it_is_always_in_a_zone():
    poster, passer = [(at(120, 20, 24), 0.9)] * 5, [(at(60 + 15 * i, 20, 24), 0.9) for i in range(5)]
    before = [(at(80, 20, 24), 0.9)] * 5  # half before the poster
    assert left_tracks(covers(poster, passer, before), Selection(zones=(ZONE,))) == {0: ZONED}


def test_who_may_have_walked_out_of_the_zone_unseen_is_replaced():
    """Where it is only expected its box is wide; its middle says whether it went."""
    stays = [(at(120, 20, 24), 0.9)] * 3 + [(at(105, 10, 54), 0.0)]
    goes = [(at(102, 50, 24), 0.9)] * 3 + [(at(60, 40, 54), 0.0)]
    assert left_tracks(covers(stays, goes), Selection(zones=(ZONE,))) == {0: ZONED}


def test_one_wish_must_hold_throughout():
    """Small half of the time, in the zone the other half: in doubt it is replaced."""
    some = covers([(at(20, 20, 15), 0.9)] * 3 + [(at(120, 20, 24), 0.9)] * 3)
    assert left_tracks(some, Selection(min_size=20, zones=(ZONE,))) == {}


def test_wishes_by_picture_are_refused(kit):
    for wish in ("keep", "only"):
        with pytest.raises(OptionError, match="go with photos"):
            FilmAnonymizer(kit.Detector(), build_anonymizer("blackout"), selection=Selection(**{wish: Given({})}))


@pytest.mark.parametrize("method", ["gan", "blackout"])
def test_who_draws_beside_a_left_face_does_not_see_it(kit, method):
    """Other pixels under the left box: outside it not one pixel changes; and inside none is touched."""
    some = covers([(at(40, 30, 30), 0.9)] * 3, [(at(76, 34, 24), 0.9)] * 3)  # its crop reaches over the other
    made = []
    for seed in (1, 2):
        pictures, rng = [kit.street() for _ in range(3)], np.random.default_rng(seed)
        for picture in pictures:
            picture[34:58, 76:100] = rng.integers(0, 256, (24, 24, 3))
        painter = Painter(some, build_anonymizer(method), build_anonymizer("blackout"), [1, 2], left={1: "poster"})
        frames = [Frame(i, i, 1, Pixels(picture)) for i, picture in enumerate(pictures)]
        painted = np.stack([painter(frame, 160, 96).pixels for frame in frames])
        assert np.array_equal(painted[:, 34:58, 76:100], np.stack(pictures)[:, 34:58, 76:100])
        assert not np.array_equal(painted[:, 30:60, 40:70], np.stack(pictures)[:, 30:60, 40:70])
        painted[:, 34:58, 76:100] = 0
        made.append(painted)
    assert np.array_equal(*made)


@pytest.fixture
def source(tmp_path, kit):
    """A small face that stays and a larger one that walks; for a while nobody finds the small one."""
    pictures = [
        kit.draw([at(130, 10, 12), at(20 + i, 40, 30)], [kit.BLIND if 10 <= i < 14 else kit.FACE, kit.FACE])
        for i in range(30)
    ]
    return kit.write(tmp_path / "in.mp4", pictures)


def film(kit, **options):
    return FilmAnonymizer(kit.Detector(), build_anonymizer("blackout"), Seeds.from_seed(1), **options)


def seen(path, kit):
    """In how many frames the small and the large face are as they were."""
    shown = [pixels.astype(int) for _, pixels in kit.shown(path)]
    small = sum(
        np.abs(p[13:19, 133:139] - (kit.BLIND if 10 <= i < 14 else kit.FACE)).max() < 90 for i, p in enumerate(shown)
    )
    return small, sum(np.abs(p[45:65, 25 + i : 45 + i] - kit.FACE).max() < 90 for i, p in enumerate(shown))


@pytest.mark.parametrize("wish", [{"min_size": 20}, {"zones": ((118, 2, 154, 34),)}])
def test_a_film_leaves_whom_it_should_and_says_so(tmp_path, kit, source, wish):
    outcome = film(kit, selection=Selection(**wish))(source, tmp_path / "out.mp4", FAST)
    assert seen(tmp_path / "out.mp4", kit) == (30, 0)
    reason = SMALL if "min_size" in wish else ZONED
    small = next(track for track in outcome.to_json()["tracks"] if track["faces"][0]["box"][0] > 100)
    assert small["left"] == reason
    assert outcome.plan.left_open == [{"track": small["number"], "reason": reason, "frames": [0, 29]}]
    assert outcome.made["selection"] == Selection(**wish).description
    assert int(outcome.plan.drawn.sum()) == 30
    film(kit)(source, tmp_path / "all.mp4", FAST)
    assert seen(tmp_path / "all.mp4", kit) == (0, 0)


def test_nobody_doubts_what_is_left(tmp_path, kit):
    pictures = [kit.draw([at(130, 10, 12)], [kit.FACE if i < 10 else kit.BLIND]) for i in range(50)]
    source = kit.write(tmp_path / "in.mp4", pictures)
    strict = FilmOptions(Encoding(preset="ultrafast"), strict=True)
    with pytest.raises(FilmError, match="unresolved"):
        film(kit)(source, tmp_path / "out.mp4", strict)
    assert film(kit, selection=Selection(min_size=20))(source, tmp_path / "out.mp4", strict).plan.doubts == []


def test_a_file_that_was_edited_leaves_a_track_and_takes_it_back(tmp_path, kit, source):
    told = tmp_path / "film.json"
    stored = film(kit)(source, tmp_path / "out.mp4", FAST).to_json()
    stored["tracks"][0]["left"] = "my own child"
    large = int(stored["tracks"][0]["faces"][0]["box"][0] < 100)
    told.write_text(json.dumps(stored))
    outcome = film(kit)(source, tmp_path / "out.mp4", FAST, given=told)
    assert seen(tmp_path / "out.mp4", kit) == ((0, 30) if large else (30, 0))
    assert [left["reason"] for left in outcome.plan.left_open] == ["my own child"]
    again = outcome.to_json()
    assert again["tracks"][0].pop("left") == "my own child"
    told.write_text(json.dumps(again))
    film(kit)(source, tmp_path / "out.mp4", FAST, given=told)
    assert seen(tmp_path / "out.mp4", kit) == (0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tracks: tracks[0].update(left=True), "must say why"),
        (lambda tracks: tracks[0].update(left=" "), "must say why"),
        (lambda tracks: tracks[0]["faces"][3].update(left="poster"), "whole track"),
        (lambda tracks: tracks.append(tracks[0] | {"left": "poster"}), "comes twice"),
    ],
)
def test_a_left_that_is_not_clear_is_refused(tmp_path, kit, source, change, message):
    told = tmp_path / "film.json"
    stored = film(kit)(source, tmp_path / "out.mp4", FAST).to_json()
    change(stored["tracks"])
    told.write_text(json.dumps(stored))
    with pytest.raises(FilmError, match=message):
        film(kit)(source, tmp_path / "again.mp4", FAST, given=told)
    assert not (tmp_path / "again.mp4").exists()


def test_a_run_that_was_begun_with_another_wish_is_begun_anew(tmp_path, kit, source):
    class Stop(Exception):
        pass

    def stop(what, done, total):
        if what == "replacing" and done == 20:
            raise Stop

    with pytest.raises(Stop):
        film(kit, selection=Selection(min_size=20))(source, tmp_path / "out.mp4", FAST, stop)
    film(kit)(source, tmp_path / "out.mp4", FAST)
    assert seen(tmp_path / "out.mp4", kit) == (0, 0)
