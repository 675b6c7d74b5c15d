"""The guide to messages without a key: what a hub lacks, shown as a whole before anything is written."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from services.contexts.model import Context, HubSettings
from services.errors import OperatorError
from services.operations import message_routes
from services.operations.message_routes import apply_routes, blind_plan, plan_routes

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Devices/IotHubs/site"
CONTEXT = Context("site", hub=HubSettings("site.azure-devices.net", resource_id=ID))
NAMESPACE, EVENT_HUB = "edge.servicebus.windows.net", "results"
ENDPOINT = {"name": "mine", "endpointUri": f"sb://{NAMESPACE}/", "entityPath": EVENT_HUB, "authenticationType": "identityBased"}


def route(name: str, endpoint: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "source": "DeviceMessages", "condition": "true", "endpointNames": [endpoint], "isEnabled": True} | more


class Manager:
    """Azure Resource Manager with one hub."""

    def __init__(self, endpoints: list[Any], routes: list[Any], identity: str = "SystemAssigned") -> None:
        routing = {"endpoints": {"eventHubs": endpoints}, "routes": routes}
        self.record = {"id": ID, "name": "site", "etag": "1", "identity": {"type": identity}, "properties": {"routing": routing}}
        self.written: list[dict[str, Any]] = []
        self.states = ["Activating", "Succeeded"]

    def hub_record(self, resource_id: str) -> dict[str, Any]:
        assert resource_id == ID
        if self.written:
            return {**self.record, "properties": {"provisioningState": self.states.pop(0)}}
        return self.record

    def replace_hub(self, record: dict[str, Any]) -> dict[str, Any]:
        self.written.append(record)
        return {**record, "properties": {"provisioningState": "Activating"}}


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*arguments: Any, **named: Any) -> Manager:
        made = Manager(*arguments, **named)
        monkeypatch.setattr(message_routes, "ResourceManager", lambda _context: made)
        monkeypatch.setattr(message_routes, "_PAUSE", 0.0)
        return made

    return make


@pytest.mark.parametrize(
    ("endpoints", "routes", "lines"),
    [
        ([], [], ["+ endpoint dbe-console", "+ route dbe-console:", "+ route dbe-console-events:"]),
        ([ENDPOINT], [route("r", "mine")], ["+ route dbe-console-events:"]),
        ([ENDPOINT], [route("r", "mine"), route("e", "events")], []),
        ([ENDPOINT], [route("r", "mine", isEnabled=False), route("e", "events")], ["+ route dbe-console:"]),
        ([ENDPOINT], [route("r", "mine", condition="$body.x = 1"), route("e", "events")], ["+ route dbe-console:"]),
        ([ENDPOINT], [route("r", "mine", source="TwinChangeEvents"), route("e", "events")], ["+ route dbe-console:"]),
        ([{**ENDPOINT, "entityPath": "other"}], [route("e", "events")], ["+ endpoint dbe-console", "+ route dbe-console:"]),
        (
            [{**ENDPOINT, "name": "dbe-console", "entityPath": "other"}],
            [route("dbe-console", "dbe-console"), route("e", "events")],
            ["+ endpoint dbe-console-2", "+ route dbe-console-2:"],
        ),
    ],
)
def test_what_is_missing_is_planned_and_nothing_else(manager: Any, endpoints: Any, routes: Any, lines: list[str]) -> None:
    manager(copy.deepcopy(endpoints), copy.deepcopy(routes))
    plan = plan_routes(CONTEXT, NAMESPACE, EVENT_HUB)
    assert len(plan.lines) == len(lines)
    assert all(line.startswith(begin) for line, begin in zip(plan.lines, lines, strict=True))
    assert plan.is_empty == (not lines)


def test_planning_writes_nothing_and_applying_writes_all_of_it_at_once(manager: Any) -> None:
    arm = manager([], [route("theirs", "cold", condition="level > 3")])
    plan = plan_routes(CONTEXT, NAMESPACE, EVENT_HUB)
    assert not arm.written and not arm.record["properties"]["routing"]["endpoints"]["eventHubs"]
    apply_routes(CONTEXT, plan)
    (written,) = arm.written
    routing = written["properties"]["routing"]
    assert [one["name"] for one in routing["routes"]] == ["theirs", "dbe-console", "dbe-console-events"]
    assert routing["endpoints"]["eventHubs"][0]["endpointUri"] == f"sb://{NAMESPACE}"
    assert written["etag"] == "1" and arm.states == []


def test_a_hub_without_identity_is_not_planned(manager: Any) -> None:
    manager([], [], identity="None")
    with pytest.raises(OperatorError) as raised:
        plan_routes(CONTEXT, NAMESPACE, EVENT_HUB)
    assert raised.value.code == "routes.no-identity" and "Data Sender" in raised.value.remedy


def test_routes_that_fail_are_said(manager: Any) -> None:
    arm = manager([], [])
    arm.states = ["Failed"]
    with pytest.raises(OperatorError) as raised:
        apply_routes(CONTEXT, plan_routes(CONTEXT, NAMESPACE, EVENT_HUB))
    assert raised.value.code == "routes.not-taken"


def test_commands_name_what_is_needed_and_the_built_in_endpoint_first() -> None:
    commands = blind_plan(CONTEXT, NAMESPACE, "a b").commands
    assert "-n site " in commands[0] and "Data Sender" in commands[0]
    assert "--entity-path 'a b'" in commands[1]
    assert "--endpoint-name events " in commands[2]
    assert "--endpoint-name dbe-console " in commands[3]
    assert "Data Receiver" in commands[4]
