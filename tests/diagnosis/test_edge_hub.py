"""The edge hub's own state, from the twin of $edgeHub: in the findings, in the rollout, and how often it is read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from services.diagnosis import diagnose_state
from services.hub.twin import edge_hub_of, state_of
from services.operations.device_reading import DeviceReading
from services.operations.rollout_steps import Known, Watch, failed, finished, rollout_steps
from services.records import Device, DeviceState

NOW = datetime(2021, 6, 12, 0, 30, tzinfo=timezone.utc)
CASES = Path(__file__).parent.parent / "cases" / "azure"
# Azure/iotedge issues 1741, 5308 and 7394; TwinConfigSource.cs and EdgeHubConfigParser.cs by tag (docs/facts/hub-codes-and-routes.md)
PARSING = "Error while parsing desired properties - "
COMPILING = "Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown."


def edge_hub_twin(
    code: int | None = 200, text: str = "", last: int | None = 5, configured: bool = True, said: str = ""
) -> dict[str, Any]:
    desired: dict[str, Any] = {"$version": 5, "$metadata": {"$lastUpdated": "2021-06-12T00:20:00Z"}}
    if configured:
        desired |= {"schemaVersion": "1.1", "routes": {"upstream": "FROM /messages/* INTO $upstream"}}
    reported: dict[str, Any] = {"schemaVersion": "1.0", "$metadata": {"$lastUpdated": said or "2021-06-12T00:21:00Z"}}
    if code is not None:
        reported["lastDesiredStatus"] = {"code": code, "description": text}
    if last is not None:
        reported["lastDesiredVersion"] = last
    return {"properties": {"desired": desired, "reported": reported}}


def state(twin: Any, now: datetime = NOW) -> DeviceState:
    case = json.loads(next(CASES.glob("04-*.json")).read_text("utf-8"))["payload"]
    case["properties"]["reported"]["lastDesiredStatus"] = {"code": 200, "description": ""}
    device = state_of(Device("computevm", connected=True), case, now)
    return replace(device, edge_hub=edge_hub_of(twin, now))


@pytest.mark.parametrize(
    ("code", "text", "name", "words"),
    [
        (400, f"{PARSING}Error parsing route gw - {COMPILING}", "edge-hub-refuses", "the route gw"),
        (
            400,
            f"{PARSING}Error parsing route my-route - System endpoint type '$up' not supported.",
            "edge-hub-refuses",
            "my-route",
        ),
        (
            400,
            f"{PARSING}Invalid priority for route: FROM /* INTO $upstream, priority can only be between 0-9",
            "edge-hub-refuses",
            "Invalid priority",
        ),
        (400, f'{PARSING}Malformed route specification: "r": 7', "edge-hub-refuses", "Malformed route"),
        (400, f"{PARSING}EdgeHub config missing SchemaVersion", "edge-hub-schema", "schema version"),
        (400, f"{PARSING}EdgeHub config contains unsupported SchemaVersion: 7.0", "edge-hub-schema", "schema version"),
        (400, f"{PARSING}Error parsing schema version string: x", "edge-hub-schema", "schema version"),
        (400, f"{PARSING}Error validating bridge configuration: x", "edge-hub-refuses", "broker"),
        (417, "This device has an empty configuration for the edge hub.", "edge-hub-empty", "no configuration"),
        (400, "die Konfiguration ist ungültig", "edge-hub-refuses", "its configuration (400)"),
        (599, "", "edge-hub-refuses", "its configuration (599)"),
    ],
)
def test_what_the_edge_hub_refuses_is_named_with_its_words(code, text, name, words):
    finding = diagnose_state(state(edge_hub_twin(code, text)))["edgeHub"]
    assert (finding.state, finding.severity) == (name, "error")
    assert words in finding.reason and text in "\n".join(finding.evidence)


def test_one_that_took_its_configuration_is_well():
    assert diagnose_state(state(edge_hub_twin()))["edgeHub"].state == "running"


def test_a_refusal_that_keeps_the_version_counts_when_it_is_newer_than_the_configuration():
    text = f"{PARSING}Error parsing route gw - {COMPILING}"
    assert diagnose_state(state(edge_hub_twin(400, text, last=4)))["edgeHub"].state == "edge-hub-refuses"
    before = edge_hub_twin(400, text, last=4, said="2021-06-12T00:19:00Z")
    assert diagnose_state(state(before))["edgeHub"].state == "edge-hub-behind"


def test_a_configuration_not_taken_is_named_after_two_minutes():
    behind = edge_hub_twin(last=4, said="2021-06-12T00:19:00Z")
    late = diagnose_state(state(behind))["edgeHub"]
    assert (late.state, late.severity) == ("edge-hub-behind", "warning") and "10 minutes" in late.reason
    soon = diagnose_state(state(behind, NOW - timedelta(minutes=9)))["edgeHub"]
    assert soon.severity == "info"


def test_an_empty_configuration_is_a_fault():
    assert diagnose_state(state(edge_hub_twin(None, last=None, configured=False)))["edgeHub"].state == "edge-hub-empty"


def steps(twin: Any, **more: Any):
    watch = Watch("computevm", ("m1",), 11, NOW - timedelta(seconds=20))
    return rollout_steps(watch, Known(NOW, state(twin) if twin is not None else replace(state({}), edge_hub=None), **more))


def test_the_rollout_stops_at_routes_that_are_refused():
    stopped = failed(steps(edge_hub_twin(400, f"{PARSING}Error parsing route gw - {COMPILING}")))
    assert stopped is not None and stopped.name == "routes" and "gw" in stopped.detail


def test_the_rollout_waits_for_the_routes():
    waiting = next(step for step in steps(edge_hub_twin(last=4, said="2021-06-12T00:19:00Z")) if step.name == "routes")
    assert waiting.state == "running" and not finished(steps(edge_hub_twin(last=4, said="2021-06-12T00:19:00Z")))
    assert next(step.state for step in steps(edge_hub_twin()) if step.name == "routes") == "done"
    assert next(step.state for step in steps(None) if step.name == "routes") == "neutral"


class Hub:
    """A hub that counts how often the edge hub's twin is read."""

    def __init__(self, twin: Any) -> None:
        self.twin, self.version, self.reads = twin, 12, 0

    def device_state(self, device_id: str) -> DeviceState:
        return replace(state(self.twin), edge_hub=None, desired_version=self.version)

    def edge_hub(self, device_id: str):
        self.reads += 1
        return edge_hub_of(self.twin, NOW)


def test_the_edge_hubs_twin_is_read_seldom_and_at_once_where_there_is_a_reason():
    hub = Hub(edge_hub_twin())
    reading = DeviceReading(hub, "computevm")
    assert all(reading.read().edge_hub is not None for _ in range(10)) and hub.reads == 1
    reading.read()
    assert hub.reads == 2  # with every tenth reading
    reading.read(on_request=True)
    assert hub.reads == 3
    hub.version = 13
    reading.read()
    assert hub.reads == 4


def test_an_edge_hub_that_refuses_is_looked_at_more_often():
    hub = Hub(edge_hub_twin(400, "x"))
    reading = DeviceReading(hub, "computevm")
    for _ in range(7):
        reading.read()
    assert hub.reads == 4
