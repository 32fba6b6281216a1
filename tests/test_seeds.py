import pytest

from deepanon.errors import OptionError
from deepanon.seeds import Seeds, derive


def test_fresh_seeds_never_repeat():
    seeds = Seeds()
    assert len({*seeds("a", 50), *seeds("a", 50)}) == 100


def test_a_secret_fixes_each_face_whatever_else_is_done():
    seeds = Seeds(b"0123456789abcdef")
    assert seeds("a.jpg", 3) == seeds("a.jpg", 5)[:3]
    assert not set(seeds("a.jpg", 5)) & set(seeds("b.jpg", 5))
    assert seeds("a.jpg", 3) != Seeds(b"0123456789abcdeX")("a.jpg", 3)
    assert all(0 <= seed < 2**63 for seed in seeds("a.jpg", 100))


def test_picture_name_and_face_number_cannot_be_confused():
    seeds = Seeds(b"0123456789abcdef")
    assert seeds("a1", 1)[0] != seeds("a", 11)[-1]


def test_key_files(tmp_path):
    key = tmp_path / "key"
    with pytest.raises(OptionError, match="does not exist"):
        Seeds.from_key_file(key)
    key.write_bytes(b"short")
    with pytest.raises(OptionError, match="5 bytes"):
        Seeds.from_key_file(key)
    key.write_bytes(bytes(range(32)))
    assert Seeds.from_key_file(key)("x", 2) == Seeds(bytes(range(32)))("x", 2)


def test_the_secret_is_not_printed():
    assert "0123" not in repr(Seeds(b"0123456789abcdef"))


def test_parts_of_a_drawing_have_seeds_that_follow_from_its_own():
    import hashlib
    import hmac

    seeds = {derive(seed, part) for seed in range(50) for part in range(4)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive(41, 0) == 41
    digest = hmac.new(b"seed 41", b"part 2", hashlib.sha256).digest()
    assert derive(41, 2) == int.from_bytes(digest[:8], "big") >> 1
