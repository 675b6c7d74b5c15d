"""azure-iot-device, unmodified, against the lab's MQTT port."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, Message, MethodResponse
from azure.iot.device.exceptions import ClientError, CredentialError

from services.lab.cloud.hub import HubError

DEVICE = "databox-edge-1"


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.01)


@pytest.fixture
def pem(wire: Any) -> str:
    return Path(wire.ca).read_text()


def device_client(wire: Any, pem: str, device: str = DEVICE) -> Any:
    text = wire.do(wire.hub.device_connection_string, device)
    return IoTHubDeviceClient.create_from_connection_string(text, server_verification_cert=pem, keep_alive=20)


def test_a_device_message_has_the_real_system_properties(wire, pem):
    client = device_client(wire, pem)
    seen: list[Any] = []
    wire.do(wire.hub.events.listeners.append, lambda partition, event: seen.append(event))
    try:
        message = Message(b"(12 ms) The image a/b+c.jpg", message_id="m 1", content_encoding="utf-8", content_type="text/plain")
        message.correlation_id = "c/1"
        message.custom_properties["who & what"] = "50% + ü"
        client.send_message(message)
        until(lambda: seen)
        assert wire.do(lambda: wire.hub.identity(DEVICE).connected)
    finally:
        client.shutdown()
        wire.do(wire.hub.events.listeners.clear)
    event = seen[0]
    assert event.body == b"(12 ms) The image a/b+c.jpg"
    assert dict(event.application_properties) == {"who & what": "50% + ü"}
    assert dict(event.properties) == {
        "message_id": "m 1", "correlation_id": "c/1", "content_type": "text/plain", "content_encoding": "utf-8",
    }  # fmt: skip
    assert event.annotations["iothub-connection-device-id"] == DEVICE
    assert "iothub-connection-module-id" not in event.annotations
    assert json.loads(event.annotations["iothub-connection-auth-method"])["scope"] == "device"
    assert event.annotations["iothub-connection-auth-generation-id"] == wire.hub.identity(DEVICE).generation
    until(lambda: not wire.do(lambda: wire.hub.identity(DEVICE).connected))


def test_mqtt_over_websockets(wire, pem, websocket_port):
    if websocket_port != 443:
        pytest.skip("azure-iot-device looks for websockets on port 443 alone, which this user may not bind")
    text = wire.do(wire.hub.device_connection_string, DEVICE)
    client = IoTHubDeviceClient.create_from_connection_string(text, server_verification_cert=pem, websockets=True)
    seen: list[Any] = []
    wire.do(wire.hub.events.listeners.append, lambda partition, event: seen.append(event))
    try:
        client.send_message("by websocket")
        until(lambda: seen)
        assert seen[0].body == b"by websocket"
        assert "desired" in client.get_twin()
    finally:
        client.shutdown()
        wire.do(wire.hub.events.listeners.clear)


def test_a_module_sends_to_an_output_reads_its_twin_and_answers_methods(wire, pem):
    wire.do(wire.hub.ensure_module, DEVICE, "camera")
    text = wire.do(wire.hub.device_connection_string, DEVICE, "camera")
    client = IoTHubModuleClient.create_from_connection_string(text, server_verification_cert=pem)
    seen: list[Any] = []
    patches: list[Any] = []
    wire.do(wire.hub.events.listeners.append, lambda partition, event: seen.append(event))
    try:
        client.send_message_to_output(Message("hello"), "results")
        until(lambda: seen)
        assert seen[0].annotations["iothub-connection-module-id"] == "camera"
        assert dict(seen[0].application_properties) == {}

        client.on_twin_desired_properties_patch_received = patches.append
        wire.do(wire.hub.patch_desired, DEVICE, "camera", {"properties": {"desired": {"interval": 5}}}, "*", replace=False)
        until(lambda: patches)
        assert patches[0]["interval"] == 5
        twin = client.get_twin()
        assert twin["desired"]["interval"] == 5
        assert twin["desired"]["$version"] == patches[0]["$version"]
        client.patch_twin_reported_properties({"fps": {"now": 3}})
        assert wire.do(lambda: wire.hub.identity(DEVICE, "camera").twin.reported.view(False))["fps"] == {"now": 3}

        def method(request: Any) -> None:
            client.send_method_response(MethodResponse(request.request_id, 207, {"name": request.name, "got": request.payload}))

        client.on_method_request_received = method
        until(lambda: wire.do(lambda: (DEVICE, "camera") in wire.hub._methods))
        assert wire.run(wire.hub.invoke(DEVICE, "camera", "do it", {"a": [1]})) == (207, {"name": "do it", "got": {"a": [1]}})
    finally:
        client.shutdown()
        wire.do(wire.hub.events.listeners.clear)


def test_a_report_beyond_the_limits_is_refused(wire, pem):
    client = device_client(wire, pem)
    try:
        with pytest.raises(ClientError) as raised:
            client.patch_twin_reported_properties({"big": "x" * 5000})
        assert "400" in str(raised.value.__cause__)
    finally:
        client.shutdown()


def test_a_wrong_key_is_a_credential_error(wire, pem):
    text = wire.do(wire.hub.device_connection_string, DEVICE)
    wrong = text.split("SharedAccessKey=")[0] + "SharedAccessKey=" + "d3Jvbmc="
    client = IoTHubDeviceClient.create_from_connection_string(wrong, server_verification_cert=pem)
    try:
        with pytest.raises(CredentialError):
            client.connect()
    finally:
        client.shutdown()


def test_the_newer_connection_of_an_identity_pushes_the_older_out(wire, pem):
    text = wire.do(wire.hub.device_connection_string, DEVICE)
    older = IoTHubDeviceClient.create_from_connection_string(text, server_verification_cert=pem, connection_retry=False)
    newer = device_client(wire, pem)
    try:
        older.connect()
        newer.connect()
        until(lambda: not older.connected)
        assert newer.connected
    finally:
        older.shutdown()
        newer.shutdown()


def test_after_a_cut_the_subscriptions_live_on(wire, pem):
    client = device_client(wire, pem)
    messages: list[Any] = []
    try:
        client.on_message_received = messages.append
        until(lambda: wire.do(lambda: wire.hub.identity(DEVICE).mailbox._watchers))
        wire.do(wire.mqtt.cut)
        until(lambda: not client.connected)
        until(lambda: client.connected, 20)
        until(lambda: wire.do(lambda: wire.hub.identity(DEVICE).mailbox._watchers))
        wire.do(wire.hub.send_to_device, DEVICE, b"hi", {"a/b": "c d"}, {"message_id": "7"})
        until(lambda: messages)
        assert (messages[0].data, messages[0].message_id, messages[0].custom_properties) == (b"hi", "7", {"a/b": "c d"})
    finally:
        client.shutdown()


def test_messages_to_a_device_wait_until_it_has_acknowledged_them(wire, pem):
    device = "databox-edge-4"

    def waiting() -> int:
        return wire.do(lambda: wire.hub.identity(device).view()["cloudToDeviceMessageCount"])

    for number in range(50):
        wire.do(wire.hub.send_to_device, device, b"%d" % number, {}, {})
    with pytest.raises(HubError) as refused:
        wire.do(wire.hub.send_to_device, device, b"one too many", {}, {})
    assert (refused.value.code, waiting()) == (403004, 50)
    seen: list[bytes] = []
    for more in (b"", b"later"):  # what has been acknowledged is not given again
        if more:
            wire.do(wire.hub.send_to_device, device, more, {}, {})
        client = device_client(wire, pem, device)
        try:
            client.on_message_received = lambda message: seen.append(message.data)
            until(lambda: not waiting())
        finally:
            client.shutdown()
    until(lambda: len(seen) == 51)
    assert seen == [b"%d" % number for number in range(50)] + [b"later"]


def test_an_identity_with_two_clients_is_pushed_out_again_and_again(wire, pem):
    client = device_client(wire, pem)
    try:
        client.connect()
        wire.do(wire.world.faults.switch, "duplicates", device=DEVICE)
        until(lambda: not client.connected)
        wire.do(wire.world.faults.clear)
        until(lambda: client.connected, 20)
    finally:
        client.shutdown()


async def test_garbage_ends_the_connection(wire):
    context = ssl.create_default_context(cafile=wire.ca)
    reader, writer = await asyncio.open_connection(wire.claim.address, 8883, ssl=context)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 20)
    assert await asyncio.wait_for(reader.read(), 60) == b""
    writer.close()


@pytest.mark.parametrize("level", [3, 5])
async def test_another_version_of_mqtt_is_told_so(wire, level):
    """By return code 1 of CONNACK (MQTT 3.1.1, 3.1.2.2); what has another protocol's name is closed."""
    name = b"MQIsdp" if level == 3 else b"MQTT"
    body = len(name).to_bytes(2, "big") + name + bytes([level, 2, 0, 60]) + (b"\x00" if level == 5 else b"") + b"\x00\x01a"
    context = ssl.create_default_context(cafile=wire.ca)
    reader, writer = await asyncio.open_connection(wire.claim.address, 8883, ssl=context)
    writer.write(b"\x10" + bytes([len(body)]) + body)
    said = await asyncio.wait_for(reader.read(), 60)
    assert said == (b"" if level == 3 else b"\x20\x02\x00\x01")
    writer.close()
