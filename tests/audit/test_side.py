"""Side channels: planted leaks are found, and what the product writes has none."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from deepanon.audit import side
from deepanon.audit.side import embedded, side_channels
from deepanon.data.synthetic import draw_face
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detections import FIVE, Detections
from deepanon.detectors import Given
from deepanon.errors import DataError, DetectionError, OptionError

SIZE = 120


def jpeg(pixels, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, **options)
    return stream.getvalue()


def exif_with(thumbnail):
    """EXIF with the untouched picture as thumbnail in a second directory, as cameras write it."""
    first = struct.pack("<HHHII", 1, 0x0112, 3, 1, 1) + struct.pack("<I", 26)
    tags = ((0x0103, 3, 1, 6), (0x0201, 4, 1, 68), (0x0202, 4, 1, len(thumbnail)))
    second = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + (first + second).ljust(60, b"\0") + thumbnail


class Finder:
    """Finds the drawn faces by name; in a thumbnail, a face wherever there is more than one colour."""

    name, description = "by name", "by name"

    def __init__(self, faces):
        self.faces = faces

    def __call__(self, image, name=""):
        if name in self.faces:
            return self.faces[name]
        return Detections(np.array([[1, 1, 5, 5]]), np.ones(1)) if np.ptp(image) > 100 else Detections.empty()


@pytest.fixture
def album(tmp_path):
    """Four JPEG photos with thumbnails, and a finder that does not find the last of their faces."""
    photos, faces = [], {}
    for number in range(4):
        image, box, points = draw_face(SIZE, np.random.default_rng(number))
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(jpeg(image, exif=exif_with(jpeg(image[::2, ::2]))))
        photos.append(AnnotatedPhoto(path, path.name, box[None], np.zeros(1, bool), person=f"P{number}"))
        faces[path.name] = Detections(box[None], np.ones(1), points[None], schema=FIVE)
    faces["3.jpg"] = Detections.empty()
    return photos, Finder(faces)


def test_what_the_product_writes_is_clean_though_the_originals_were_not(album):
    found = side_channels(*album, "blackout")
    assert (found["photos"], found["originals_with_riders"], found["with_riders"]) == (4, 4, 0)
    assert found["riders"] == {}
    assert (found["thumbnails"], found["thumbnails_with_faces"], found["alpha"]) == (0, 0, 0)
    assert found["outside_changed"] == 0


def test_a_thumbnail_that_rides_along_is_found_with_its_face(album, monkeypatch):
    def leaking(path, pixels, like=None):
        path.write_bytes(jpeg(pixels, exif=exif_with(jpeg(like.pixels[::2, ::2]))))

    monkeypatch.setattr(side, "write_image", leaking)
    found = side_channels(*album, "blackout")
    assert (found["with_riders"], found["thumbnails"], found["thumbnails_with_faces"]) == (4, 4, 4)
    assert found["riders"] == {"a thumbnail (EXIF)": 4}
    assert "4 of 4 written files carry something beside pixels: a thumbnail (EXIF) (4)" in found["sentences"][0]


def test_a_thumbnail_without_a_face_is_counted_apart(album, monkeypatch):
    greys = iter([jpeg(np.full((60 + 8 * i, 60, 3), 90, np.uint8)) for i in range(4)])
    monkeypatch.setattr(side, "write_image", lambda path, pixels, like: path.write_bytes(jpeg(pixels) + next(greys)))
    found = side_channels(*album, "blackout")
    assert (found["thumbnails"], found["thumbnails_with_faces"]) == (4, 0)
    assert found["riders"] == {"bytes after the end of the picture": 4}


def test_faces_that_the_finder_misses_are_counted(album):
    found = side_channels(*album, "blackout")
    assert (found["missed"], found["missed_share"]) == (1, 0.25)
    assert (found["marked"], found["marked_missed"]) == (4, 1)
    assert "in 1 of 4 photos the finder finds no face" in found["sentences"][2]


def test_changes_away_from_the_face_and_transparency_are_found(album, monkeypatch):
    class Leaking(side.FaceAnonymizer):
        def __call__(self, *args, **options):
            made = super().__call__(*args, **options)
            made[:2, :2] ^= 255
            return made

    def with_alpha(path, pixels, like):
        Image.fromarray(pixels).convert("RGBA").save(path, "PNG")

    assert 0.5 < side_channels(*album, "blackout")["kept_share"] < 0.95
    monkeypatch.setattr(side, "FaceAnonymizer", Leaking)
    monkeypatch.setattr(side, "write_image", with_alpha)
    found = side_channels(*album, "blackout")
    assert (found["outside_changed"], found["alpha"]) == (4, 4)


def test_photos_are_drawn_by_seed_and_the_unreadable_said(album):
    photos, finder = album
    assert side_channels(photos, finder, "gaussian", limit=2)["photos"] == 2
    photos[0].path.write_bytes(b"no picture")
    found = side_channels(photos, finder, "gaussian")
    assert (found["photos"], found["unreadable"]) == (3, 1)
    assert "could not be read" in found["sentences"][-1]


def test_a_detector_that_cannot_look_at_a_thumbnail_counts_as_a_face(album, monkeypatch):
    photos, finder = album
    inner = jpeg(np.full((60, 60, 3), 90, np.uint8))
    monkeypatch.setattr(side, "write_image", lambda path, pixels, like: path.write_bytes(jpeg(pixels) + inner))
    found = side_channels(photos, Given(finder.faces), "blackout")
    assert (found["thumbnails"], found["thumbnails_with_faces"]) == (4, 4)


def test_nothing_to_look_at_and_wrong_options_are_errors(album):
    photos, finder = album
    with pytest.raises(DataError, match="no photos"):
        side_channels([], finder, "blackout")
    with pytest.raises(OptionError, match="limit"):
        side_channels(photos, finder, "blackout", limit=0)
    with pytest.raises(OptionError, match="unknown method"):
        side_channels(photos, finder, "blackoutt")
    with pytest.raises(DetectionError):
        side_channels(photos, Given({}), "blackout")
    for photo in photos:
        photo.path.write_bytes(b"")
    with pytest.raises(DataError, match="none of 4"):
        side_channels(photos, finder, "blackout")


def test_pictures_within_files_are_found_wherever_they_lie():
    image = draw_face(SIZE, np.random.default_rng(0))[0]
    small = jpeg(image[::3, ::3])
    assert embedded(jpeg(image)) == []
    assert [picture.shape for picture in embedded(jpeg(image, exif=exif_with(small)))] == [(40, 40, 3)]
    assert len(embedded(jpeg(image) + small + jpeg(image))) == 2
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    assert embedded(stream.getvalue() + b"\xff\xd8\xff\xe0 broken") == []
    assert len(embedded(stream.getvalue() + small)) == 1
