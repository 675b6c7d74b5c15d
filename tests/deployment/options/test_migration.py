"""Create options of a host moved off the FPGA."""

from __future__ import annotations

import json

import pytest

from services.deployment.options import presets
from services.deployment.options.check import check
from services.deployment.options.migration import migrate, uses_fpga
from services.errors import OperatorError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path))


@pytest.mark.parametrize("source", ["fpga-host", "fpga-host-kubernetes"])
@pytest.mark.parametrize("goal", ["gpu-host", "cpu-host-grpc"])
def test_nothing_of_the_fpga_stays_and_the_port_does(source, goal):
    before = presets.render(presets.preset(source), {"port": "50052"})
    moved = migrate(before, presets.preset(goal))
    assert not uses_fpga(moved.text) and not check(moved.text).errors
    assert not any(word in moved.text for word in ("catapult", "Privileged", "k8s", "WIRESERVER"))
    assert '"HostPort": "50052"' in moved.text and moved.values == {"port": "50052"}
    assert "image does not run elsewhere" in moved.sentences[-1]


def test_a_host_on_another_port_gives_up_the_fpgas():
    moved = migrate(presets.render(presets.preset("fpga-host"), {"port": "50052"}), presets.preset("cpu-host-80"))
    assert json.loads(moved.text)["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostPort": "80"}]}
    assert "port 50051/tcp" in moved.sentences[0]


def test_what_is_the_operators_own_stays():
    own = json.loads(presets.render(presets.preset("fpga-host")))
    own["Env"] = ["SITE=7", "NVIDIA_VISIBLE_DEVICES=0"]
    own["HostConfig"]["Devices"].append({"PathOnHost": "/dev/video0", "PathInContainer": "/dev/video0"})
    own["HostConfig"]["Memory"] = 1073741824
    moved = migrate(json.dumps(own), presets.preset("gpu-host"))
    options = json.loads(moved.text)
    assert options["Env"] == ["SITE=7", "NVIDIA_VISIBLE_DEVICES=all"]
    assert options["HostConfig"]["Devices"] == [{"PathOnHost": "/dev/video0", "PathInContainer": "/dev/video0"}]
    assert options["HostConfig"]["Memory"] == 1073741824 and options["HostConfig"]["Runtime"] == "nvidia"
    assert moved.sentences[:2] == (
        "Takes away /dev/catapult0, /dev/catapult1, Privileged.",
        "Puts in Env NVIDIA_VISIBLE_DEVICES=all, HostConfig.Runtime nvidia.",
    )


def test_the_difference_shows_no_secret():
    text = json.dumps({"Env": ["API_KEY=very-secret-indeed"], "HostConfig": {"Devices": [{"PathOnHost": "/dev/catapult0"}]}})
    moved = migrate(text, presets.preset("gpu-host"))
    assert "very-secret-indeed" in moved.text
    assert moved.diff and not any("very-secret" in line.text for line in moved.diff)


def test_options_without_the_fpga_lose_nothing():
    moved = migrate('{"HostConfig": {"Privileged": true}}', presets.preset("cpu-host-grpc"))
    assert json.loads(moved.text)["HostConfig"]["Privileged"] is True
    assert moved.sentences[0] == "Nothing in it is the FPGA's."


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1'])
def test_broken_options_are_refused(text):
    with pytest.raises(OperatorError, match="cannot be moved"):
        migrate(text, presets.preset("gpu-host"))


def test_the_fpga_is_no_way_off_the_fpga():
    with pytest.raises(OperatorError, match="needs the FPGA itself"):
        migrate("{}", presets.preset("fpga-host"))


@pytest.mark.parametrize("strange", ['{"HostConfig": 7, "Env": "x"}', '{"HostConfig": {"Devices": [1, null, "/dev/catapult0"]}}'])
def test_strange_options_are_left_as_they_are_where_a_preset_says_nothing(strange):
    assert json.loads(migrate(strange, presets.preset("cpu-host-grpc")).text)["HostConfig"]["PortBindings"]
