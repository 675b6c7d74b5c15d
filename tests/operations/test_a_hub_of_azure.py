"""Liveness on a hub that answers as Azure does, told apart in the places where an operator looks (tests/cases/azure, 01 and 10)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from replayed_hub import DEVICE

from console.cli.main import run
from services.contexts.store import ContextStore
from services.hub.client import Hub
from services.hub.methods import ping_when_due
from services.operations.connections import Connections, Looks
from services.operations.device_list import list_devices
from services.operations.overview import overview

NOT_ONLINE = {
    "Message": json.dumps({"errorCode": 404103, "trackingId": "x", "message": "Timed out waiting for device to connect."}),
    "ExceptionMessage": "",
}


@pytest.fixture
def hub(azure, tmp_path, monkeypatch):
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    return Hub.open(azure.context)


@pytest.fixture
def verb(azure, tmp_path, monkeypatch, capsys):
    """``verb("modules")``: its exit status, its standard output, what it says beside it."""
    monkeypatch.setenv("DBE_CONSOLE_HOME", str(tmp_path / "home"))
    ContextStore().add(azure.context)
    ContextStore().use(azure.context.name)

    def call(*arguments):
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return call


def connected(azure):
    azure.identity["connectionState"] = "Connected"


def nothing(azure):
    pass


@pytest.mark.parametrize("change", [nothing, connected])
def test_every_verb_says_that_a_healthy_device_is_well(azure, verb, change):
    change(azure)
    status, text, _ = verb("devices", "--json")
    (row,) = json.loads(text)
    assert (status, row["liveness"], row["connected"], row["basis"]) == (0, "alive", True, "$edgeHub connected")
    (row,) = json.loads(verb("overview", "--json")[1])
    assert (row["state"], row["liveness"], row["reason"]) == ("well", "alive", "")
    status, text, beside = verb("modules", "--json")
    assert {row["finding"] for row in json.loads(text)} == {"running"} and "alive: $edgeHub connected" in beside
    steps = {step["name"]: step for step in json.loads(verb("doctor", "--json", "--listen", "1")[1])["steps"]}
    assert (steps["device"]["mark"], steps["agent"]["mark"]) == ("✓", "✓")
    assert "alive: $edgeHub connected" in steps["device"]["detail"]


@pytest.mark.parametrize("change", [nothing, connected])
def test_a_rollout_on_it_comes_to_its_end(azure, verb, change):
    change(azure)
    deploy = ("deploy", "reg.example/thermometer:1", "--module", "m2", "--yes", "--wait", "--no-image-check", "--no-registry")
    status, _, beside = verb(*deploy)
    assert status == 0, beside
    assert azure.requests[f"POST /twins/{DEVICE}/modules/$edgeAgent/methods"] == 0, "alive without a ping"


def edge_hub_lost(azure):
    azure.module("$edgeHub")["connectionState"] = "Disconnected"


def lost(azure):
    azure.disconnect()


def lost_and_unreached(azure):
    azure.disconnect()
    azure.ping = (404, NOT_ONLINE)


def odd_letters(azure):
    azure.module("$edgeHub")["connectionState"] = "cOnnected"


def garbled(azure):
    azure.modules[:] = [5, None, {"moduleId": "$edgeHub"}, {"moduleId": "m1", "connectionState": ["Connected"]}]


def doubled(azure):
    azure.modules.append({**azure.module("$edgeHub"), "connectionState": "Disconnected"})


def nested(azure):
    azure.identity["parentScopes"] = ["ms-azure-iot-edge://top-floor-637121074930370650"]


def disabled(azure):
    azure.identity |= {"status": "disabled", "statusReason": "stolen"}


def without_capabilities(azure):
    del azure.identity["capabilities"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (edge_hub_lost, "alive: m1 connected"),
        (odd_letters, "alive: $edgeHub connected"),
        (doubled, "alive: $edgeHub connected"),
        (nested, "alive: $edgeHub connected"),
        (without_capabilities, "alive: $edgeHub connected"),
        (lost, "offline: no identity is connected"),
        (garbled, "unknown: the hub does not say whether $edgeHub is connected"),
        (disabled, "offline: disabled in the hub (stolen)"),
    ],
)
def test_variants(azure, hub, change, text):
    azure.edge_hub["properties"]["reported"]["$metadata"]["$lastUpdated"] = "2026-11-30T20:00:00Z"
    change(azure)
    state = hub.device_state(DEVICE)
    assert state.liveness.text.startswith(text)
    (listed,) = list_devices(hub, dict)
    assert listed.liveness.word == state.liveness.word
    (row,) = overview(hub)
    assert row.liveness.word == state.liveness.word


def test_messages_that_arrive_outweigh_identities(azure, hub):
    azure.disconnect()
    (row,) = overview(hub, {DEVICE: datetime.now(timezone.utc)})
    assert row.liveness.text.startswith("alive: message") and row.word == "well"


def test_a_ping_settles_it_either_way(azure, hub):
    azure.disconnect()
    assert ping_when_due(hub, DEVICE) and not ping_when_due(hub, DEVICE), "once in five minutes"
    assert hub.device_state(DEVICE).liveness.text.startswith("alive: pinged")
    hub.pings.clear()
    azure.ping = (404, NOT_ONLINE)
    assert ping_when_due(hub, DEVICE) and not ping_when_due(hub, DEVICE)
    assert "the agent is not connected (404103)" in hub.device_state(DEVICE).liveness.text


@pytest.mark.parametrize(("change", "named"), [(lost, False), (lost_and_unreached, True)])
def test_the_doctor_pings_before_it_calls_a_device_offline(azure, verb, change, named):
    change(azure)
    examined = json.loads(verb("doctor", "--json", "--listen", "1")[1])
    assert ("device-offline" in {cause["state"] for cause in examined["causes"]}) is named
    assert azure.requests[f"POST /twins/{DEVICE}/modules/$edgeAgent/methods"] == 1


def test_where_the_quota_lets_no_ping_through_the_identities_count(azure, verb):
    lost(azure)
    azure.ping = (403, {"Message": "ErrorCode:IotHubQuotaExceeded;Total number of messages on IotHub exceeded"})
    examined = json.loads(verb("doctor", "--json", "--listen", "1")[1])
    assert {"device-offline", "quota-exceeded"} <= {cause["state"] for cause in examined["causes"]}


def test_a_rollout_waits_for_a_device_of_which_nothing_is_known(azure, verb):
    garbled(azure)
    azure.ping = (503, {"Message": "ErrorCode:ServiceUnavailable"})
    deploy = ("deploy", "reg.example/thermometer:1", "--module", "m2", "--yes", "--wait", "--no-image-check", "--no-registry")
    status, _, beside = verb(*deploy)
    assert status == 0, beside


def test_a_rollout_stops_at_a_device_that_is_offline(azure, verb):
    lost_and_unreached(azure)
    azure._takes = 1e9
    deploy = ("deploy", "reg.example/thermometer:1", "--module", "m2", "--yes", "--wait", "--no-image-check", "--no-registry")
    status, _, beside = verb(*deploy)
    assert status == 1 and "the device is offline" in beside


def test_no_watching_takes_more_than_the_budget_of_the_registry(azure, hub):
    looks, connections = Looks(), Connections(hub, DEVICE)
    for _ in range(30):
        azure.module("$edgeHub")["connectionStateUpdatedTime"] = datetime.now(timezone.utc).isoformat()
        hub.device_state(DEVICE)
        looks.begin(hub, DEVICE)
        list_devices(hub, dict)
    connections.contested(None)
    assert len(azure.times) <= 12


def thousands(azure, count):
    return [{**azure.identity, "deviceId": f"edge-{number:04}"} for number in range(count)]


def test_one_query_serves_many_devices(azure, hub):
    devices = thousands(azure, 2500)
    asked = []

    def query(text):
        asked.append(text)
        if "devices.modules" in text:
            return [
                {"deviceId": device["deviceId"], "moduleId": module, "connectionState": state}
                for device in devices
                for module, state in (("$edgeAgent", "Disconnected"), ("$edgeHub", "Connected"))
                if device["deviceId"] != "edge-0007"
            ]
        return devices

    azure.query = query
    azure.get_before = azure.get
    azure.get = lambda path: (200, devices[:1000]) if path == "/devices" else azure.get_before(path)
    listed = list_devices(hub, dict)
    assert len(listed) == 2500 and len(asked) == 2 and not azure.times
    words = {one.device.id: one.liveness.text for one in listed}
    assert words.pop("edge-0007").startswith("unknown: the hub lists no module identity")
    assert set(words.values()) == {"alive: $edgeHub connected"}
    list_devices(hub, dict)
    assert len([text for text in asked if "devices.modules" in text]) == 1, "once a minute at most"


def test_a_lost_connection_is_told_as_for_a_device_alone(azure, hub):
    devices = [azure.identity, *thousands(azure, 5)]
    azure.disconnect()
    azure.module("$edgeHub")["connectionStateUpdatedTime"] = datetime.now(timezone.utc).isoformat()
    azure.query = lambda text: [
        {"deviceId": device["deviceId"], "moduleId": "$edgeHub", "connectionState": state}
        for device, state in zip(devices, ("Disconnected", *["Connected"] * 5), strict=True)
    ]
    before = azure.get
    azure.get = lambda path: (200, devices) if path == "/devices" else before(path)
    message = datetime.now(timezone.utc) - timedelta(minutes=2)  # before the loss: it does not say that the device is alive now
    listed = {one.device.id: one.liveness for one in list_devices(hub, lambda: {DEVICE: message})}
    assert listed[DEVICE].text.startswith("unknown: no identity is connected"), listed[DEVICE].text
    assert listed["edge-0001"].word == "alive"


def test_without_queries_many_devices_are_read_as_far_as_the_budget_goes(azure, hub):
    devices = thousands(azure, 40)
    before = azure.get

    def get(path):
        if path == "/devices":
            return 200, devices
        return before(f"/devices/{DEVICE}/modules" if path.endswith("/modules") else path)

    azure.get = get
    words = [one.liveness.word for one in list_devices(hub, dict)]
    # The list and the query that was refused count, too.
    assert words.count("alive") == 10 and words.count("unknown") == 30 and len(azure.times) <= 12
