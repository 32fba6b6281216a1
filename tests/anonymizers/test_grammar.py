"""How methods are written: what is read is what was meant, what is meant can be written, and mistakes are named."""

import pytest

from deepanon.anonymizers import ANONYMIZERS, ByLabel, Chain, build_anonymizer, build_rules
from deepanon.anonymizers.by_label import read_rules
from deepanon.anonymizers.grammar import Written, canonical, is_rules, read_chain
from deepanon.anonymizers.options import options_of, read_options
from deepanon.errors import OptionError


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("gan", [("gan", {})]),
        (" gan + noise ", [("gan", {}), ("noise", {})]),
        ("gaussian:sigma=0.12", [("gaussian", {"sigma": "0.12"})]),
        ("gan+layered:cells=8:noise=25", [("gan", {}), ("layered", {"cells": "8", "noise": "25"})]),
        ("k_same:faces=/a/b=c:k=3", [("k_same", {"faces": "/a/b=c", "k": "3"})]),
        ('k_same:faces="/a+b,c:d=e ""f"""+gan', [("k_same", {"faces": '/a+b,c:d=e "f"'}), ("gan", {})]),
    ],
)
def test_chains_are_read(text, chain):
    assert read_chain(text) == tuple(Written(name, options) for name, options in chain)
    assert not is_rules(text)
    assert read_rules(text) == {"*": text}


def test_rules_hold_chains_and_options():
    text = 'face=gan+gaussian:sigma=0.12, plate=solid,*=k_same:faces="a,b=c"'
    assert read_rules(text) == {"face": "gan+gaussian:sigma=0.12", "plate": "solid", "*": 'k_same:faces="a,b=c"'}


@pytest.mark.parametrize(
    "value", ["plain", "a=b", "a+b", "a:b", "a,b", 'a"b', '"', "", " a ", 0.12, 1.0, 1e-9, 1e30, 8]
)
def test_what_is_canonical_is_read_back(value):
    read = read_chain(canonical("x", {"option": value}))
    assert len(read) == 1
    text = read[0].options["option"]
    assert (type(value)(text) if isinstance(value, float | int) else text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a method is missing in ''"),
        ("gan+", r"a method is missing in 'gan\+'; write METHOD"),
        ("face=gan+", r"a method is missing in 'gan\+'"),
        (":sigma=1", "a method is missing"),
        ("gaussian:", "'' in 'gaussian:' is not OPTION=VALUE"),
        ("gaussian:sigma", "'sigma' in 'gaussian:sigma' is not OPTION=VALUE"),
        ("gaussian:sigma=", "not OPTION=VALUE"),
        ("gaussian:=2", "not OPTION=VALUE"),
        ("gaussian:sigma=0.1:sigma=0.2", "option 'sigma' of method 'gaussian' is given twice"),
        ("gaussian:sigma=0.1,plate=solid", "the comma in '0.1,plate=solid' belongs to nothing"),
        ('k_same:faces="a', "a double quote .* is not closed"),
        ('k_same:faces=a"b"', "double quotes go around the whole value"),
        ('k_same:faces="a"b"c"', "double quotes go around the whole value"),
        ("gan+blur", "unknown method 'blur'; choose one of: blackout, .*solid"),
        ("face=gan+blur", "unknown method 'blur'"),
        ("gaussian:sgima=0.1", r"'gaussian' has no option 'sgima'; choose from: sigma \(a number, default 0.1\)"),
        ("layered:cell=8", r"cells \(a whole number, default 12\), noise \(a number"),
        ("gan:zz=zero", r"has no option 'zz'; choose from: model \(text, .*\), device .*, z \(text"),
        ("gan+solid:x=1", "method 'solid' has no option 'x'; it has none"),
        ("pixelate:cells=4.5", "'cells' of method 'pixelate' must be a whole number, got '4.5'"),
        ("gaussian:sigma=wide", "'sigma' of method 'gaussian' must be a number, got 'wide'"),
        ("dp_pix:epsilon=inf", "must be a number, got 'inf'"),
        ("pixelate:cells=0", "method 'pixelate': cells must be a whole number from 1 to 1024, got 0"),
        ("gan:z=small", "method 'gan': unknown z 'small'; choose one of: random, zero"),
        ("gan:device=toaster", "method 'gan': device 'toaster' cannot be used"),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(OptionError, match=message):
        build_rules(text)


RANGES = {
    "gaussian:sigma": ("0.001", "1", "0.0009", "1.1"),
    "pixelate:cells": ("1", "1024", "0", "1025"),
    "mosaic:cells": ("1", "1024", "-4", "1025"),
    "heavy_blur:share": ("0.01", "2", "0", "2.5"),
    "layered:cells": ("1", "1024", "0", "1025"),
    "layered:noise": ("0", "255", "-1", "256"),
    "layered:bits": ("1", "8", "0", "9"),
    "layered:quality": ("1", "100", "0", "101"),
    "dp_pix:epsilon": ("0.000001", "1e6", "0", "2e6"),
    "dp_pix:m": ("1", "1000000", "0", "1000001"),
    "dp_pix:cells": ("1", "1024", "0", "1025"),
    "eye_bar:height": ("0.01", "2", "0", "3"),
    "k_same:k": ("1", "64", "0", "65"),
}


def test_every_number_has_a_range_that_is_tested():
    numbers = {
        f"{name}:{option}" for name, factory in ANONYMIZERS.items() if name not in ("cloak", "gan")  # its pace
        for option, default in options_of(factory).items() if not isinstance(default, str)
    }  # fmt: skip
    assert numbers == set(RANGES)


@pytest.mark.parametrize("option", RANGES)
def test_values_out_of_range_are_refused_and_the_ends_are_not(option):
    low, high, below, above = RANGES[option]
    for value in (low, high):
        assert build_anonymizer(f"{option}={value}").description != build_anonymizer(option.split(":")[0]).description
    for value in (below, above):
        with pytest.raises(OptionError, match=f"method '{option.split(':')[0]}': "):
            build_anonymizer(f"{option}={value}")


def test_options_are_in_the_name_as_written_and_in_the_description():
    method = build_anonymizer("gaussian:sigma=.120")
    assert method.name == "gaussian:sigma=0.12"
    assert "sigma 0.12 of the larger side" in method.description
    assert build_anonymizer("layered:noise=25.0: cells=8").name == "layered:cells=8:noise=25"
    chain = build_anonymizer("gan:z=zero + pixelate:cells=3")
    assert isinstance(chain, Chain)
    assert chain.name == "gan:z=zero+pixelate:cells=3"
    assert "zero z, then bilinear to 3 x 3" in chain.description
    again = build_anonymizer(chain.name)
    assert (again.name, again.description) == (chain.name, chain.description)
    assert build_anonymizer("gaussian", sigma=0.12).name == "gaussian"  # given in Python: the description says it
    assert build_anonymizer("gaussian", sigma=0.12).description == method.description


def test_rules_are_named_as_they_can_be_written():
    rules = build_rules("plate=solid,face=gan+gaussian:sigma=.12")
    assert isinstance(rules, ByLabel)
    assert rules.name == "face=gan+gaussian:sigma=0.12,plate=solid"
    assert build_rules(rules.name).name == rules.name
    assert not rules.sees_face


def test_arguments_besides_the_text_reach_every_stage_of_that_name():
    rules = build_rules("face=gan+noise,head=gan", {"gan": {"z": "zero"}})
    assert rules.description.count("zero z") == 2
    assert build_anonymizer("gan", z="zero").description.endswith("zero z")
    with pytest.raises(OptionError, match="option 'z' of method 'gan' is given twice"):
        build_rules("gan:z=zero+noise", {"gan": {"z": "zero"}})
    with pytest.raises(OptionError, match=r"options z for which method of 'gan\+gan'"):
        build_anonymizer("gan+gan", z="zero")
    with pytest.raises(OptionError, match="'noise', which 'gan' does not use"):
        build_rules("gan", {"noise": {}})


def test_only_arguments_with_a_default_are_options():
    def factory(needed, cells: int = 3, share: float = 0.5, name: str = "a", flag: bool = True, other: object = None):
        raise NotImplementedError

    assert options_of(factory) == {"cells": 3, "share": 0.5, "name": "a"}
    read = read_options("m", factory, {"name": "b", "share": "1e-3"})
    assert read == {"share": 0.001, "name": "b"}
    assert list(read) == ["share", "name"]  # in the order of the arguments
