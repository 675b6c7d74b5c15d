"""Faults of the device, switched on in a lab of its own: each one's state from evidence over the wire, and the rollout."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
from case_reader import judge, read_cases

from services.diagnosis import diagnose_state, findings
from services.errors import OperatorError
from services.operations.doctor import report
from services.operations.doctor.capture import Capture
from services.operations.doctor.doctor import examine
from services.operations.host import ask, host_endpoint
from services.operations.logs import fetch, follow
from services.operations.overview import overview
from services.operations.rollout import Rollout
from services.operations.rollout_steps import Watch, failed
from services.operations.score import Scorer, find_host

DEVICE, HOST, CLIENT = "databox-edge-1", "azureml-host", "azureml-client"


DEPLOYMENT = [
    ("empty", {}, "no-deployment"),
    ("bad-format", {}, "bad-configuration"),
    ("schema", {}, "schema-refused"),
    ("agent-stopped", {}, "agent-stopped"),
    ("slow-pull", {"wording": "canceled"}, "slow-pull"),
    pytest.param("slow-pull", {"wording": "timeout"}, "slow-pull", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("name", "parameters", "state"), DEPLOYMENT)
def test_a_fault_of_the_deployment_is_named(device_lab, device_fault, eventually, name, parameters, state):
    _, _, hub = device_lab
    device_fault(name, **parameters)
    eventually(lambda: state in {finding.state for finding in findings(hub.device_state(DEVICE))})


MODULE = [
    ("pull-unauthorized", {"wording": "old"}, "pull-unauthorized"),
    ("pull-unauthorized", {"wording": "new"}, "pull-failed"),
    ("pull-denied", {"wording": "old"}, "pull-denied"),
    ("port-taken", {"wording": "docker"}, "port-taken"),
    pytest.param("port-taken", {"wording": "proxy"}, "port-taken", marks=pytest.mark.long),
    ("no-fpga", {}, "no-fpga"),
    ("crash", {"exit_code": 139}, "crash-segfault"),
    pytest.param("crash", {"exit_code": 137}, "crash-killed", marks=pytest.mark.long),
    pytest.param("crash", {"exit_code": 132}, "crash-illegal-instruction", marks=pytest.mark.long),
    ("stuck", {}, "gave-up"),
    ("unhealthy", {}, "unhealthy"),
    ("dead", {}, "crash-killed"),
]


@pytest.mark.parametrize(("name", "parameters", "state"), MODULE)
def test_a_fault_of_a_module_is_named_at_that_module(device_lab, device_fault, eventually, name, parameters, state):
    _, _, hub = device_lab
    device_fault(name, HOST, **parameters)
    seen = {}

    def named():
        seen.update(diagnose_state(hub.device_state(DEVICE)))
        return seen[HOST].state == state

    eventually(named)
    found = seen
    assert found[CLIENT].severity != "error", found[CLIENT]  # a warning of restarts stays from another test's crash
    assert found[HOST].cause and found[HOST].remedy


def test_faults_in_pairs_are_both_named(device_lab, device_fault, eventually):
    _, _, hub = device_lab
    device_fault("crash", CLIENT, exit_code=139)
    device_fault("pull-unauthorized", HOST, wording="old")
    wanted = {(HOST, "pull-unauthorized"), (CLIENT, "crash-segfault")}
    eventually(lambda: wanted <= {(f.module, f.state) for f in findings(hub.device_state(DEVICE))})


def test_a_report_with_odd_fields_is_shown_as_it_is(device_lab, device_fault, eventually):
    _, _, hub = device_lab
    device_fault("odd-report")
    eventually(lambda: diagnose_state(hub.device_state(DEVICE)))


HOSTS = [
    ("flashing-forever", {}, "fpga-flashing"),
    ("wrong-tensors", {}, "tensor-names"),
    ("host-gone", {}, "host-gone"),
    pytest.param("host-slow", {"seconds": 8.0}, "deadline", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("name", "parameters", "state"), HOSTS)
def test_the_hosts_own_answer_names_the_fault(device_lab, device_fault, eventually, name, parameters, state):
    _, context, hub = device_lab
    endpoint = host_endpoint(hub.device_state(DEVICE), HOST, context.device_address)
    assert endpoint is not None
    device_fault(name, HOST, **parameters)

    def code():
        answer = ask(endpoint, 3.0)
        return answer.error.code.rpartition(".")[2] if answer.error else answer.verdict

    eventually(lambda: code() == state)


def test_the_rollout_stops_at_the_step_with_its_cause_and_goes_on_when_it_is_mended(device_lab, device_fault, control):
    info, context, hub = device_lab
    device_fault("pull-unauthorized", HOST, wording="old")
    state = hub.device_state(DEVICE)
    watch = Watch(DEVICE, (HOST, CLIENT), state.desired_version, datetime.now(timezone.utc))
    steps = list(Rollout(hub, context, watch, every=0.5).steps(20))[-1]
    stopped = failed(steps)
    assert stopped is not None and stopped.finding is not None
    assert stopped.finding.state == "pull-unauthorized"
    control(info, "faults", {"name": "pull-unauthorized", "device": DEVICE, "module": HOST, "on": False})
    again = list(Rollout(hub, context, watch, every=0.5).steps(40, until_failure=False))[-1]
    assert {step.name: step.state for step in again}["answers"] == "done"


def test_the_doctor_finds_nothing_where_all_is_well_and_reports_no_secret(device_lab, control, tmp_path):
    info, context, _ = device_lab
    run = examine(context)
    assert run.healthy, run.causes
    by_name = {step.name: step for step in run.steps}
    assert by_name[f"host:{HOST}"].state == "done"
    assert by_name[f"messages:{CLIENT}"].state == "done"
    assert all(step.state == "done" for name, step in by_name.items() if name.startswith("registry:"))
    text = "".join(path.read_text() for path in report.write(tmp_path / "report", run, context))
    assert HOST in text and "coffee.jpg" not in text
    assert not [secret for secret in control(info, "world")["secrets"] if secret in text]


@pytest.mark.parametrize(("device", "sources"), [(DEVICE, {"events"}), ("databox-edge-2", set())])
def test_a_capture_holds_every_source_and_none_of_the_secrets(device_lab, control, tmp_path, device, sources):
    info, context, _ = device_lab
    capture = Capture(context, tmp_path / "evidence.json", device)
    run = examine(context, device, observe=capture.observe)
    summary = capture.write(run)
    assert {"hub", "registry", "workspace"} | sources <= set(summary.holds)
    text = summary.path.read_text()
    secrets = [*control(info, "world")["secrets"], info["client_secret"], info["registry_password"]]
    assert not [secret for secret in secrets if secret in text]
    assert "coffee.jpg" not in text
    [case] = read_cases(summary.path)
    requests = [exchange["request"] for exchange in case["payload"]["exchanges"]]
    for request in (f"/twins/{device}/modules/$edgeAgent", f"/twins/{device}/modules/$edgeHub", f"/devices/{device}/modules"):
        assert f"GET {request}" in requests
    # The rules read in the file what the doctor read in the replies.
    judgements = judge(case)
    assert {judgement.liveness for judgement in judgements if judgement.liveness} == {"alive"}
    named = {state for judgement in judgements for state in judgement.states}
    assert {cause.state for cause in run.causes if cause.module and cause.severity == "error"} <= named


def test_the_doctor_names_faults_of_host_registry_and_device_at_once(device_lab, device_fault, control, eventually):
    info, context, hub = device_lab
    device_fault("stuck", CLIENT)
    device_fault("wrong-tensors", HOST)
    control(info, "faults", {"name": "registry-unauthorized", "on": True})
    try:
        eventually(lambda: diagnose_state(hub.device_state(DEVICE))[CLIENT].severity == "error")
        endpoint = host_endpoint(hub.device_state(DEVICE), HOST, context.device_address)
        eventually(lambda: (error := ask(endpoint).error) and error.code == "grpc.tensor-names")
        states = {finding.state for finding in examine(context, message_seconds=2).causes}
    finally:
        control(info, "faults", {"name": "registry-unauthorized", "on": False})
    assert {"gave-up", "tensor-names", "registry-unauthorized"} <= states, states


def test_an_agent_that_is_silent_is_offline(device_lab, device_fault):
    _, context, _ = device_lab
    device_fault("stale-report")
    states = {finding.state for finding in examine(context, message_seconds=1).causes}
    assert "device-offline" in states


def test_pictures_are_scored_by_the_modules_own_options(device_lab, eventually):
    _, context, hub = device_lab
    endpoint = host_endpoint(hub.device_state(DEVICE), HOST, context.device_address)
    eventually(lambda: ask(endpoint).error is None)  # it may still flash after another test's fault
    with Scorer(find_host(context, hub)) as scorer:
        score = scorer.score(Path(__file__).parents[3] / "services" / "client" / "assets" / "coffee.jpg", 3)
    assert score.labels[0].name == "espresso"
    assert len(score.labels) == 5 and len(score.milliseconds) == 3
    assert score.p50 <= score.p95


def test_logs_are_followed_each_line_once(device_lab):
    _, _, hub = device_lab
    stopped = threading.Event()
    seen = []
    for line in follow(hub, DEVICE, CLIENT, stopped, tail=3, every=0.5):
        seen.append((line.time, line.text))
        if len(seen) >= 6:
            stopped.set()
            break
    texts = [text for _, text in seen]
    assert any("was classified as" in text or "Unable" in text for text in texts), texts
    assert len(texts) == 6
    with pytest.raises(OperatorError) as caught:
        fetch(hub, DEVICE, "nosuch")
    assert CLIENT in caught.value.cause


def test_a_log_that_is_too_large_is_asked_for_in_half_and_says_so(device_lab, device_fault):
    _, _, hub = device_lab
    device_fault("logs-too-large")
    cut = []
    lines = fetch(hub, DEVICE, "edgeAgent", tail=16, halved=cut.append)
    assert lines and cut == [8, 4, 2][: len(cut)] and cut[-1] >= len(lines)
    device_fault("logs-too-large", lines=0)
    with pytest.raises(OperatorError) as caught:
        fetch(hub, DEVICE, "edgeAgent", tail=16)
    assert caught.value.code == "agent.answer-too-large"


def test_the_overview_has_the_device_in_most_trouble_first(device_lab):
    _, _, hub = device_lab
    rows = overview(hub)
    assert {row.device.id for row in rows} >= {"databox-edge-1", "databox-edge-2", "databox-edge-3", "databox-edge-4"}
    assert rows[-1].device.id == DEVICE or rows[-1].finding.severity in ("ok", "info")
    ranks = [row.trouble for row in rows]
    assert ranks == sorted(ranks)
