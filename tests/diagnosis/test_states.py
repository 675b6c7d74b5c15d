"""Whole twins, as the hub gives them, good and hostile: what is said of the device and of each module."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.diagnosis import diagnose_state, findings
from services.hub.twin import state_of
from services.records import Device, LifeSigns, Liveness


def module(image="reg.io/a:1", runtime="running", exit_code=0, restarts=0, options="", status="running", reported_image=None):
    desired = {
        "type": "docker",
        "status": status,
        "restartPolicy": "always",
        "settings": {"image": image, "createOptions": options},
    }
    reported = {
        "runtimeStatus": runtime,
        "exitCode": exit_code,
        "restartCount": restarts,
        "settings": {"image": reported_image or image},
    }
    return desired, reported if runtime else None


def state(modules, code=200, description="", desired_version=5, applied=5, offline=False, configurations=None):
    desired = {"$version": desired_version, "modules": {name: both[0] for name, both in modules.items() if both[0]}}
    reported = {
        "lastDesiredVersion": applied,
        "lastDesiredStatus": {"code": code, "description": description},
        "modules": {name: both[1] for name, both in modules.items() if both[1]},
    }
    twin = {"properties": {"desired": desired, "reported": reported}, "configurations": configurations or {}}
    device = Device("edge", False)
    liveness = Liveness("offline", "pinged 3 s ago: no answer", False, LifeSigns(device)) if offline else None
    return replace(state_of(device, twin), liveness=liveness)


def fpga(port):
    return json.dumps(
        {
            "HostConfig": {
                "Privileged": True,
                "Devices": [{"PathOnHost": "/dev/catapult0", "PathInContainer": "/dev/catapult0"}],
                "PortBindings": {"50051/tcp": [{"HostPort": str(port)}]},
            }
        }
    )


def test_all_well():
    found = diagnose_state(state({"host": module(), "off": module(runtime="stopped", status="stopped")}))
    assert (found[""].severity, found["host"].state, found["off"].state) == ("ok", "running", "stopped")


def test_faults_of_several_modules_do_not_hide_each_other():
    found = diagnose_state(
        state(
            {
                "a": module("reg.io/a:1", runtime=""),
                "b": module("reg.io/b:1", runtime="backoff", exit_code=139, restarts=3),
                "c": module("reg.io/c:1", runtime="failed", exit_code=137, restarts=20),
                "d": module("reg.io/d:1"),
            },
            code=500,
            description="Could not pull image reg.io/a:1: unauthorized: authentication required",
        )
    )
    assert {name: finding.state for name, finding in found.items()} == {
        "": "module-trouble",
        "a": "pull-unauthorized",
        "b": "crash-segfault",
        "c": "gave-up",
        "d": "running",
    }
    assert "137" in found["c"].cause


def test_a_port_is_laid_to_the_module_that_waits_for_it():
    found = diagnose_state(
        state(
            {"old": module(options=fpga(50051)), "new": module(runtime="", options=fpga(50051))},
            code=500,
            description="Bind for 0.0.0.0:50051 failed: port is already allocated",
        )
    )
    assert found["new"].state == "port-taken"
    assert found["old"].state == "port-clash" and "FPGA" in found["old"].cause


def test_offline_device_with_a_crashed_module_says_both():
    found = diagnose_state(state({"m": module(runtime="failed", exit_code=1, restarts=2)}, offline=True))
    assert found[""].state == "device-offline"
    assert found["m"].state == "crash"


def test_agent_stopped_and_deployment_behind_are_both_said():
    found = findings(state({"m": module(runtime="unknown")}, code=406, description="Agent is not running", applied=4))
    assert {"agent-stopped", "not-yet-applied"} <= {finding.state for finding in found if not finding.module}


def test_a_deployment_at_scale_is_named():
    found = diagnose_state(state({"m": module()}, configurations={"fleet": {"status": "Applied"}, "old": {"status": "Targeted"}}))
    assert found[""].state == "at-scale" and "fleet" in found[""].reason


def test_create_options_that_are_no_json_are_laid_to_their_module():
    found = diagnose_state(
        state(
            {"good": module(), "bad": module(runtime="", options="{oops")},
            code=400,
            description="Agent configuration format is invalid.",
        )
    )
    assert found["bad"].state == "bad-create-options"
    assert found[""].state == "bad-configuration"


KEYS = ("properties", "desired", "reported", "modules", "systemModules", "settings", "image", "createOptions", "lastDesiredStatus",
        "code", "description", "runtimeStatus", "exitCode", "restartCount", "$version", "lastDesiredVersion", "configurations",
        "status", "$metadata", "$lastUpdated", "m", "HostConfig", "PortBindings")  # fmt: skip
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.just("0001-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=6),
    max_leaves=40,
)


@given(JSON)
def test_hostile_twins_never_crash(twin):
    read = state_of(Device("edge", True), twin)
    found = diagnose_state(read)
    assert set(found) == {"", *(module.name for module in read.modules)}


@given(st.dictionaries(st.sampled_from(["modules", "lastDesiredStatus", "lastDesiredVersion"]), JSON), JSON)
def test_hostile_reports_never_crash(reported, module_entry):
    twin = {"properties": {"desired": {"modules": {"m": module_entry}}, "reported": {"modules": {"m": module_entry}, **reported}}}
    read = state_of(Device("edge", True), twin)
    assert "" in diagnose_state(read)


def test_a_module_of_a_refused_deployment_is_not_said_to_be_pulled():
    """The hub's times tell the refusal from the deployment before it (docs/facts/iot-hub.md)."""
    host, sent = module(), datetime.now(timezone.utc) - timedelta(minutes=2)
    refused = replace(
        state({"host": host, "new": (host[0], None)}, code=400, description="Agent configuration format is invalid.", applied=4),
        desired_at=sent,
        last_desired_at=sent + timedelta(minutes=1),
    )
    found = diagnose_state(refused)
    assert found[""].state == "bad-configuration"
    assert (found["new"].state, found["new"].reason) == ("not-created", "not on the device: the agent refuses the deployment")
    still = replace(refused, last_desired_at=sent - timedelta(hours=1))
    assert (diagnose_state(still)[""].state, diagnose_state(still)["new"].word) == ("refused-before", "pulling")


def test_a_nested_edge_reports_its_parent_for_upstream():
    found = diagnose_state(state({"m": module(image="$upstream:443/sensor:1.0", reported_image="parent.example:443/sensor:1.0")}))
    assert found["m"].state == "running"
    other = diagnose_state(state({"m": module(image="$upstream:443/sensor:1.1", reported_image="parent.example:443/sensor:1.0")}))
    assert other["m"].state != "running"


@pytest.mark.parametrize(
    ("mine", "other", "clash"),
    [
        ({"53/udp": [{"HostPort": "53"}]}, {"53/tcp": [{"HostPort": "53"}]}, False),
        ({"80/tcp": [{"HostPort": "80", "HostIp": "10.0.0.1"}]}, {"80/tcp": [{"HostPort": "80", "HostIp": "10.0.0.2"}]}, False),
        ({"80/tcp": [{"HostPort": "80", "HostIp": "10.0.0.1"}]}, {"81/tcp": [{"HostPort": "80", "HostIp": "0.0.0.0"}]}, True),
        ({"80": [{"HostPort": "80"}]}, {"80/tcp": [{"HostPort": "80"}]}, True),
    ],
)
def test_ports_clash_by_protocol_and_address(mine, other, clash):
    options = [json.dumps({"HostConfig": {"PortBindings": bindings}}) for bindings in (mine, other)]
    every = findings(state({"a": module(options=options[0]), "b": module(options=options[1])}))
    assert [one.module for one in every if one.state == "port-clash"] == (["a", "b"] if clash else [])


@pytest.mark.parametrize(
    ("policy", "exit_code", "severity"),
    [("never", 0, "info"), ("on-failure", 0, "info"), ("never", 1, "error"), ("always", 0, "error")],
)
def test_a_module_that_may_end_is_not_in_trouble(policy, exit_code, severity):
    desired, reported = module(runtime="stopped", exit_code=exit_code)
    desired["restartPolicy"] = policy
    assert diagnose_state(state({"job": (desired, reported)}))["job"].severity == severity
