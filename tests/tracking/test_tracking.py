"""Tracks from made-up detections whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from deepanon import geometry
from deepanon.detections import FIVE, Detections
from deepanon.errors import DetectionError, OptionError, SchemaError
from deepanon.tracking import FILLED, GUESSED, PADDED, SEEN, Linker, Timeline, Track, complete
from deepanon.tracking.filling import fill
from deepanon.tracking.padding import leaves
from deepanon.tracking.smoothing import smooth

WIDTH, HEIGHT = 640, 360


def box_at(x, y, side):
    return np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], dtype=np.float64)


def faces(*boxes, labels=None, points=True):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    template = np.array(FIVE.template)
    sides = boxes[:, None, 2:] - boxes[:, None, :2]
    points = boxes[:, None, :2] + template * sides if points else None
    return Detections(boxes, np.full(len(boxes), 0.9), points, None if labels is None else np.array(labels), FIVE)


def link(frames, fps=25.0, cuts=()):
    """Tracks of a list with the boxes of every frame."""
    linker = Linker(FIVE)
    for i, boxes in enumerate(frames):
        linker.add(i, i / fps, boxes if isinstance(boxes, Detections) else faces(*boxes), cut=i in cuts)
    return linker.finish()


def timeline(count, fps=25.0, cuts=()):
    return Timeline(np.arange(count) / fps, WIDTH, HEIGHT, np.array(cuts, dtype=np.int64))


def track_of(boxes, frames=None, fps=25.0, count=None, cuts=()):
    """One track of boxes seen at `frames`, and the timeline it lies on."""
    boxes = np.asarray(boxes, dtype=np.float64)
    frames = np.arange(len(boxes)) if frames is None else np.asarray(frames)
    n = len(boxes)
    points = np.array(FIVE.template) * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]
    track = Track(0, "face", frames, boxes, np.full(n, 0.9), points, np.full(n, SEEN, np.uint8), FIVE)
    return track, timeline(count or int(frames[-1]) + 1, fps, cuts)


# linking


def test_a_face_that_moves_is_one_track():
    (track,) = link([[box_at(50 + 8 * i, 100, 40)] for i in range(30)])
    assert track.frames.tolist() == list(range(30))
    assert (track.how == SEEN).all()


def test_two_that_cross_stay_two_and_themselves():
    left = [box_at(100 + 8 * i, 100, 40) for i in range(50)]
    right = [box_at(492 - 8 * i, 112, 40) for i in range(50)]
    a, b = link(list(zip(left, right, strict=True)))
    np.testing.assert_allclose(a.boxes, left, atol=1e-3)
    np.testing.assert_allclose(b.boxes, right, atol=1e-3)


def test_nothing_that_was_found_is_dropped():
    rng = np.random.default_rng(0)
    frames = [
        [box_at(*rng.uniform(50, 300, 2), rng.uniform(10, 90)) for _ in range(rng.integers(0, 6))] for _ in range(99)
    ]
    tracks = link(frames)
    got = sorted((int(f), *map(float, b)) for t in tracks for f, b in zip(t.frames, t.boxes, strict=True))
    want = sorted((i, *map(float, np.float32(b))) for i, boxes in enumerate(frames) for b in boxes)
    assert got == want


@pytest.mark.parametrize("gap", [1, 5, 20])
def test_a_face_that_blinks_out_comes_back_as_itself(gap):
    frames = [[box_at(100 + 4 * i, 100, 40)] if not 20 <= i < 20 + gap else [] for i in range(60)]
    assert len(link(frames)) == 1


def test_a_face_that_is_away_for_long_is_another():
    frames = [[box_at(100, 100, 40)] if not 20 <= i < 60 else [] for i in range(90)]
    assert len(link(frames)) == 2


def test_a_film_of_one_frame_a_second_is_followed_too():
    frames = [[box_at(100, 100, 40)] if i != 5 else [] for i in range(10)]
    assert len(link(frames, fps=1)) == 1


def test_a_small_quick_face_is_followed_without_overlap():
    assert len(link([[box_at(50 + 14 * i, 100, 16)] for i in range(30)])) == 1


def test_a_scene_ends_every_track():
    tracks = link([[box_at(100, 100, 40)]] * 20, cuts=(10,))
    assert [t.frames.tolist() for t in tracks] == [list(range(10)), list(range(10, 20))]
    assert [t.number for t in tracks] == [0, 1]


def test_labels_are_followed_apart():
    frame = faces(box_at(100, 100, 40), box_at(101, 101, 40), labels=["face", "plate"])
    a, b = link([frame, frame[[1, 0]], frame])
    assert (a.label, len(a), b.label, len(b)) == ("face", 3, "plate", 3)


def test_keypoints_of_another_schema_are_refused():
    from deepanon.detections import COCO7

    other = Detections(np.array([[0, 0, 9, 9]], np.float32), np.ones(1), np.zeros((1, 7, 2)), schema=COCO7)
    with pytest.raises(SchemaError, match=r"five.*frame 0.*coco7"):
        Linker(FIVE).add(0, 0.0, other)


def test_what_is_forgotten_changes_no_link_and_no_number():
    """A face that blinks, one that is gone, one that comes after the others were forgotten."""
    frames = [[box_at(100 + 4 * i, 100, 40)] if i % 7 < 4 else [] for i in range(60)]
    for i in range(20):
        frames[i].append(box_at(500, 250, 40))
    for i in range(50, 60):
        frames[i].append(box_at(100, 300, 30))
    linker = Linker(FIVE)
    for i, boxes in enumerate(frames):
        linker.add(i, i / 25, faces(*boxes))
        linker.forget(i - 10)
        assert sum(len(track) for track in linker.finish()) <= 3 * 12
    whole = {track.number: track for track in link(frames)}
    kept = {track.number: track for track in linker.finish()}
    assert sorted(whole) == [0, 1, 2]
    assert sorted(kept) == [0, 2]
    for number, track in kept.items():
        rows = whole[number].frames >= 49
        np.testing.assert_array_equal(track.frames, whole[number].frames[rows])
        np.testing.assert_array_equal(track.boxes, whole[number].boxes[rows])


def test_a_face_that_is_waited_for_is_not_forgotten():
    linker = Linker(FIVE)
    linker.add(0, 0.0, faces(box_at(100, 100, 40)))
    linker.add(10, 0.4, faces())
    linker.forget(10)
    assert [track.frames.tolist() for track in linker.finish()] == [[0]]
    linker.add(11, 0.44, faces(box_at(100, 100, 40)))
    assert [track.frames.tolist() for track in linker.finish()] == [[0, 11]]
    for frame in (90, 91):
        linker.add(frame, frame / 25, faces())
    linker.forget(90)
    assert linker.finish() == []


# filling


def test_a_short_hole_runs_straight_and_wider():
    boxes = [box_at(100 + 2 * i, 100, 40) for i in (0, 1, 2, 6, 7)]
    track, line = track_of(boxes, frames=[0, 1, 2, 6, 7])
    filled = fill(track, line)
    assert filled.frames.tolist() == list(range(8))
    assert filled.how.tolist() == [SEEN] * 3 + [FILLED] * 3 + [SEEN] * 2
    truth = np.array([box_at(100 + 2 * i, 100, 40) for i in range(8)])
    assert (filled.boxes[3:6, :2] < truth[3:6, :2] - 3.9).all()
    assert (filled.boxes[3:6, 2:] > truth[3:6, 2:] + 3.9).all()
    np.testing.assert_array_equal(filled.boxes[[0, 1, 2, 6, 7]], track.boxes)
    middle = (filled.keypoints[2] + filled.keypoints[6]) / 2
    np.testing.assert_allclose(filled.keypoints[4], middle)
    assert (filled.scores[3:6] == 0).all()


@pytest.mark.parametrize(
    ("last", "at", "how"),
    [
        (box_at(130, 100, 40), 6, GUESSED),  # far
        (box_at(100, 100, 60), 6, GUESSED),  # much larger
        (box_at(100, 100, 40), 20, GUESSED),  # long
        (box_at(105, 100, 42), 6, FILLED),
    ],
)
def test_a_jump_is_a_guess(last, at, how):
    filled = fill(*track_of([box_at(100, 100, 40), last], frames=[0, at]))
    assert (filled.how[1:-1] == how).all()


def test_times_decide_not_frame_numbers():
    line = Timeline(np.array([0.0, 0.3, 0.4]), WIDTH, HEIGHT)
    track, _ = track_of([box_at(100, 100, 40), box_at(108, 100, 40)], frames=[0, 2])
    middle = fill(track, line).boxes[1]
    assert (middle[0] + middle[2]) / 2 == pytest.approx(106)


# padding


def padding(track, line, seconds=1.0):
    """The pads of one track alone in its film, by frame."""
    parts = complete([track], line, seconds)[0][1:]
    assert all((part.how == PADDED).all() for part in parts)
    assert all(np.isnan(part.keypoints).all() for part in parts)
    return {int(f): box for part in parts for f, box in zip(part.frames, part.boxes, strict=True)}


def test_a_face_is_expected_a_second_before_and_after():
    track, line = track_of([box_at(300, 100, 40)] * 3, frames=[50, 51, 52], count=100)
    assert sorted(padding(track, line)) == [*range(25, 50), *range(53, 78)]
    assert padding(track, line, 0) == {}


def test_what_moves_is_covered_where_it_goes_and_a_little_less_far():
    track, line = track_of([box_at(200 + 4 * i, 100, 40) for i in range(10)], frames=range(30, 40), count=80)
    padded = padding(track, line)
    for later in (5, 20):
        for way in (0.5, 1, 1.2):
            truth = box_at(236 + 4 * way * later, 100, 40)
            assert (padded[39 + later][:2] < truth[:2]).all()
            assert (padded[39 + later][2:] > truth[2:]).all()
    assert padded[25][0] < box_at(180, 100, 40)[0]


def test_trembling_is_not_motion():
    rng = np.random.default_rng(0)
    boxes = np.stack([box_at(300, 100, 40)] * 6) + rng.normal(0, 1.5, (6, 1))
    track, line = track_of(boxes, frames=range(30, 36), count=80)
    width = padding(track, line)[60]
    assert width[2] - width[0] < 40 * (1 + 2 * (0.1 + 0.4)) + 15


@pytest.mark.parametrize(("fps", "count"), [(1, 1), (0.2, 1), (240, 240)])
def test_padding_is_a_second_and_a_frame_at_least(fps, count):
    track, line = track_of([box_at(300, 100, 40)], frames=[300], fps=fps, count=600)
    assert sorted(padding(track, line)) == [*range(300 - count, 300), *range(301, 301 + count)]


def test_padding_ends_with_the_scene_and_the_film():
    track, line = track_of([box_at(300, 100, 40)] * 2, frames=[10, 11], count=20, cuts=(5, 15))
    assert sorted(padding(track, line)) == [5, 6, 7, 8, 9, 12, 13, 14]
    track, line = track_of([box_at(300, 100, 40)] * 2, frames=[10, 11], count=20)
    assert sorted(padding(track, line)) == [*range(10), *range(12, 20)]


def test_who_has_walked_out_is_gone():
    track, line = track_of([box_at(580 + 10 * i, 100, 40) for i in range(6)], count=60)
    assert max(padding(track, line)) < 5 + 20
    assert leaves(track, line) == (True, True)  # the film begins with the first, the border explains the last


def test_who_vanishes_in_the_middle_is_not_explained():
    track, line = track_of([box_at(300, 100, 40)] * 5, frames=range(10, 15), count=60)
    assert leaves(track, line) == (False, False)
    track, line = track_of([box_at(300, 100, 40)] * 5, frames=range(10, 15), count=60, cuts=(10, 15))
    assert leaves(track, line) == (True, True)


def test_a_face_that_is_found_again_is_expected_no_longer():
    one, line = track_of([box_at(300, 100, 40)] * 10, frames=range(10, 20), count=60)
    other = replace(one, number=1, frames=np.arange(23, 33))
    parts = complete([one, other], line)
    assert sorted(int(f) for part in parts[0][1:] for f in part.frames) == [*range(10), 20, 21, 22]
    assert sorted(int(f) for part in parts[1][1:] for f in part.frames) == [20, 21, 22, *range(33, 58)]


def test_one_who_passes_by_does_not_explain_a_face_away():
    one, line = track_of([box_at(300, 100, 40)] * 10, frames=range(10, 20), count=60)
    passer = track_of([box_at(100 + 8 * i, 100, 40) for i in range(50)])[0]
    padded = {int(f) for part in complete([one, replace(passer, number=1)], line)[0][1:] for f in part.frames}
    near = set(range(23, 28))  # the passer-by stands where the face is expected
    assert padded - near == ({*range(10)} | {*range(20, 45)}) - near


def test_a_link_between_two_faces_leaves_neither_open():
    """Two who stand beside each other, one found until frame 29 and the other from frame 30: linked as one."""
    boxes = [box_at(300, 100, 40)] * 30 + [box_at(330, 100, 40)] * 30
    track, line = track_of(boxes)
    padded = padding(track, line)
    assert padded[35][0] <= 280
    assert padded[25][2] >= 350


def test_what_nobody_asks_about_is_left_out_and_nothing_else():
    boxes = [box_at(300 + i, 100, 40) for i in range(90)]
    frames = [i for i in range(90) if i % 13]
    track, line = track_of([boxes[i] for i in frames], frames=frames, count=100)
    whole, part = (complete([track], one)[0] for one in (line, replace(line, since=60)))
    rows = [
        sorted((int(f), *box) for pad in pads for f, box in zip(pad.frames, pad.boxes, strict=True) if f >= 60)
        for pads in (whole, part)
    ]
    assert rows[0] == rows[1]
    assert len(part) < len(whole)


# smoothing


@pytest.mark.parametrize("seed", range(5))
def test_a_calm_box_contains_the_one_it_comes_from(seed):
    rng = np.random.default_rng(seed)
    middles = np.cumsum(rng.normal(0, 6, (80, 2)), axis=0) + 200
    sides = np.exp(np.cumsum(rng.normal(0, 0.1, 80))) * 40
    track, line = track_of([box_at(*m, s) for m, s in zip(middles, sides, strict=True)])
    calm = smooth(track, line)
    assert (calm.boxes[:, :2] <= track.boxes[:, :2]).all()
    assert (calm.boxes[:, 2:] >= track.boxes[:, 2:]).all()


def test_trembling_goes_and_motion_stays():
    rng = np.random.default_rng(1)
    truth = np.array([box_at(100 + 5 * i, 100, 60) for i in range(80)])
    track, line = track_of(truth + rng.normal(0, 2, truth.shape))
    calm = smooth(track, line)
    trembling = [np.diff(t.boxes - truth, axis=0)[10:-10].std() for t in (track, calm)]
    assert trembling[1] < 0.3 * trembling[0]
    points = [np.diff(t.keypoints, n=2, axis=0)[10:-10].std() for t in (track, calm)]
    assert points[1] < 0.1 * points[0]
    assert (np.abs(calm.boxes - truth)[10:-10]).max() < 10
    assert geometry.area(calm.boxes).mean() < 1.4 * geometry.area(truth).mean()


def test_unknown_keypoints_stay_unknown_and_spoil_no_others():
    track, line = track_of([box_at(100, 100, 40)] * 20)
    track.keypoints[8] = np.nan
    calm = smooth(track, line)
    assert np.isnan(calm.keypoints[8]).all()
    np.testing.assert_allclose(np.delete(calm.keypoints, 8, 0), np.delete(track.keypoints, 8, 0))


def test_calm_keypoints_do_not_lag_and_end_where_they_ended():
    track, line = track_of([box_at(100 + 5 * i, 100 + 2 * i, 60) for i in range(30)])
    np.testing.assert_allclose(smooth(track, line).keypoints, track.keypoints)


def test_keypoints_are_not_mixed_across_a_leap_or_a_guess():
    boxes = [box_at(100, 100, 40)] * 15 + [box_at(160, 100, 40)] * 15
    track, line = track_of(boxes)
    np.testing.assert_allclose(smooth(track, line).keypoints, track.keypoints)
    slow = [box_at(100 + i, 100, 40) for i in range(30)]
    track, line = track_of(slow)
    track.keypoints[15:] += 3.0  # nothing that the boxes tell
    mixed = smooth(track, line).keypoints
    assert np.abs(mixed - track.keypoints).max() > 0.5
    track.how[12:15] = GUESSED
    np.testing.assert_allclose(smooth(track, line).keypoints, track.keypoints)


def test_one_frame_is_left_as_it_is():
    track, line = track_of([box_at(100, 100, 40)])
    assert smooth(track, line) is track


# the whole


def covered(truth, cover):
    """Share of a box that some boxes cover, on a grid."""
    x, y = (np.linspace(truth[i] + 0.5, truth[i + 2] - 0.5, 40) for i in (0, 1))
    inside = (x > 0) & (x < WIDTH), (y > 0) & (y < HEIGHT)
    if not (inside[0].any() and inside[1].any()):
        return 1.0
    x, y = x[inside[0]], y[inside[1]]
    hit = np.zeros((len(y), len(x)), dtype=bool)
    for x0, y0, x1, y1 in cover:
        hit |= ((y > y0) & (y < y1))[:, None] & ((x > x0) & (x < x1))[None]
    return hit.mean()


def hidden(truth, k, i):
    """Whether one of the two who stand there hides the other: two heads cannot fill one place."""
    others = np.array([boxes[i] for j, boxes in enumerate(truth) if j != k])
    return bool((geometry.iou(truth[k][i][None], others) > 0.4).any())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fps", [10, 25, 60])
def test_no_frame_is_exposed_though_the_detector_blinks(seed, fps):
    """Faces on curved ways, found only now and then, but within a second of every moment."""
    rng = np.random.default_rng(seed)
    count = 8 * fps
    time = np.arange(count) / fps
    truth, found = [], [[] for _ in range(count)]
    for _ in range(4):
        way = rng.uniform(60, 300, 2) + np.outer(time, rng.uniform(-50, 50, 2))
        way += rng.uniform(5, 25, 2) * np.sin(np.outer(time, rng.uniform(0.3, 1.5, 2)) + rng.uniform(0, 6, 2))
        side = rng.uniform(28, 90) * np.exp(0.2 * np.sin(time * rng.uniform(0.2, 1)))
        boxes = np.array([box_at(*w, s) for w, s in zip(way, side, strict=True)])
        truth.append(boxes)
        frame = int(rng.uniform(0, 0.9) * fps)
        while frame < count:
            for _ in range(rng.integers(3, 2 * fps)):
                if frame < count:
                    found[frame].append(boxes[frame] + rng.normal(0, 0.01 * side[frame], 4))
                    frame += 1
            frame += int(rng.integers(1, int(0.8 * fps) + 1))
    # a box that left the picture is not found
    found = [[b for b in boxes if geometry.inside(b[None], WIDTH, HEIGHT)[0]] for boxes in found]
    line = timeline(count, fps)
    cover = [[] for _ in range(count)]
    for group in complete(link(found, fps), line):
        for done in group:
            for frame, box in zip(done.frames, done.boxes, strict=True):
                cover[frame].append(box)
    shown = [(k, i) for k in range(4) for i in range(count) if not hidden(truth, k, i)]
    exposed = [(k, i) for k, i in shown if covered(truth[k][i], cover[i]) < 0.9]
    exposed_without = sum(covered(truth[k][i], found[i]) < 0.9 for k, i in shown)
    assert exposed == []
    assert exposed_without > 0.1 * count


def test_times_must_rise():
    with pytest.raises(OptionError, match="frame 2"):
        Timeline(np.array([0, 1, 1.0]), WIDTH, HEIGHT)


def test_a_track_checks_itself():
    track, _ = track_of([box_at(100, 100, 40)] * 3)
    fields = dict(track.__dict__)
    with pytest.raises(DetectionError, match="rise"):
        Track(**{**fields, "frames": np.array([0, 2, 1])})
    with pytest.raises(DetectionError, match="3 frames"):
        Track(**{**fields, "scores": np.ones(2)})
