"""The rollout's steps as a pure function of what is known: resumed, flashing too long, not reachable, older faults."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from services.diagnosis import explain
from services.errors import OperatorError
from services.operations.host import HostAnswer, HostEndpoint, client_arguments
from services.operations.rollout_steps import Known, Watch, failed, finished, rollout_steps
from services.records import (
    DesiredModule,
    Device,
    DeviceState,
    Evidence,
    InferenceMessage,
    LifeSigns,
    Liveness,
    Module,
    ReportedModule,
)

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=timezone.utc)
WATCH = Watch("edge", ("host",), 5, NOW - timedelta(minutes=10))
ENDPOINT = HostEndpoint("host", "grpc", "10.0.0.5", 50051)


def state(reported=None, applied=5, code=200, description="", word=None):
    device = Device("edge", False)
    modules = (Module("host", desired=DesiredModule("reg.io/a:1"), reported=reported),)
    read = DeviceState(device, modules, 5, applied, code, description, reported={"modules": {}}, read_at=NOW, desired_at=NOW)
    return replace(read, liveness=Liveness(word, "pinged 3 s ago: no answer", False, LifeSigns(device))) if word else read


RUNNING = ReportedModule("running", "reg.io/a:1", last_start=NOW - timedelta(minutes=6))
FLASHING = HostAnswer("no", error=explain(Evidence("grpc", code="UNAVAILABLE", text="The host is not done flashing the FPGA.")))


def message(kind, body="(12 ms) The image a.jpg was classified as cat with confidence 0.9."):
    return InferenceMessage(1, "0", 1, "0", NOW, "edge", "", kind, body, body=body)


def states(known, watch=WATCH):
    return {step.name: step.state for step in rollout_steps(watch, known)}


def test_what_an_older_version_suffered_from_is_not_held_against_this_one():
    steps = rollout_steps(WATCH, Known(NOW, state(applied=4, code=500, description="pull access denied for x")))
    assert failed(steps) is None
    assert {step.name: step.state for step in steps}["agent"] == "running"


def test_flashing_for_over_five_minutes_is_a_fault_and_before_it_is_not():
    known = Known(NOW, state(RUNNING), host=ENDPOINT, answer=FLASHING)
    stopped = failed(rollout_steps(WATCH, known))
    assert stopped is not None and stopped.finding is not None and stopped.finding.state == "fpga-flashing-too-long"
    young = replace(RUNNING, last_start=NOW - timedelta(minutes=1))
    assert states(replace(known, state=state(young)))["flashing"] == "running"


def test_a_host_that_cannot_be_reached_from_here_is_neutral_and_the_rest_goes_on():
    known = Known(NOW, state(RUNNING), host=ENDPOINT, answer=HostAnswer("unreachable"), sent=(message("result"),))
    found = states(known)
    assert (found["flashing"], found["answers"], found["message"]) == ("neutral", "neutral", "done")
    assert finished(rollout_steps(WATCH, known))


def test_a_watch_taken_up_again_says_the_same():
    known = Known(NOW, state(RUNNING), host=ENDPOINT, answer=HostAnswer("yes", 12.0, "answers in 12 ms"), sent=())
    assert states(known) == states(known, Watch("edge", ("host",), 5, WATCH.started, {"running": NOW - timedelta(minutes=5)}))
    assert states(known)["message"] == "running"


def test_offline_and_an_unreachable_hub_are_named():
    offline = failed(rollout_steps(WATCH, Known(NOW, state(applied=4, word="offline"))))
    assert offline is not None and offline.finding is not None and offline.finding.state == "device-offline"
    hub = failed(rollout_steps(WATCH, Known(NOW, error=OperatorError("The hub is gone.", remedy="Wait."))))
    assert hub is not None and (hub.name, hub.detail, hub.remedy) == ("accepted", "The hub is gone.", "Wait.")


def test_a_device_of_which_nothing_is_known_is_waited_for():
    steps = rollout_steps(WATCH, Known(NOW, state(applied=4, word="unknown")))
    agent = next(step for step in steps if step.name == "agent")
    assert failed(steps) is None and (agent.state, agent.finding) == ("running", None)
    assert "unknown: pinged 3 s ago" in agent.detail


def test_a_module_that_is_to_stand_still_is_done_when_it_does():
    stopped = Module("host", desired=DesiredModule("reg.io/a:1", "stopped"), reported=ReportedModule("stopped", "reg.io/a:1"))
    assert finished(rollout_steps(WATCH, Known(NOW, replace(state(), modules=(stopped,)))))


def test_a_first_message_that_complains_is_no_success():
    known = Known(NOW, state(RUNNING), host=ENDPOINT, answer=HostAnswer("yes", 12.0, "answers in 12 ms"))
    wrong = message("tensor-names", "Unable to inference because the names of the input and output tensors used are incorrect.")
    stopped = failed(rollout_steps(WATCH, replace(known, sent=(message("result"), wrong))))
    assert stopped is not None and stopped.finding is not None
    assert (stopped.name, stopped.finding.state) == ("message", "tensor-names") and "-i and -o" in stopped.remedy
    assert states(replace(known, sent=(wrong, message("result"))))["message"] == "done"
    waits = message("flashing", "Unable to inference because AzureML host container is not done flashing the FPGA.")
    assert states(replace(known, sent=(waits,)))["message"] == "running"


def test_a_host_whose_port_is_open_before_it_listens_is_only_starting():
    cut = HostAnswer("no", error=explain(Evidence("http", text="Connection reset by peer")))
    young = replace(RUNNING, last_start=NOW - timedelta(seconds=3))
    assert states(Known(NOW, state(young), host=ENDPOINT, answer=cut))["answers"] == "running"
    assert states(Known(NOW, state(RUNNING), host=ENDPOINT, answer=cut))["answers"] == "failed"


def test_the_clients_own_tensors_are_asked_for_whatever_way_they_are_written():
    said = {"-a": "host", "-i": "in:0", "-o": "out:0", "-s": ""}
    long = ["--address", "host", "--input-tensors=in:0", "--output-tensors", "out:0", "--suppress-messages"]
    short = ["-a", "host", "-i", "in:0", "--out", "out:0", "-s"]
    assert client_arguments({"Cmd": long}) == client_arguments({"Cmd": short}) == said


def test_a_cpu_host_has_no_step_of_an_fpga():
    cpu = HostEndpoint("host", "http", "10.0.0.5", 80)
    for answer in (None, HostAnswer("yes", 12.0, "answers in 12 ms"), HostAnswer("unreachable", detail="not reachable")):
        assert "flashing" not in states(Known(NOW, state(RUNNING), host=cpu, answer=answer))
    assert "flashing" in states(Known(NOW, state(RUNNING), host=ENDPOINT))
