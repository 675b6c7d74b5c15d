"""Faults of hub, wire, workspace and registry, switched on in the lab: the state that is named, over the wire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.errors import OperatorError
from services.operations.doctor.doctor import examine

DEVICE = "databox-edge-1"
READ = [
    ("hub-refuse", {}, "cut"),
    ("hub-500", {}, "hub-trouble"),
    ("hub-503", {}, "hub-trouble"),
    ("hub-error", {"code": 403100}, "desired-too-big"),
    ("hub-error", {"code": 409402}, "concurrent-apply"),
    pytest.param("throttle", {}, "throttled", marks=pytest.mark.long),  # the hub says how long to wait, and the room does
    ("quota", {}, "quota-exceeded"),
    ("basic-tier", {}, "basic-tier"),
    ("unauthorized", {}, "unauthorized"),
    ("expire", {}, "unauthorized"),  # a hub's reply does not say why
    ("device-missing", {}, "device-missing"),
]


@pytest.mark.parametrize(("name", "parameters", "state"), READ)
def test_reading_a_device_names_the_fault(fault, hub, name, parameters, state):
    with fault(name, **parameters), pytest.raises(OperatorError) as caught:
        hub.device_state(DEVICE)
    assert caught.value.code.rpartition(".")[2] == state
    assert caught.value.cause and caught.value.remedy


METHOD = [
    ("offline", "device-offline"),
    ("offline-closed", "device-offline"),
    ("method-timeout", "method-timeout"),
    ("module-missing", "module-missing"),
]


@pytest.mark.parametrize(("name", "state"), METHOD)
def test_a_method_names_the_fault(fault, hub, name, state):
    with fault(name, DEVICE), pytest.raises(OperatorError) as caught:
        hub.invoke(DEVICE, "$edgeAgent", "ping", {}, response_timeout=5, connect_timeout=0)
    assert caught.value.code.rpartition(".")[2] == state


def test_the_doctor_tells_a_skewed_clock_from_a_wrong_key(fault, context, checked):
    with fault("skew", seconds=7200):
        assert checked(context, "clock", "key") == {"clock-off"}


def test_pairs_of_faults_do_not_hide_each_other(fault, context, checked):
    with fault("quota"), fault("workspace-forbidden"), fault("too-many-readers"):
        states = checked(context, "state", "workspace", "seat")
    assert {"quota-exceeded", "role-missing", "too-many-readers"} <= states


EVENTS = [
    ("refuse", "port-5671", "refused"),
    ("link-stolen", "seat", "link-stolen"),
    pytest.param("too-many-readers", "seat", "too-many-readers", marks=pytest.mark.long),  # the pairs below have it too
    ("unauthorized", "endpoint", "events-unauthorized"),
    pytest.param("cut", "messages", "connection-cut", marks=pytest.mark.long),
    pytest.param("freeze", "endpoint", "endpoint-silent", marks=pytest.mark.long),  # it waits for twelve seconds
]


@pytest.mark.parametrize(("name", "check", "state"), EVENTS)
def test_the_doctor_names_faults_of_the_events(fault, context, checked, name, check, state):
    with fault(name):
        assert state in checked(context, check, message_seconds=6.0)


HUB = [
    ("hub-slow", "slow"),
    pytest.param("hub-freeze", "no-answer", marks=pytest.mark.long),  # it waits for twelve seconds
]


@pytest.mark.parametrize(("name", "state"), HUB)
def test_the_doctor_tells_a_hub_that_is_slow_from_one_that_is_silent(fault, context, checked, name, state):
    with fault(name):
        assert checked(context, "tls") == {state}


BEYOND = [("sign-in", "sign-in-failed"), ("workspace-500", "workspace-trouble"), ("workspace-forbidden", "role-missing")]


@pytest.mark.long
@pytest.mark.parametrize(("name", "state"), BEYOND)
def test_the_doctor_names_faults_of_the_workspace(fault, context, checked, name, state):
    with fault(name):
        assert checked(context, "workspace") == {state}


def test_a_proxy_in_between_is_not_taken_for_the_hub(fault, hub):
    with fault("not-json"), pytest.raises(OperatorError) as caught:
        hub.device_state(DEVICE)
    assert "proxy" in str(caught.value)


def test_a_deployment_at_scale_is_named(fault, hub):
    from services.diagnosis import findings

    assert "at-scale" in {finding.state for finding in findings(hub.device_state("databox-edge-3"))}


def test_nothing_secret_is_in_the_report(lab, control, context, tmp_path):
    from services.operations.doctor import report

    run = examine(context, message_seconds=1.0)
    paths = report.write(tmp_path / "report.md", run, context)
    text = "".join(path.read_text() for path in paths)
    secrets = control(lab, "world")["secrets"]
    assert secrets
    assert not [secret for secret in secrets if secret in text]
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths)
    assert DEVICE in text


def test_the_hubs_plan_is_read_where_the_sign_in_may(context):
    from services.operations.doctor.checks.check import SharedFacts
    from services.operations.doctor.checks.hub import plan

    outcome = plan(SharedFacts(context, DEVICE))
    assert outcome.severity == "ok" and "tier" in outcome.detail and "messages of today" in outcome.detail, outcome


@pytest.mark.long
def test_the_doctor_finds_endpoint_and_place_by_websockets_through_a_proxy(
    context, lab, websockets, connect_proxy, checked_steps
):
    proxy, asked = connect_proxy
    behind = replace(context, events=replace(context.events, transport="websocket", proxy=proxy))
    steps = checked_steps(behind, "endpoint", "seat")
    assert {steps[name].state for name in ("endpoint", "seat")} == {"done"}, steps
    assert set(asked) == {f"{lab['address']}:443"}
