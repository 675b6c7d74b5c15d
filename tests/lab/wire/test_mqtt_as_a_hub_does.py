"""MQTT where a hub differs from a broker: wills, retained messages, refusals, expiry, clients that do not read."""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.lab.cloud.hub import HubError, sas
from services.lab.wire.mqtt import packets

DEVICE = "databox-edge-4"
TWINS, BOUND = "$iothub/twin/res/#", f"devices/{DEVICE}/messages/devicebound/#"


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value.encode())) + value.encode()


class RawMqtt:
    """A client made of packets."""

    def __init__(self, wire: Any, device: str = DEVICE, policy: str = "", version: str = "/?api-version=2021-04-12") -> None:
        self._wire, self.device = wire, device
        key = wire.hub.policies[policy].primary if policy else wire.hub.identity(device).primary
        resource = wire.hub.host if policy else f"{wire.hub.host}/devices/{device}"
        self.password = sas.make(resource, key, time.time() + 600, policy)
        self.username = f"{wire.hub.host}/{device}{version}"
        self._buffer = bytearray()

    async def connect(self, will: tuple[str, bytes, int] | None = None) -> int:
        """Connect (clean); CONNACK's code. ``will``: topic, payload, further flags."""
        context = ssl.create_default_context(cafile=self._wire.ca)
        self._reader, self._writer = await asyncio.open_connection(self._wire.claim.address, 8883, ssl=context)
        flags, extra = 0xC2, b""
        if will is not None:
            flags |= 0x04 | will[2]
            extra = _text(will[0]) + struct.pack(">H", len(will[1])) + will[1]
        body = _text("MQTT") + bytes((4, flags)) + struct.pack(">H", 60) + _text(self.device) + extra
        self._writer.write(packets._packet(0x10, body + _text(self.username) + _text(self.password)))
        return (await self._raw())[1][1]

    async def _raw(self) -> tuple[int, bytes]:
        head = (await asyncio.wait_for(self._reader.readexactly(1), 20))[0]
        length, shift = 0, 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return head, await self._reader.readexactly(length)

    async def subscribe(self, *topics: str) -> None:
        body = struct.pack(">H", 1) + b"".join(_text(topic) + b"\x01" for topic in topics)
        self._writer.write(packets._packet(0x82, body))
        while (await self._raw())[0] != 0x90:
            pass

    def publish(self, topic: str, payload: bytes = b"", retain: bool = False) -> None:
        self._writer.write(packets._packet(0x30 | retain, _text(topic) + payload))

    async def message(self) -> tuple[str, bytes]:
        """The next message's topic and payload; one of QoS 1 is acknowledged."""
        while True:
            head, body = await self._raw()
            if head >> 4 == 3:
                end = 2 + int.from_bytes(body[:2], "big")
                if head & 6:
                    self._writer.write(b"\x40\x02" + body[end : end + 2])
                return body[2:end].decode(), body[end + 2 :] if head & 6 else body[end:]

    async def ended(self) -> bool:
        """Whether the server ends the connection."""
        try:
            while await asyncio.wait_for(self._reader.read(65_536), 20):
                pass
        except ConnectionError:
            pass
        return True

    def abort(self) -> None:
        self._writer.transport.abort()


@pytest.fixture
def seen(wire: Any) -> Iterator[list[Any]]:
    events: list[Any] = []
    wire.do(wire.hub.events.listeners.append, lambda partition, event: events.append(event))
    yield events
    wire.do(wire.hub.events.listeners.clear)


async def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        await asyncio.sleep(0.01)


async def test_the_will_of_a_client_that_dies_is_telemetry(wire, seen):
    client = RawMqtt(wire)
    assert await client.connect((f"devices/{DEVICE}/messages/events/a=b", b"gone", 0x20)) == 0
    client.abort()
    await until(lambda: seen)
    assert seen[0].body == b"gone"
    assert dict(seen[0].application_properties) == {"a": "b", "iothub-MessageType": "Will", "mqtt-retain": "true"}


async def test_one_that_takes_its_leave_has_no_will(wire, seen):
    client = RawMqtt(wire)
    assert await client.connect((f"devices/{DEVICE}/messages/events/", b"gone", 0)) == 0
    client._writer.write(b"\xe0\x00")
    assert await client.ended()
    await until(lambda: not wire.do(lambda: wire.mqtt._sessions))
    assert not seen


async def test_retained_messages_pass_with_a_mark_and_scopes_are_the_tokens(wire, seen):
    for policy, scope in (("", "device"), ("device", "hub")):
        client = RawMqtt(wire, policy=policy)
        assert await client.connect() == 0
        client.publish(f"devices/{DEVICE}/messages/events/", scope.encode(), retain=True)
        await until(lambda scope=scope: any(event.body == scope.encode() for event in seen))
        event = seen[-1]
        assert dict(event.application_properties) == {"mqtt-retain": "true"}
        assert json.loads(event.annotations["iothub-connection-auth-method"])["scope"] == scope
        client.abort()


@pytest.mark.parametrize("report", [b'{"a.b": 1}', b'{"x": "%s"}' % (b"y" * 5000), b"[1]", b"no JSON"])
async def test_a_refused_report_is_told_in_the_devices_form(wire, report):
    client = RawMqtt(wire)
    assert await client.connect() == 0
    await client.subscribe(TWINS)
    client.publish("$iothub/twin/PATCH/properties/reported/?$rid=7", report)
    topic, body = await client.message()
    assert topic == "$iothub/twin/res/400/?$rid=7"
    refusal = json.loads(body)
    assert refusal["errorCode"] == 400004
    assert refusal["message"] and refusal["trackingId"] and refusal["timestampUtc"]
    client.abort()


async def test_without_an_api_version_there_are_messages_and_no_twins(wire, seen):
    client = RawMqtt(wire, version="")
    assert await client.connect() == 0
    await client.subscribe(TWINS)
    client.publish("$iothub/twin/GET/?$rid=1")
    assert (await client.message())[0] == "$iothub/twin/res/400/?$rid=1"
    client.publish(f"devices/{DEVICE}/messages/events/", b"x")
    await until(lambda: seen)
    client.abort()


async def test_a_message_carries_its_expiry_and_an_expired_one_does_not_come(wire):
    moment = time.time()
    wire.do(wire.hub.send_to_device, DEVICE, b"old", {}, {}, moment - 100)
    wire.do(wire.hub.send_to_device, DEVICE, b"new", {}, {"message_id": "1"}, moment + 100)
    client = RawMqtt(wire)
    assert await client.connect() == 0
    await client.subscribe(BOUND)
    topic, body = await client.message()
    assert body == b"new"
    assert "$.exp=" in topic
    await until(lambda: not wire.do(lambda: len(wire.hub.identity(DEVICE).mailbox)))
    client.abort()


async def test_a_disabled_device_is_put_out_and_kept_out(wire):
    identity = wire.do(wire.hub.add_device, "switched-off")
    client = RawMqtt(wire, "switched-off")
    assert await client.connect() == 0
    identity.enabled = False
    wire.do(wire.hub.bar, "switched-off")
    assert await client.ended()
    assert not identity.connected
    assert await client.connect() == packets.NOT_AUTHORIZED
    assert await RawMqtt(wire, "switched-off", policy="device").connect() == packets.NOT_AUTHORIZED
    with pytest.raises(HubError) as refused:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(wire.hub.invoke("switched-off", None, "m", None), wire.loop))
    assert refused.value.code == 403012


async def test_who_asks_and_does_not_read_is_read_from_no_more(wire):
    """Twenty thousand requests for a large twin do not pile up answers in the lab."""
    wire.do(wire.hub.patch_reported, DEVICE, None, {f"k{n}": "x" * 4000 for n in range(7)})
    client = RawMqtt(wire)
    assert await client.connect() == 0
    await client.subscribe(TWINS)
    client._writer.transport.pause_reading()
    for number in range(20_000):
        client.publish(f"$iothub/twin/GET/?$rid={number}")
    session = next(iter(wire.mqtt._sessions.values()))
    await until(lambda: not session._room.is_set())
    assert session._backlog < 4 * 1024 * 1024
    other = RawMqtt(wire, "databox-edge-1")
    assert await other.connect() == 0
    other.abort()
    client.abort()
    wire.do(wire.hub.patch_reported, DEVICE, None, {f"k{n}": None for n in range(7)})


async def test_what_the_hub_itself_sends_to_who_does_not_read_ends_at_a_bound(wire):
    client = RawMqtt(wire)
    assert await client.connect() == 0
    await client.subscribe("$iothub/twin/PATCH/properties/desired/#")
    client._writer.transport.pause_reading()
    session = next(iter(wire.mqtt._sessions.values()))

    def push() -> None:
        for _ in range(600):
            session.send(packets.Publish("$iothub/twin/PATCH/properties/desired/?$version=1", b"x" * 32_000))

    wire.do(push)
    assert session._ended
    assert session._backlog < 17 * 1024 * 1024
    client.abort()


@pytest.mark.parametrize(("size", "fits"), [(100, True), (300, False)])
def test_properties_count_in_a_messages_size(wire, size, fits):
    body = b"x" * (256 * 1024 - 150)
    if fits:
        wire.do(wire.hub.device_message, DEVICE, None, body, {"p": "v" * size}, {})
        return
    with pytest.raises(HubError) as refused:
        wire.do(wire.hub.device_message, DEVICE, None, body, {"p": "v" * size}, {})
    assert refused.value.code == 413001
