"""Loading restorers: real architectures with random weights. The published weights were never run by these tests."""

import pytest
import torch

from deepanon.audit.attack import NotRun
from deepanon.audit.attacks.blind import Blind
from deepanon.audit.attacks.restorers import ARCHITECTURES, FromFile
from deepanon.errors import ModelError, OptionError

spandrel = pytest.importorskip("spandrel", reason="spandrel is not installed (deepanon[audit])")


def small_restoreformer():
    from spandrel.architectures.RestoreFormer import RestoreFormer

    return RestoreFormer(ch=32, ch_mult=(1, 1, 1, 1, 1, 1), num_res_blocks=1, z_channels=32, embed_dim=32, n_embed=16)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("restorers") / "RestoreFormer.pth"
    torch.save({"params": small_restoreformer().state_dict()}, path)
    return path


def test_a_file_is_recognised_and_gives_faces_in_range(file):
    restorer = FromFile(file)
    faces = torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(1))
    made = restorer.restore(faces)
    assert restorer.name == "RestoreFormer"
    assert "RestoreFormer.pth (SHA-256" in restorer.description
    assert made.shape == faces.shape
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.equal(made, restorer.restore(faces))


def test_the_bare_network_sees_both_signs_and_both_come_back(file):
    restorer, seen = FromFile(file), []

    class Through(torch.nn.Module):
        def forward(self, faces, **options):
            seen.append((float(faces.min()), float(faces.max())))
            return faces, None

    restorer.net = Through()
    faces = torch.linspace(0, 1, 3 * 512 * 512).reshape(1, 3, 512, 512)
    for name, call in ARCHITECTURES.items():
        restorer._call = call
        assert torch.allclose(restorer.restore(faces), faces, atol=1e-6), name
    assert seen == [(-1, 1)] * 3


def test_random_weights_fail_the_self_test(file, drawing):
    case, eyes = drawing.case("gaussian9", known=3, sought=2), {"pixels": drawing.pixel_eye()}
    with pytest.raises(NotRun, match="'RestoreFormer' failed its self-test"):
        Blind(weights=file, tested=1)(case, eyes)


def test_what_is_no_restorer_is_refused(tmp_path):
    wrong = tmp_path / "wrong.pth"
    torch.save({"layer.weight": torch.zeros(3)}, wrong)
    with pytest.raises(ModelError, match="known: GFPGAN, RestoreFormer, CodeFormer"):
        FromFile(wrong)
    wrong.write_bytes(b"no weights")
    with pytest.raises(ModelError, match="not a restorer"):
        FromFile(wrong)
    with pytest.raises(ModelError, match="does not exist"):
        FromFile(tmp_path / "none.pth")


def test_a_network_of_another_kind_is_refused(tmp_path):
    from spandrel.architectures.Compact import Compact

    other = tmp_path / "compact.pth"
    torch.save({"params": Compact(num_feat=8, num_conv=2).state_dict()}, other)
    with pytest.raises(ModelError, match="'Compact', not one of"):
        FromFile(other)


def test_fidelity_is_checked(file):
    with pytest.raises(OptionError, match="fidelity"):
        FromFile(file, fidelity=-1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GFPGAN", "CodeFormer"])
def test_the_large_ones_load_and_run(name, tmp_path, caplog):
    if name == "CodeFormer":
        module = pytest.importorskip("spandrel_extra_arches.architectures.CodeFormer")
        net = module.CodeFormer(codebook_size=1024, connect_list=["32", "64", "128", "256"])
    else:
        from spandrel.architectures.GFPGAN import GFPGAN

        net = GFPGAN(out_size=512, channel_multiplier=2, fix_decoder=False, input_is_latent=True, different_w=True,
                     sft_half=True)  # fmt: skip
    path = tmp_path / f"{name}.pth"
    torch.save({"params_ema": net.state_dict()}, path)
    restorer = FromFile(path)
    made = restorer.restore(torch.full((1, 3, 512, 512), 0.5))
    assert restorer.name == name
    assert made.shape == (1, 3, 512, 512)
    assert 0 <= made.min() <= made.max() <= 1
    assert ("non-commercial" in caplog.text) == ("non-commercial" in restorer.description) == (name == "CodeFormer")
