"""Pictures that are turned to RGB where somebody looks show what the whole picture shows, and keep the rest."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from deepanon import geometry
from deepanon.anonymizers import build_anonymizer
from deepanon.crops import regions_of
from deepanon.detections import Detections
from deepanon.detectors.reduced import Reduced, looked_at
from deepanon.films import Film
from deepanon.films.frames import Look
from deepanon.films.pictures import FULL_RANGE, MPEG_RANGE, Pixels, converted
from deepanon.films.planes import Planes
from deepanon.partly import Whole
from deepanon.pipeline import replace_faces

WIDTH, HEIGHT = 320, 240
LOOKS = [Look(space, range_, 2, 2, Fraction(1)) for space in (1, 5, 9) for range_ in (MPEG_RANGE, FULL_RANGE)]


def grain(seed=0, width=WIDTH, height=HEIGHT):
    """(H, W, 3) uint8: a coarse pattern, and lines of noise, which show whether colours come from their places."""
    rng = np.random.default_rng(seed)
    picture = np.kron(rng.integers(0, 256, (height // 8, width // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    picture[::5] = rng.integers(0, 256, picture[::5].shape)
    return picture


def stored(look=LOOKS[0], seed=0):
    frame = converted(grain(seed), look, "yuv420p")
    assert Planes.fit(frame, look)
    return Planes(frame, look)


def values(picture, look):
    """The three planes that an encoder is given."""
    return planes(picture.video_frame(look, "yuv420p"))


def planes(frame):
    """Brightness and colours, as int."""
    rows = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width] for plane in frame.planes]
    return [plane.astype(int) for plane in rows]


def boxes_of(seed, count=4):
    """(N, 4) float boxes of odd places and sizes, some partly outside."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform((-9, -9), (WIDTH - 12, HEIGHT - 12), (count, 2))
    return np.concatenate([corners, corners + rng.uniform(10, 60, (count, 2))], axis=1).astype(np.float32)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.colorspace}-{look.color_range}")
def test_a_part_shows_what_the_whole_picture_shows_there(look):
    picture, rng = stored(look), np.random.default_rng(1)
    whole = picture.pixels
    for _ in range(60):
        x0, y0 = rng.integers(0, (WIDTH - 1, HEIGHT - 1))
        x1, y1 = min(WIDTH, x0 + rng.integers(1, 80)), min(HEIGHT, y0 + rng.integers(1, 80))
        np.testing.assert_array_equal(picture.part(np.array([x0, y0, x1, y1])), whole[y0:y1, x0:x1])
    np.testing.assert_array_equal(picture.part(np.array([0, 0, WIDTH, HEIGHT])), whole)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.colorspace}-{look.color_range}")
@pytest.mark.parametrize("method", ["blackout", "heavy_blur", "pixelate8", "gan"])
def test_what_is_painted_is_what_would_be_without_parts_and_the_rest_is_the_films_own(look, method):
    """The plain way turns the whole picture to RGB and back."""
    for seed in range(3):
        picture, faces = stored(look, seed), Detections(boxes_of(seed), np.ones(4))
        windows = geometry.clip(regions_of(faces.boxes, WIDTH, HEIGHT), WIDTH, HEIGHT)
        drawer, seeds = build_anonymizer(method), [1, 2, 3, 4]
        before, canvas = picture.opened(windows)
        painted = picture.painted(before, replace_faces(before, faces, drawer, seeds, canvas=canvas), windows)
        plain = replace_faces(picture.pixels, faces, drawer, seeds)
        changed = (plain != picture.pixels).any(2)
        assert changed.any()
        # of each pair of pixels, in both directions, that was touched, every value is that of the plain way
        touched = changed.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).any((1, 3))
        masks = [np.kron(touched, np.ones((2, 2), bool)), touched, touched]
        old, new, asked = values(picture, look), values(painted, look), values(Pixels(plain), look)
        for mask, was, now, wanted in zip(masks, old, new, asked, strict=True):
            np.testing.assert_array_equal(now[mask], wanted[mask])
            untouched = np.ones_like(mask)
            factor = WIDTH // mask.shape[1]
            for x0, y0, x1, y1 in windows // factor:
                untouched[y0 : y1 + 1, x0 : x1 + 1] = False
            np.testing.assert_array_equal(now[untouched], was[untouched])


def test_a_picture_of_which_little_is_open_is_black_elsewhere_and_one_of_which_much_is_is_open():
    picture = stored()
    few = picture.opened(np.array([[40, 40, 80, 80]]))
    for shown in few:
        assert not shown[100:].any()
        assert not shown[:, 100:].any()
    for shown in picture.opened(np.array([[0, 0, WIDTH, HEIGHT - 20]])):
        np.testing.assert_array_equal(shown, picture.pixels)


def test_nothing_is_written_into_the_decoders_own_memory():
    picture = stored()
    before, window = picture.pixels.copy(), np.array([[10, 10, 90, 90]])
    shown, _ = picture.opened(window)
    painted = picture.painted(shown, np.where(shown > 0, 255, shown), window)
    assert not np.array_equal(painted.pixels, before)
    np.testing.assert_array_equal(Planes(picture._frame, LOOKS[0]).pixels, before)


def test_captions_and_other_riders_of_a_decoded_frame_go_nowhere(tmp_path, kit):
    """x264 writes its settings into the film, and decoders hand them on with the picture."""
    with av.open(str(kit.write(tmp_path / "in.mp4", kit.walk(3)[0]))) as container:
        assert any(len(list(frame.side_data)) for frame in container.decode(video=0))
    with Film(tmp_path / "in.mp4") as film:
        pictures = [frame.picture for frame in film.frames()]
        assert all(isinstance(picture, Planes) for picture in pictures)
        for picture in pictures:
            frame = picture.video_frame(film.look, "yuv420p")
            assert not list(frame.side_data)
            assert int(frame.pict_type) == 0  # what the encoder makes of it is its own affair


@pytest.mark.parametrize("form", ["yuv444p", "yuv422p", "yuv420p10le"])
def test_other_forms_are_turned_to_rgb_at_once(tmp_path, kit, form):
    path = kit.write(tmp_path / "in.mkv", kit.walk(3)[0], codec="ffv1", pix_fmt=form, options={}, sound=False)
    with Film(path) as film:
        assert all(isinstance(frame.picture, Pixels) for frame in film.frames())


def test_turned_films_and_values_of_another_range_are_turned_to_rgb_at_once(tmp_path, kit):
    with Film(kit.write(tmp_path / "in.mp4", kit.walk(3)[0], rotate=90)) as film:
        assert all(isinstance(frame.picture, Pixels) for frame in film.frames())
    full, mpeg = (Look(1, range_, 2, 2, Fraction(1)) for range_ in (FULL_RANGE, MPEG_RANGE))
    frame = converted(grain(), full, "yuv420p")
    assert Planes.fit(frame, full)
    assert not Planes.fit(frame, mpeg)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.colorspace}-{look.color_range}")
@pytest.mark.parametrize("size", [(160, 120), (107, 80), (32, 18)])
def test_a_reduced_picture_is_that_of_its_pixels_to_a_level(size, look):
    smooth = cv2.GaussianBlur(grain(), (0, 0), 4)
    picture = Planes(converted(smooth, look, "yuv420p"), look)
    reduced, plain = (each.resized(*size).astype(int) for each in (picture, Whole(picture.pixels)))
    assert reduced.shape == plain.shape == (size[1], size[0], 3)
    assert np.abs(reduced - plain).mean() < 1
    assert abs((reduced - plain).mean()) < 0.2  # nothing darkens


def test_a_detector_that_reduces_is_given_reduced_pictures_and_parts(kit):
    """And others the whole picture."""
    detector = kit.Detector()
    picture = Planes(converted(kit.draw([(40, 30, 120, 110)], width=640, height=480), LOOKS[0], "yuv420p"), LOOKS[0])
    whole = looked_at(picture, detector)
    quick = looked_at(picture, Reduced(detector, 320))
    assert len(whole) == len(quick) == 1
    np.testing.assert_allclose(quick.boxes, whole.boxes, atol=4)
    fresh = Planes(picture._frame, LOOKS[0])
    looked_at(fresh, Reduced(detector, 320))
    assert "pixels" not in vars(fresh)  # the whole was never asked for


@pytest.mark.parametrize("color_range", [MPEG_RANGE, FULL_RANGE])
def test_decoded_films_are_shown_alike_in_part_and_as_a_whole_and_handed_on_as_they_are(tmp_path, kit, color_range):
    """Decoders say where colours lie, and have a name of its own for the full range; new frames say nothing."""
    pictures = [grain(i, 160, 96) for i in range(3)]
    path = kit.write(tmp_path / "in.mp4", pictures, color_range=color_range, sound=False)
    window = np.array([[0, 0, 160, 96]])
    with Film(path) as film:
        for frame in film.frames():
            assert isinstance(frame.picture, Planes)
            box = np.array([31, 17, 90, 71])
            np.testing.assert_array_equal(frame.picture.part(box), frame.pixels[17:71, 31:90])
            for picture in (frame.picture, frame.picture.painted(*frame.picture.opened(window), window)):
                for now, decoded in zip(values(picture, film.look), planes(frame.picture._frame), strict=True):
                    np.testing.assert_array_equal(now, decoded)
            handed = frame.picture.video_frame(film.look, "yuv420p")
            assert (handed.format.name, int(handed.color_range)) == ("yuv420p", color_range)


@pytest.mark.parametrize("color_range", [MPEG_RANGE, FULL_RANGE])
def test_colours_do_not_creep_when_they_are_painted_over_and_over(tmp_path, kit, color_range):
    """A flat square keeps its edges, and the ground its colour, as often as all of it is turned to RGB and back."""
    picture = np.full((96, 160, 3), (40, 90, 160), np.uint8)
    picture[32:64, 48:112] = 200, 60, 70
    options = {"crf": "1", "preset": "ultrafast"}
    path = kit.write(tmp_path / "in.mp4", [picture] * 2, color_range=color_range, sound=False, options=options)
    with Film(path) as film:
        first = next(film.frames()).picture
        again = first
        for _ in range(8):
            again = Planes(Pixels(again.pixels).video_frame(film.look, "yuv420p"), film.look)
    before, after = (values(one, film.look)[2].astype(float) for one in (first, again))
    weight = np.abs(before - before[0, 0])
    drawn = np.abs(after - after[0, 0])
    for axis in (0, 1):  # the middle of the square's colour, along each side
        at = np.arange(before.shape[axis]) + 0.5
        middles = [(one.sum(1 - axis) * at).sum() / one.sum() for one in (weight, drawn)]
        assert abs(middles[0] - middles[1]) < 0.05
