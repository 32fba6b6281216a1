"""Promise 1: what lies under a face box cannot reach the output of a method that does not see faces."""

import numpy as np
import pytest
from PIL import Image

from deepanon.anonymizers import ANONYMIZERS, build_anonymizer
from deepanon.cli import main
from deepanon.crops import cut
from deepanon.data.synthetic import draw_scene
from deepanon.detections import Detections
from deepanon.detectors.given import write_detections
from deepanon.pipeline import FaceAnonymizer, replace_faces
from deepanon.seeds import Seeds

BLIND = ["gan", "blackout", "solid", "plate"]
SEEING = [
    *("pixelate", "layered", "layered_lite", "layered_strong", "dp_pix", "k_same", "blackout_ellipse", "eye_bar"),
    *("gaussian9", "gaussian", "pixelate8", "pixelate16", "mosaic", "heavy_blur", "noise"),
    *("pixelate8_crop", "pixelate16_crop", "gaussian9_crop", "heavy_blur_crop"),
]

BLIND_CHAINS = [
    *("gan+gaussian:sigma=0.12", "gan+layered_strong", "gan+heavy_blur_crop+eye_bar", "solid+k_same"),
    *("gan+gan", "blackout+dp_pix", "plate+noise+gan+mosaic:cells=4"),
]
SEEING_CHAINS = [
    *("gaussian+pixelate:cells=16", "noise+eye_bar", "layered_lite+gaussian9_crop", "eye_bar+blackout_ellipse"),
]
ENDED = ["gaussian+gan", "layered_lite+solid", "eye_bar+blackout+gaussian"]  # seen, and then drawn by a blind stage


BROUGHT = ["cloak"]  # sees the face too, and cannot be built without weights: tests/anonymizers/test_cloak.py


def scenes():
    image, faces = draw_scene(320, 240, 3, seed=5)
    yield pytest.param(image, faces, id="three faces")
    overlap = np.array([[40.3, 50.7, 120.2, 140.9], [90.5, 80.1, 170.6, 200.4], [-20, 150, 30.5, 260]], np.float32)
    yield pytest.param(
        image, Detections(overlap, np.ones(3)), id="overlapping, fractional, past the border, no keypoints"
    )
    tiny = np.array([[100.5, 100.5, 107.2, 109.9], [103, 104, 112, 116]], np.float32)
    yield pytest.param(image, Detections(tiny, np.ones(2)), id="tiny, touching")
    whole = np.array([[1, 0, 319, 240]], np.float32)
    yield pytest.param(image, Detections(whole, np.ones(1)), id="nearly the whole picture")


def with_noise_under(image, boxes, seed=0):
    """The picture with other pixels wherever a box touches."""
    changed, rng = image.copy(), np.random.default_rng(seed)
    height, width = image.shape[:2]
    for x0, y0, x1, y1 in boxes:
        top, left = max(0, int(np.floor(y0))), max(0, int(np.floor(x0)))
        bottom, right = min(height, int(np.ceil(y1))), min(width, int(np.ceil(x1)))
        changed[top:bottom, left:right] = rng.integers(0, 256, (bottom - top, right - left, 3), dtype=np.uint8)
    return changed


def run(method, image, faces):
    return FaceAnonymizer(None, build_anonymizer(method), Seeds.from_seed(7))(image, faces, name="scene")


@pytest.mark.parametrize(("image", "faces"), scenes())
@pytest.mark.parametrize("method", BLIND + BLIND_CHAINS)
def test_pixels_under_boxes_cannot_change_the_output(method, image, faces):
    other = with_noise_under(image, faces.boxes)
    assert not np.array_equal(image, other)
    assert np.array_equal(run(method, image, faces), run(method, other, faces))


@pytest.mark.parametrize("method", SEEING + SEEING_CHAINS)
def test_methods_that_see_the_face_fail_the_same_test(method):
    image, faces = draw_scene(320, 240, 3, seed=5)
    assert not np.array_equal(run(method, image, faces), run(method, with_noise_under(image, faces.boxes), faces))


def test_every_method_is_on_one_side_and_says_which():
    assert sorted(BLIND + SEEING + BROUGHT) == sorted(ANONYMIZERS)
    assert all(ANONYMIZERS[name].sees_face for name in BROUGHT)
    assert all(not build_anonymizer(name).sees_face for name in BLIND)
    assert all(build_anonymizer(name).sees_face for name in SEEING)
    assert all(not build_anonymizer(name).sees_face for name in BLIND_CHAINS)
    assert all(build_anonymizer(name).sees_face for name in SEEING_CHAINS + ENDED)


@pytest.mark.parametrize(("image", "faces"), scenes())
@pytest.mark.parametrize("method", ENDED)
def test_a_blind_stage_after_one_that_saw_the_face_ends_it(method, image, faces):
    """What the first stage made of the face, or of its neighbours, does not reach what the blind one draws."""
    assert np.array_equal(run(method, image, faces), run(method, with_noise_under(image, faces.boxes), faces))


@pytest.mark.parametrize("method", [*BLIND, "gan+gaussian:sigma=0.12", "solid+layered:cells=8:noise=25"])
def test_end_to_end_from_file_to_file(method, tmp_path):
    image, faces = draw_scene(320, 240, 3, seed=5)
    outputs = []
    for folder, picture in (("a", image), ("b", with_noise_under(image, faces.boxes))):
        source = tmp_path / folder / "scene.png"
        source.parent.mkdir()
        Image.fromarray(picture).save(source)
        write_detections(tmp_path / "faces.json", {"scene.png": (faces, 320, 240)}, faces.schema)
        target = tmp_path / folder / "out.png"
        with pytest.raises(SystemExit) as stop:
            main(["anonymize", str(source), "-o", str(target), "--method", method, "--seed", "3",
                  "--detections", str(tmp_path / "faces.json")])  # fmt: skip
        assert stop.value.code == 0
        outputs.append(target.read_bytes())
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("method", BLIND + BLIND_CHAINS)
def test_a_blind_method_is_handed_crops_without_any_face(method):
    """The pixels do not exist in what the method receives; it is not a matter of its discipline."""
    image, faces = draw_scene(320, 240, 3, seed=5)
    received = []

    class Spy:
        def __init__(self, inner):
            self.inner, self.name, self.sees_face, self.size = inner, inner.name, inner.sees_face, inner.size

        def __call__(self, crops, seeds):
            received.append(crops)
            return self.inner(crops, seeds)

    for picture in (image, with_noise_under(image, faces.boxes)):
        replace_faces(picture, faces, Spy(build_anonymizer(method)), [1, 2, 3])
    half = len(received) // 2
    for first, second in zip(received[:half], received[half:], strict=True):
        assert np.array_equal(first.context.numpy(), second.context.numpy())


def test_cut_without_blank_would_fail_the_test():
    """The guard is `blank`: the same crops cut from the open picture do differ."""
    image, faces = draw_scene(320, 240, 3, seed=5)
    open_crops = [cut(p, faces, 64).context.numpy() for p in (image, with_noise_under(image, faces.boxes))]
    assert not np.array_equal(*open_crops)
