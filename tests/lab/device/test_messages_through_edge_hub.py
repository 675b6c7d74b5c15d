"""A device's modules through its edgeHub, by azure-iot-device, unmodified: what no route matches never leaves the device."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from services.lab.cloud.manifests import content, module

DEVICE = "databox-edge-3"
ROUTES = {
    "out": "FROM /messages/modules/m/outputs/out INTO $upstream",
    "hot": "FROM /messages/modules/m WHERE level = 'hot' INTO $upstream",
    "over": 'FROM /messages/modules/m/outputs/over INTO BrokeredEndpoint("/modules/n/inputs/in")',
}


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


@pytest.fixture
def device(own_lab, hub_manager, control):
    """A device with modules m and n, routes of its own, and what its $edgeHub reports."""
    from azure.iot.hub.models import ConfigurationContent

    registry = hub_manager("RegistryManager")
    hub_manager("ConfigurationManager").delete_configuration("factory-baseline")
    idle = module("mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.4")
    what = content({"m": idle, "n": idle}, routes=ROUTES, version="1.6")["modulesContent"]
    hub_manager("ConfigurationManager").apply_configuration_on_edge_device(DEVICE, ConfigurationContent(modules_content=what))

    def reported():
        return control(own_lab, "world")["devices"][DEVICE]["modules"]["$edgeHub"]["twin"]["reported"]

    wanted = registry.get_module_twin(DEVICE, "$edgeHub").properties.desired["$version"]
    until(
        lambda: reported().get("lastDesiredVersion") == wanted and "n" in control(own_lab, "world")["devices"][DEVICE]["modules"]
    )
    return registry, reported


@pytest.fixture
def count(own_lab, control):
    """How many messages the hub has."""
    return lambda: sum(part["next"] for part in control(own_lab, "world")["partitions"])


@pytest.fixture
def client(own_lab, device):
    from azure.iot.device import IoTHubModuleClient

    registry, _ = device
    opened = []

    def connect(name, gateway=True):
        key = registry.get_module(DEVICE, name).authentication.symmetric_key.primary_key
        host = own_lab["address"]
        text = f"HostName={host};DeviceId={DEVICE};ModuleId={name};SharedAccessKey={key}"
        text += f";GatewayHostName={own_lab['devices'][DEVICE]['address']}" if gateway else ""
        trust = Path(own_lab["ca_file"]).read_text(encoding="ascii")
        one = IoTHubModuleClient.create_from_connection_string(text, server_verification_cert=trust)
        one.connect()
        opened.append(one)
        return one

    yield connect
    for one in opened:
        one.shutdown()


def test_only_what_a_route_matches_leaves_the_device(device, client, count):
    from azure.iot.device import Message

    _, reported = device
    before, sender, receiver = count(), client("m"), client("n")
    received = []
    receiver.on_message_received = received.append
    until(lambda: reported()["clients"].get(f"{DEVICE}/m", {}).get("status") == "Connected")
    sender.send_message("dropped")
    cold = Message("cold")
    cold.custom_properties["level"] = "cold"
    sender.send_message(cold)
    assert count() == before
    hot = Message("hot")
    hot.custom_properties["level"] = "hot"
    sender.send_message(hot)
    sender.send_message_to_output("out", "out")
    assert count() == before + 2
    sender.send_message_to_output("over", "over")
    until(lambda: received)
    assert (received[0].data, received[0].input_name) == (b"over", "in")
    assert count() == before + 2
    client("m", gateway=False).send_message("straight to the hub")  # no edgeHub on the way, so no route
    assert count() == before + 3


def test_a_device_that_is_away_keeps_its_clients_and_what_they_send(own_lab, client, control, count):
    before, sender = count(), client("m")
    control(own_lab, "faults", {"name": "offline", "device": DEVICE})
    sender.send_message_to_output("late", "out")
    assert count() == before
    control(own_lab, "faults", {"name": "offline", "device": DEVICE, "on": False})
    until(lambda: count() == before + 1)
