"""What several test modules share: thread count, real data if there is any, a tiny packed data set."""

import contextlib
import io
import os
import shutil
import tarfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
STICKS_OUT = """() => [...document.querySelectorAll("body *")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right > innerWidth + 1 && !e.closest(".scroll") && !e.closest(".skip") && !e.closest("svg");
}).map(e => e.tagName + "." + e.className)"""
COVERED = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
    const boxes = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3.5;  // boxes of lines, letters are lower
    return boxes.flatMap(([s, a], i) => boxes.slice(i + 1).filter(([, b]) => meet(a, b)).map(([t]) => s + " / " + t));
})"""


@pytest.fixture(autouse=True, scope="session")
def _one_thread():  # the networks are tiny, and two threads starve each other on a busy machine
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):  # what tests export and measure is not the user's; downloaded weights are
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", os.environ.get("TORCH_HOME") or str(cache / "torch"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def deepanon_data():
    """Folder of real data sets; tests that need it are skipped where there is none."""
    root = os.environ.get("DEEPANON_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("DEEPANON_DATA does not name a folder of data sets")
    return Path(root)


def _jpeg(pixels):
    """(S, S, 3) uint8 -> file contents."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def pack(root, split, n, *, side=32, shards=2, seed=0, points=5, members=None, **arrays):
    """Write a split of `n` random crops; `members` and `arrays` replace what would be written."""
    rng = np.random.default_rng(seed)
    root.mkdir(parents=True, exist_ok=True)
    keys = np.array([f"{i:06d}" for i in range(n)])
    low = rng.random((n, 2)) * 0.2 + 0.15
    usual = {
        "key": keys,
        "shard": np.arange(n) % shards,
        "source": np.array(["ab"[i % 2] for i in range(n)]),
        "box": np.concatenate([low, low + 0.45], 1).astype(np.float32),
        "keypoints": rng.random((n, points, 2)).astype(np.float32),
    }
    files = {
        key: _jpeg(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(side // 4, 0).repeat(side // 4, 1))
        for key in keys
    }
    files = files if members is None else members(files)
    for number in range(shards):
        with tarfile.open(root / f"{split}-{number:03d}.tar", "w") as shard:
            for i, (key, blob) in enumerate(files.items()):
                if i % shards == number:
                    entry = tarfile.TarInfo(f"{key}.jpg")
                    entry.size = len(blob)
                    shard.addfile(entry, io.BytesIO(blob))
    final = usual | arrays
    np.savez(root / f"{split}.npz", **{name: value for name, value in final.items() if value is not None})
    return root


@pytest.fixture
def jpeg():
    """(S, S, 3) uint8 -> file contents."""
    return _jpeg


@pytest.fixture
def packer():
    """Function that writes a split; see `pack`."""
    return pack


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """A folder of 24 training and 6 held-out random crops of 32 px."""
    root = tmp_path_factory.mktemp("packed")
    pack(root, "train", 24, seed=1)
    return pack(root, "val", 6, seed=2)


@pytest.fixture(scope="session")
def fdf(tmp_path_factory):
    """A folder of 6 random crops of 8 and 32 px as FDF's downloader lays them out."""
    root, rng = tmp_path_factory.mktemp("fdf"), np.random.default_rng(0)
    keypoints = rng.random((6, 14))
    for side in (8, 32):
        for name in (f"images/{side}", "bounding_box", "landmarks"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(6):
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "images" / str(side) / f"{number}.png")
        np.save(root / "bounding_box" / f"{side}.npy", np.array([[0.25, 0.25, 0.75, 0.875]] * 6) * side)
        np.save(root / "landmarks" / f"{side}.npy", keypoints * side)
    return root


@pytest.fixture(scope="session")
def trained(packed, tmp_path_factory):
    """Function: images seen -> the folder of a real run of a tiny model that was stopped there.

    8 px for 24 images, then 16 px: fading in until 40, then to the end at 56.
    """
    import lightning as L

    from deepanon.data.crops import PackedCrops
    from deepanon.embedders import Onet
    from deepanon.models import DeepPrivacyDiscriminator, DeepPrivacyGenerator, Growth, Phase
    from deepanon.training import Checkpoints, FaceData, GANTrainer, HeldOutDistance

    widths, folders = {4: 8, 8: 8, 16: 4}, {}

    def run(stop):
        folder = tmp_path_factory.mktemp(f"trained{stop}")
        growth = Growth([Phase(8, 8, 0, 24), Phase(16, 4, 16, 16)])
        module = GANTrainer(DeepPrivacyGenerator(16, widths), DeepPrivacyDiscriminator(16, widths), growth)

        class Stop(L.Callback):
            def on_train_batch_end(self, trainer, module, *_):
                if module.images_seen == stop:
                    raise KeyboardInterrupt

        distance = HeldOutDistance(PackedCrops(packed, "val", 16), Onet(), folder, 4)
        trainer = L.Trainer(
            max_epochs=-1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=[distance, Checkpoints(folder, 4), Stop()],
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            trainer.fit(module, FaceData(PackedCrops(packed, "train", 16), PackedCrops(packed, "val", 16)))
        return folder

    def at(stop):
        if stop not in folders:
            folders[stop] = run(stop)
        return folders[stop]

    return at


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium; without one the test is skipped, unless DEEPANON_BROWSER=required."""
    if CHROMIUM is None:
        assert os.environ.get("DEEPANON_BROWSER") != "required", "no chromium found, and DEEPANON_BROWSER=required"
        pytest.skip("no chromium, chromium-browser or google-chrome on this machine")
    from playwright.sync_api import sync_playwright

    profile = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, headless=True, args=list(FLAGS)
        )
        yield context
        context.close()


@pytest.fixture
def open_page(browser):
    """Function: path of a report and width -> the page, loaded, and what went wrong or was asked for."""
    pages = []

    def at(report, width, **media):
        page = browser.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(**media)
        problems = []
        page.on("console", lambda message: problems.append(f"console: {message.type} {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url[:80]}"))
        page.on(
            "request",
            lambda request: (
                request.url.startswith("data:")
                or request.url == report.as_uri()
                or problems.append(f"asked for {request.url[:80]}")
            ),
        )
        page.goto(report.as_uri(), wait_until="load")
        page.wait_for_timeout(200)
        return page, problems

    yield at
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def check_layout():
    """Function: page and width -> asserts that nothing sticks out of it and no words cover each other."""

    def check(page, width):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(STICKS_OUT) == []
        assert page.evaluate(COVERED) == []

    return check


class Page(HTMLParser):
    """What a page of a report is made of; every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text, self.parts, self.part = [], [], "", {}, "head"
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.part = dict(attributes)["id"] if tag == "section" else self.part
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        said = data if self.open[-1:] != ["style"] else ""
        self.text += said
        self.parts[self.part] = self.parts.get(self.part, "") + said

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="session")
def page_of():
    """Function: text of a page -> what it is made of."""
    return Page


@pytest.fixture(scope="session")
def given():
    """Function: network, number of faces -> inputs, the last without keypoints, and one point outside its crop."""

    def inputs(network, faces, seed=1):
        rng, size = torch.Generator().manual_seed(seed), network.resolution
        mask = torch.zeros(faces, 1, size, size)
        mask[..., size // 4 : -size // 4, size // 4 :] = 1
        context = torch.where(mask > 0, 0.0039, torch.rand(faces, 3, size, size, generator=rng) * 2 - 1)
        points = torch.rand(faces, network.keypoints, 2, generator=rng)
        points[0, 0], points[-1] = torch.tensor([1.2, 0.5]), torch.nan
        return context, mask, points, torch.randn(faces, network.noise, 4, 4, generator=rng)

    return inputs
