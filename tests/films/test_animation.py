"""GIF, WebP and TIFF: films in picture files."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from deepanon.anonymizers import build_anonymizer
from deepanon.errors import FilmError, OptionError
from deepanon.films import Encoding, FilmAnonymizer, FilmOptions
from deepanon.films.opening import open_film
from deepanon.seeds import Seeds

TIMES = [40, 80, 120, 40, 200, 70, 70, 70, 70, 70, 30, 30]


def save(path, pictures, times=None, **options):
    images = [picture if isinstance(picture, Image.Image) else Image.fromarray(picture) for picture in pictures]
    options |= {".webp": {"lossless": True}, ".gif": {"loop": 0}}.get(path.suffix, {})
    if path.suffix != ".tif":
        options["duration"] = times or TIMES[: len(images)]
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


def stored(path):
    """Milliseconds and pixels of every frame."""
    got = []
    with Image.open(path) as opened:
        for frame in ImageSequence.Iterator(opened):
            frame.load()
            got.append((frame.info.get("duration"), np.array(frame.convert("RGB")).astype(int)))
    return got


def anonymizer(kit, method="blackout"):
    return FilmAnonymizer(kit.Detector(), build_anonymizer(method), Seeds.from_seed(1))


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_keeps_its_times_and_loses_its_faces(tmp_path, kit, suffix):
    pictures, boxes = kit.walk(12, blind=(4, 5))
    source = save(tmp_path / f"in{suffix}", pictures)
    outcome = anonymizer(kit)(source, tmp_path / f"out{suffix}")
    got = stored(tmp_path / f"out{suffix}")
    assert [time for time, _ in got] == TIMES
    for (x0, y0, x1, y1), (_, pixels) in zip(boxes, got, strict=True):
        assert pixels[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].max() < 40
    assert len(outcome.plan) == 12
    assert Image.open(tmp_path / f"out{suffix}").info["loop"] == 0


def test_pages_are_pictures_of_their_own(tmp_path, kit):
    """A face on one page is not expected on the next."""
    pictures = [kit.draw([(20, 30, 44, 54)]), kit.street(), kit.draw([(80, 30, 104, 54)])]
    source = save(tmp_path / "in.tif", pictures)
    outcome = anonymizer(kit)(source, tmp_path / "out.tif", FilmOptions(strict=True))
    assert outcome.plan.covers.frames.tolist() == [0, 2]
    got = stored(tmp_path / "out.tif")
    assert (got[1][1] == pictures[1]).all()
    assert got[0][1][32:52, 22:42].max() == 0
    assert got[2][1][32:52, 82:102].max() == 0


def test_a_film_can_become_an_animation_and_back(tmp_path, kit):
    pictures, _ = kit.walk(10)
    film = kit.write(tmp_path / "in.mp4", pictures)
    anonymizer(kit)(film, tmp_path / "out.webp")
    assert [time for time, _ in stored(tmp_path / "out.webp")] == [40] * 10
    gif = save(tmp_path / "in.gif", pictures)
    anonymizer(kit)(gif, tmp_path / "out.mp4")
    starts = np.cumsum([0, *TIMES[:9]]) / 1000
    assert [time for time, _ in kit.shown(tmp_path / "out.mp4")] == pytest.approx(starts.tolist())


def test_transparency_is_laid_on_white(tmp_path, kit):
    pictures = []
    for i in range(3):
        image = Image.fromarray(kit.draw([(20 + i, 30, 44 + i, 54)])).convert("RGBA")
        alpha = np.full((kit.height, kit.width), 255, np.uint8)
        alpha[:, 100:] = 0
        image.putalpha(Image.fromarray(alpha))
        pictures.append(image)
    source = save(tmp_path / "in.webp", pictures, exact=True)
    anonymizer(kit)(source, tmp_path / "out.webp")
    assert all(pixels[:, 104:].min() > 240 for _, pixels in stored(tmp_path / "out.webp"))


def test_a_frame_that_cannot_be_read_is_black(tmp_path, kit):
    pictures = [kit.draw([(20, 30, 44, 54)]) for _ in range(4)]
    source = save(tmp_path / "in.tif", pictures, compression="tiff_adobe_deflate")
    data = bytearray(source.read_bytes())
    with Image.open(source) as opened:
        opened.seek(2)
        offset = opened.tag_v2[273][0]
    data[offset + 20 : offset + 60] = bytes(40)
    source.write_bytes(bytes(data))
    outcome = anonymizer(kit)(source, tmp_path / "out.tif")
    assert outcome.plan.damaged.tolist() == [2]
    assert stored(tmp_path / "out.tif")[2][1].max() == 0


def test_what_cannot_be_done_is_refused(tmp_path, kit):
    (tmp_path / "no.gif").write_bytes(b"GIF89a but no more")
    with pytest.raises(FilmError, match="not a picture that can be read"):
        open_film(tmp_path / "no.gif")
    with pytest.raises(FilmError, match="no such file"):
        open_film(tmp_path / "none.webp")
    pages = save(tmp_path / "in.tif", [kit.street(), kit.street(width=80)])
    with pytest.raises(FilmError, match="page 2 is 80x96, the first 160x96"):
        anonymizer(kit)(pages, tmp_path / "out.tif")
    gif = save(tmp_path / "in.gif", kit.walk(3)[0])
    with pytest.raises(OptionError, match=r"\.webp files have no codec"):
        anonymizer(kit)(gif, tmp_path / "out.webp", FilmOptions(Encoding()))
    with pytest.raises(OptionError, match=r"\.webm files do not hold 'h264'"):
        anonymizer(kit)(gif, tmp_path / "out.webm", FilmOptions(Encoding()))
