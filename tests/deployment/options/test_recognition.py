"""Create options that a preset rendered are read back as that preset with those values; others stay JSON, and it is said why."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deployment.options.presets import own, presets, render
from services.deployment.options.recognition import recognise
from services.records import Preset, PresetField

SHIPPED = {preset.name: preset for preset in presets() if not preset.own}
VALUES = {
    "port": st.integers(1, 65535).map(str),
    "number": st.integers(0, 9_999_999_999).map(str) | st.sampled_from(["0.5", "10.25", "0.000000001"]),
    "flag": st.sampled_from(["", "on"]),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(["-s", "${port}", "--wait"]),
}


def values_of(preset: Preset) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({each.name: VALUES[each.kind] for each in preset.fields})


CASES = st.sampled_from(sorted(SHIPPED)).flatmap(lambda name: st.tuples(st.just(SHIPPED[name]), values_of(SHIPPED[name])))


@given(CASES, st.sampled_from([None, 2]))
def test_what_a_preset_renders_is_read_back(case: tuple[Preset, dict[str, str]], indent: int | None) -> None:
    preset, values = case
    text = json.dumps(json.loads(render(preset, values)), indent=indent)
    recognition = recognise(text, list(SHIPPED.values()), prefer=preset.name)
    assert (recognition.preset, recognition.values, recognition.reason) == (preset.name, values, "")


@given(CASES)
def test_without_a_hint_the_models_tensors_tell_the_preset(case: tuple[Preset, dict[str, str]]) -> None:
    preset, values = case
    values |= {each.name: each.default for each in preset.fields if each.name in ("input", "output")}
    recognition = recognise(render(preset, values), list(SHIPPED.values()))
    assert (recognition.preset, recognition.values) == (preset.name, values)


@given(CASES)
def test_whatever_is_recognised_renders_the_same_again(case: tuple[Preset, dict[str, str]]) -> None:
    text = render(*case)
    recognition = recognise(text, list(SHIPPED.values()))
    assert json.loads(render(SHIPPED[recognition.preset], recognition.values)) == json.loads(text)


def changed(name: str, change: Any) -> str:
    options = json.loads(render(SHIPPED[name]))
    change(options)
    return json.dumps(options)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (changed("fpga-host", lambda o: o["HostConfig"].update(Memory=1)), "HostConfig.Memory is no part of FPGA host (Docker)"),
        (changed("fpga-host", lambda o: o["HostConfig"].pop("Binds")), "HostConfig.Binds is missing, which is part of FPGA host"),
        (changed("fpga-host", lambda o: o["HostConfig"].update(Privileged=1)), "HostConfig.Privileged is not that of FPGA host"),
        (changed("fpga-host", lambda o: o["HostConfig"]["PortBindings"]["50051/tcp"][0].update(HostPort="x")), "is 'x'"),
        (
            changed("fpga-host", lambda o: o["HostConfig"]["PortBindings"]["50051/tcp"][0].update(HostPort=1)),
            "HostPort is not that",
        ),
        (changed("client-vgg16", lambda o: o["Cmd"].append("-v")), "Cmd has more parts than that of Client for"),
        (changed("client-vgg16", lambda o: o["Cmd"].pop()), "Cmd has fewer parts than that of Client for"),
        (changed("client-vgg16", lambda o: o.update(Env=["PASSWORD=hunter2"])), "Env is no part of"),
        ("{}", "it is empty"),
        ("", "it is empty"),
        ("[]", "no JSON object"),
        ("{", "it is no JSON"),
        ('{"NetworkMode":1,"a":1,"b":2,"c":3,"d":4,"e":5}', "like no preset's"),
    ],
)
def test_what_no_preset_can_write_stays_json_and_says_why(text: str, reason: str) -> None:
    recognition = recognise(text, list(SHIPPED.values()))
    assert recognition.preset == "" and reason in recognition.reason and "hunter2" not in recognition.reason


def test_the_nearest_preset_is_named() -> None:
    text = changed("cpu-host-443", lambda o: o.update(User="root"))
    assert recognise(text, list(SHIPPED.values())).reason == "User is no part of CPU host on port 443"


def test_an_own_preset_is_recognised_too() -> None:
    text = changed("fpga-host", lambda o: o["HostConfig"].update(Memory=1))
    assert recognise(text, [*SHIPPED.values(), own("mine", text)]).preset == "mine"


def test_fields_in_keys_and_within_texts() -> None:
    fields = (
        PresetField("port", "Port", "80", "port"),
        PresetField("host", "Host"),
        PresetField("debug", "D", "", "flag", "--debug"),
    )
    template = {"ExposedPorts": {"${port}/tcp": {}}, "Env": ["URL=http://${host}:${port}/"], "Cmd": ["${debug}", "run"]}
    preset = Preset("own", "Own", "other", fields, template, own=True)
    for values in ({"port": "81", "host": "h", "debug": "on"}, {"port": "1", "host": "", "debug": ""}):
        assert recognise(render(preset, values), [preset]).values == values
    other = render(preset, {"port": "81", "host": "h"}).replace("h:81", "h:82")
    assert recognise(other, [preset]).preset == ""


def test_a_hostile_text_is_compared_quickly() -> None:
    fields = tuple(PresetField(name, name) for name in "abcdef")
    preset = Preset("own", "Own", "other", fields, {"Cmd": ["".join(f"x${{{name}}}" for name in "abcdef") + "!"]}, own=True)
    assert recognise(json.dumps({"Cmd": ["x" * 50_000]}), [preset]).preset == ""
