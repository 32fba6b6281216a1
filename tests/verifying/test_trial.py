"""Seeds of a film, tried before anything is drawn: another one for the whole track, black at last."""

import json

import av
import numpy as np
import pytest
import torch

from deepanon.anonymizers import ByLabel, build_anonymizer
from deepanon.detections import FIVE
from deepanon.embedders import Margin, Recogniser
from deepanon.errors import OptionError
from deepanon.films import Encoding, FilmOptions, FilmPlan, work_folder
from deepanon.films.covers import ALIKE, DRAWN, REASONS, Covers
from deepanon.films.opening import open_film
from deepanon.seeds import Seeds
from deepanon.verifying.again import next_seed
from deepanon.verifying.film_anonymizer import VerifiedFilmAnonymizer
from deepanon.verifying.trial import samples

COUNT, WIDTH = 20, 240
OPTIONS = FilmOptions(Encoding("ffv1"))
FIRST = Seeds.from_seed(1)("in.mkv", 2)


class Careless:
    """Draws the face that it sees for some seeds, and another one for all others."""

    name, sees_face, size, random, description = "careless", True, 64, True, "careless"

    def __init__(self, bad=(), random=True):
        self.bad, self.random, self.asked = set(bad), random, []

    def __call__(self, crops, seeds):
        self.asked += seeds
        rows = []
        for context, seed in zip(crops.context, seeds, strict=True):
            other = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
            other = torch.nn.functional.interpolate(other[None], 64, mode="bicubic")[0].clamp(-1, 1)
            rows.append(context if seed in self.bad else other)
        return torch.stack(rows)


def boxes(i):
    return [(20 + i, 30, 52 + i, 62), (150 - i, 24, 190 - i, 64)]


@pytest.fixture
def film(tmp_path):
    """Two patterned faces that walk towards each other, without loss."""
    path = tmp_path / "in.mkv"
    street = np.kron(np.random.default_rng(0).integers(60, 150, (12, 30)), np.ones((8, 8))).astype(np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, 96, "bgr0"
        for i in range(COUNT):
            picture = street[..., None].repeat(3, 2)
            for x0, y0, x1, y1 in boxes(i):
                picture[y0:y1, x0:x1] = (255, 0, 255)
                picture[y0 + 8 : y0 + 16, x0 + 6 : x1 - 6 : 2] = (190, 70, 230)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


@pytest.fixture
def make(film, squares, tmp_path):
    """Function: method -> (outcome, pixels of every frame)."""

    def of(method, name="out.mkv", progress=lambda *_: None, **options):
        anonymizer = VerifiedFilmAnonymizer(squares, method, Seeds.from_seed(1), **options)
        outcome = anonymizer(film, tmp_path / name, OPTIONS, progress)
        with open_film(tmp_path / name) as made:
            return outcome, [frame.pixels for frame in made.frames()]

    return of


def black(pixels, number):
    """In how many frames the face is black."""
    inner = [pixels[i][y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] for i in range(COUNT) for x0, y0, x1, y1 in [boxes(i)[number]]]
    return sum(part.max() < 8 for part in inner)


def test_what_is_well_keeps_its_seed(make):
    method = Careless()
    outcome, pixels = make(method)
    assert set(method.asked) == set(FIRST)
    assert outcome.notes[-1] == "tried before they were drawn: 0 faces drawn with another seed, 0 black after all"
    assert black(pixels, 0) == black(pixels, 1) == 0
    assert 2 * 5 <= len(method.asked) - 2 * COUNT <= 2 * 10  # the film, and five frames tried of each face


def test_a_track_that_is_too_alike_gets_another_seed_in_every_frame(make):
    method = Careless({FIRST[0], next_seed(FIRST[0], 2)})
    outcome, pixels = make(method)
    drawn = method.asked[-2 * COUNT :]
    assert drawn.count(next_seed(FIRST[0], 3)) == drawn.count(FIRST[1]) == COUNT
    assert black(pixels, 0) == 0
    assert "1 faces drawn with another seed, 0 black" in outcome.notes[-1]
    _, same = make(Careless({FIRST[0], next_seed(FIRST[0], 2)}), "again.mkv")
    assert np.array_equal(pixels, same)  # a key repeats it


def test_one_alike_frame_of_five_sends_the_track_back(make):
    class Once(Careless):
        """Careless with the first face once it has walked some way."""

        def __call__(self, crops, seeds):
            drawn = super().__call__(crops, seeds)
            for row, seed in enumerate(seeds):
                if seed == FIRST[0] and int(crops.regions[row, 0]) > 12:
                    drawn[row] = crops.context[row]
            return drawn

    method = Once()
    make(method)
    assert method.asked[-2 * COUNT :].count(next_seed(FIRST[0], 2)) == COUNT


def test_a_track_that_stays_too_alike_is_black_in_every_frame_and_that_is_said(make):
    outcome, pixels = make(Careless({FIRST[1], *(next_seed(FIRST[1], n) for n in range(2, 9))}), tries=3)
    assert (black(pixels, 0), black(pixels, 1)) == (0, COUNT)
    assert "0 faces drawn with another seed, 1 black after all" in outcome.notes[-1]
    stored = outcome.to_json()
    said = [{face["redacted"] for face in track["faces"]} for track in stored["tracks"]]
    assert said == [{None}, {"each new face was too like the old one"}]
    assert "no recogniser" in stored["verified"]
    assert (outcome.plan.covers.why == ALIKE).sum() == COUNT


def test_a_method_without_chance_is_tried_once(make):
    method = Careless(set(FIRST), random=False)
    _, pixels = make(method)
    assert black(pixels, 0) == black(pixels, 1) == COUNT
    assert 2 * 5 <= len(method.asked) <= 2 * 10


def test_with_rules_chance_is_each_methods_own(make):
    method = Careless(set(FIRST), random=False)
    make(ByLabel({"face": method, "plate": Careless()}))
    assert 2 * 5 <= len(method.asked) <= 2 * 10


def test_a_recogniser_alone_can_send_tracks_back(make, recogniser):
    """Nobody is less alike than -1; and with a limit that nobody reaches, nobody is asked again."""
    method = Careless()
    _, pixels = make(method, recogniser=recogniser, threshold=-1.0, tries=2)
    assert black(pixels, 0) == black(pixels, 1) == COUNT
    assert set(method.asked) == {*FIRST, *(next_seed(seed, 2) for seed in FIRST)}
    _, pixels = make(Careless(), "calm.mkv", recogniser=recogniser, threshold=1.0)
    assert black(pixels, 0) == black(pixels, 1) == 0


class Stop(Exception):
    pass


def stopping(what, number):
    told = []

    def progress(done, *_):
        told.append(done)
        if told.count(what) == number:
            raise Stop

    return progress


@pytest.mark.parametrize(("what", "number"), [("trying", 1), ("trying", 7), ("replacing", 1), ("replacing", 15)])
def test_a_run_that_was_stopped_ends_the_same_and_does_not_try_twice(make, tmp_path, what, number):
    bad = {FIRST[0], FIRST[1], *(next_seed(FIRST[1], n) for n in range(2, 9))}
    _, whole = make(Careless(bad), "whole.mkv")
    with pytest.raises(Stop):
        make(Careless(bad), progress=stopping(what, number))
    tried = work_folder(tmp_path / "out.mkv") / "tried.json"
    assert tried.exists() == (what == "replacing")
    if tried.exists():
        assert json.loads(tried.read_text()) == {"drawings": {"0": 2, "1": 4}, "black": [1]}
    method, told = Careless(bad), []
    _, pixels = make(method, progress=lambda done, *_: told.append(done))
    assert np.array_equal(whole, pixels)
    assert ("trying" in told) == (what == "trying")
    assert not tried.exists()


def test_what_was_tried_for_other_limits_is_tried_anew(make, recogniser):
    with pytest.raises(Stop):
        make(Careless(), progress=stopping("replacing", 1), recogniser=recogniser, threshold=1.0)
    _, pixels = make(Careless(), recogniser=recogniser, threshold=-1.0)
    assert black(pixels, 0) == COUNT


def test_wrong_wishes_are_said_before_the_work(squares, recogniser):
    for options, message in (
        ({"threshold": 0.5}, "goes with a recogniser"),
        ({"recogniser": recogniser}, "no threshold is known"),
        ({"tries": 0}, "tries"),
    ):
        with pytest.raises(OptionError, match=message):
            VerifiedFilmAnonymizer(squares, Careless(), **options)


def test_samples_are_spread_and_the_best_of_their_time():
    count = 50
    sides, scores = np.full(2 * count, 20.0), np.full(2 * count, 0.5)
    sides[[4, 2 * 23]] = 40  # rows of tracks 0 and 1 in turn: frame 2, frame 23
    scores[2 * 34] = 0.99
    low = np.full((2 * count, 2), 10.0)
    plan = FilmPlan(
        np.arange(count), np.ones(count), np.array([41]),
        Covers(
            np.arange(count).repeat(2), np.tile([0, 1], count), np.concatenate([low, low + sides[:, None]], 1), scores,
            np.zeros((2 * count, 5, 2)), np.full(2 * count, "face"),
            np.where(np.tile([False, True], count) & (np.arange(2 * count) > 5), ALIKE, DRAWN), FIVE,
        ), [],
    )  # fmt: skip
    rows = samples(plan)
    frames, tracks = plan.covers.frames[rows], plan.covers.tracks[rows]
    assert frames[tracks == 1].tolist() == [0, 1, 2]  # as many as are drawn
    first = frames[tracks == 0].tolist()
    assert len(first) == 5
    assert {2, 23, 34} < set(first)
    assert first == sorted(first)
    assert 41 not in first  # it could not be decoded
    assert REASONS[ALIKE]


def test_recognisers_are_named_so_that_work_of_another_is_not_taken(squares):
    class Other:
        name, size, description = "other", 32, "other"

        def __call__(self, images):
            return torch.ones(len(images), 4)

    kinds = [None, Recogniser(Other(), Margin(0, 32)), Recogniser(Other(), Margin(4, 32))]
    said = [
        VerifiedFilmAnonymizer(
            squares, build_anonymizer("blackout"), recogniser=kind, threshold=0.5 if kind else None
        ).checked_by
        for kind in kinds
    ]
    assert len(set(said)) == 3
