"""Films drawn for tests: grey streets on which squares of one colour stand for faces."""

from fractions import Fraction
from itertools import chain
from types import SimpleNamespace

import av
import numpy as np
import pytest

from deepanon.detections import FIVE, Detections

WIDTH, HEIGHT = 160, 96
FACE, BLIND = (255, 0, 255), (0, 200, 255)  # what the detector of these tests finds, and what it does not


class SquareDetector:
    """Finds squares of the colour `FACE` by their pixels; a real detector, of a simple kind of face."""

    name = "squares"

    def __init__(self, score=0.99, points=True, description="squares"):
        self.score, self.points, self.description, self.calls = score, points, description, 0

    def __call__(self, image, name=""):
        self.calls += 1
        image = image.astype(int)
        hit = (image[..., 0] > 180) & (image[..., 1] < 80) & (image[..., 2] > 180)
        columns = np.flatnonzero(hit.sum(0) > 3)
        if not len(columns):
            return Detections.empty(FIVE)
        boxes = []
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            rows = np.flatnonzero(hit[:, run].any(1))
            boxes.append([run[0], rows[0], run[-1] + 1, rows[-1] + 1])
        boxes = np.array(boxes, dtype=np.float32)
        points = np.array(FIVE.template) * (boxes[:, None, 2:] - boxes[:, None, :2]) + boxes[:, None, :2]
        return Detections(boxes, np.full(len(boxes), self.score), points if self.points else None)


def street(index=0, width=WIDTH, height=HEIGHT, seed=0):
    """A background with some structure."""
    rng = np.random.default_rng(seed)
    base = rng.integers(60, 150, (height // 8 + 2, width // 8 + 2))
    return np.kron(base, np.ones((8, 8)))[:height, :width, None].repeat(3, 2).astype(np.uint8)


def draw(boxes, colours=None, **options):
    """One picture with squares."""
    image = street(**options)
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        colour = FACE if colours is None else colours[i]
        image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour
    return image


def walk(count=40, blind=(), start=20, step=2, side=24):
    """Pictures with one square that walks to the right, and its boxes; in frames of `blind` it is not to be found."""
    boxes = [(start + step * i, 30, start + step * i + side, 30 + side) for i in range(count)]
    return [draw([box], [BLIND if i in blind else FACE]) for i, box in enumerate(boxes)], boxes


def write_film(
    path, pictures, pts=None, rate=25, time_base=Fraction(1, 1000), sound=True, codec="libx264", rotate=0, **more
):
    """A film file with the given pictures, shown at `pts`."""
    count = more["count"] if "count" in more else len(pictures)
    pts = [round(i / rate / time_base) for i in range(count)] if pts is None else pts
    pictures = iter(pictures)
    first = next(pictures)
    height, width = first.shape[:2]
    with av.open(str(path), "w") as output:
        output.metadata["title"] = "secret title"
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, more.get("pix_fmt", "yuv420p")
        stream.time_base = stream.codec_context.time_base = time_base
        stream.codec_context.options = more.get("options", {"crf": "10", "preset": "ultrafast"})
        for name in ("color_trc", "colorspace", "color_range", "color_primaries"):
            if name in more:
                setattr(stream.codec_context, name, more[name])
        if rotate:
            stream.set_display_rotation(rotate)
        audio = output.add_stream("aac", rate=16000, layout="mono") if sound else None
        for at, picture in zip(pts, chain([first], pictures), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = at, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if audio is not None:
            seconds = float(pts[-1] * time_base) + 1 / rate
            wave = (np.sin(np.arange(int(16000 * seconds)) * 0.1) * 9000).astype(np.int16)
            for start in range(0, len(wave), 1024):
                part = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="s16", layout="mono")
                part.sample_rate, part.pts, part.time_base = 16000, start, Fraction(1, 16000)
                output.mux(audio.encode(part))
            output.mux(audio.encode(None))
    return path


def shown(path):
    """When each frame of a file is shown, in seconds, and its pixels as they are stored."""
    with av.open(str(path)) as film:
        return [
            (float(frame.pts * frame.time_base), frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)
        ]


def heard(path):
    """Time, duration and bytes of every packet of sound."""
    with av.open(str(path)) as film:
        if not film.streams.audio:
            return []
        packets = film.demux(film.streams.audio[0])
        return [(packet.pts * packet.time_base, packet.duration, bytes(packet)) for packet in packets if packet.size]


def damage(path, number):
    """Overwrite one packet of pictures."""
    with av.open(str(path)) as film:
        packets = [(p.pos, p.size) for p in film.demux(film.streams.video[0]) if p.size]
    data = bytearray(path.read_bytes())
    position, size = packets[number]
    data[position + 4 : position + size] = bytes(size - 4)
    path.write_bytes(bytes(data))


@pytest.fixture
def kit():
    """What these tests draw with."""
    return SimpleNamespace(
        draw=draw,
        walk=walk,
        write=write_film,
        damage=damage,
        shown=shown,
        heard=heard,
        street=street,
        Detector=SquareDetector,
        width=WIDTH,
        height=HEIGHT,
        FACE=FACE,
        BLIND=BLIND,
    )
