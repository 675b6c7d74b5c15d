"""What the hub's own AMQP gives beside events: devices, cloud-to-device messages and their feedback, Entra tokens, filters."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import pytest

from services.lab.cloud.hub import HubError, sas
from services.lab.wire.amqp import frames
from services.lab.wire.amqp.nodes import Nodes
from services.lab.wire.amqp.types import Described, Symbol, Timestamp, ULong
from tests.lab.wire.raw_amqp import RawAmqp, Refused, message

DEVICE = "databox-edge-4"  # no simulated agent runs for it here
BOUND = f"/devices/{DEVICE}/messages/devicebound"


@pytest.fixture
async def amqp(wire: Any) -> AsyncIterator[Callable[[], RawAmqp]]:
    clients: list[RawAmqp] = []

    def make() -> RawAmqp:
        clients.append(RawAmqp(wire.claim.address, wire.ca))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()
    wire.do(lambda: wire.hub.identity(DEVICE).mailbox.purge())


def token(wire: Any, resource: str, key: str, policy: str = "") -> str:
    return sas.make(f"{wire.hub.host}{resource}", key, time.time() + 600, policy)


def device_login(wire: Any, device: str = DEVICE) -> tuple[str, str]:
    key = wire.hub.identity(device).primary
    return f"{device}@sas.{wire.hub.host}", token(wire, f"/devices/{device}", key)


def service_login(wire: Any, policy: str = "service") -> tuple[str, str]:
    return f"{policy}@sas.root.{wire.hub.host}", token(wire, "", wire.hub.policies[policy].primary, policy)


async def test_a_device_sends_to_the_cloud(wire, amqp):
    seen: list[Any] = []
    wire.do(wire.hub.events.listeners.append, lambda partition, event: seen.append(event))
    try:
        client = amqp()
        assert await client.open(*device_login(wire))
        link = await client.attach(f"/devices/{DEVICE}/messages/events", receive=False)
        sent = message(b"hello", {"who": "me"}, message_id="m1", content_type=Symbol("text/plain"))
        assert (await client.send(link["handle"], sent))[0] == frames.ACCEPTED
        too_much = await client.send(link["handle"], message(b"x", {"much": "y" * 300_000}))
        assert (too_much[0], str(too_much[1]["condition"])) == (frames.REJECTED, "amqp:link:message-size-exceeded")
        assert json.loads(too_much[1]["description"])["errorCode"] == 413001
    finally:
        wire.do(wire.hub.events.listeners.clear)
    (event,) = seen
    assert (event.body, dict(event.application_properties)) == (b"hello", {"who": "me"})
    assert dict(event.properties) == {"message_id": "m1", "content_type": "text/plain"}
    assert event.annotations["iothub-connection-device-id"] == DEVICE
    assert json.loads(event.annotations["iothub-connection-auth-method"])["scope"] == "device"


async def test_a_policys_token_is_seen_in_the_events_scope(wire, amqp):
    seen: list[Any] = []
    wire.do(wire.hub.events.listeners.append, lambda partition, event: seen.append(event))
    try:
        client = amqp()
        assert await client.open(*service_login(wire, "device"))
        link = await client.attach(f"/devices/{DEVICE}/messages/events", receive=False)
        await client.send(link["handle"], message(b"x"))
    finally:
        wire.do(wire.hub.events.listeners.clear)
    assert json.loads(seen[0].annotations["iothub-connection-auth-method"])["scope"] == "hub"


async def test_a_device_speaks_for_itself_alone(wire, amqp):
    client = amqp()
    assert await client.open(*device_login(wire))
    for address, condition in (
        ("/devices/databox-edge-1/messages/events", "amqp:unauthorized-access"),
        ("/messages/devicebound", "amqp:unauthorized-access"),
        (f"/devices/{DEVICE}/nothing", "amqp:not-found"),
    ):
        with pytest.raises(Refused) as refused:
            await client.attach(address, receive=False)
        assert refused.value.condition == condition, address
    assert json.loads(refused.value.description)["errorCode"] == 404006
    user, password = device_login(wire)
    for bad in (("databox-edge-1" + user.removeprefix(DEVICE), password), (user, password.replace("sig=", "sig=x"))):
        assert not await amqp().open(*bad)


async def channel(client: RawAmqp, node: str) -> dict[str, Any]:
    """Both links of a channel; the sending one."""
    properties = {Symbol("com.microsoft:channel-correlation-id"): f"{node}:1"}
    address = f"/devices/{DEVICE}/{node}"
    sender = await client.attach(address, receive=False, properties=properties)
    await client.attach(address, receive=True, properties=properties)
    return sender


async def test_a_twin_over_amqp(wire, amqp):
    client = amqp()
    assert await client.open(*device_login(wire))
    sender = await channel(client, "twin")

    async def ask(operation: str, resource: str, body: bytes = b" ") -> tuple[int, Any, Any]:
        annotations = {"operation": operation, "resource": resource}
        await client.send(sender["handle"], message(body, annotations=annotations, correlation_id=operation))
        reply, _ = await client.receive(None)
        assert reply.properties["correlation_id"] == operation
        return reply.annotations["status"], reply.annotations.get("version"), json.loads(reply.body or b"null")

    status, _, twin = await ask("GET", "")
    assert (status, set(twin)) == (200, {"desired", "reported"})
    status, version, _ = await ask("PATCH", "/properties/reported", b'{"by": "amqp"}')
    assert (status, version) == (204, twin["reported"]["$version"] + 1)
    status, _, refusal = await ask("PATCH", "/properties/reported", b'{"a.b": 1}')
    assert (status, refusal["errorCode"]) == (400, 400004)
    assert (await ask("PUT", "/notifications/twin/properties/desired"))[0] == 200
    wire.do(wire.hub.patch_desired, DEVICE, None, {"properties": {"desired": {"n": 1}}}, "*", replace=False)
    notice, _ = await client.receive(None)
    assert (json.loads(notice.body)["n"], notice.properties) == (1, {})
    assert (await ask("DELETE", "/notifications/twin/properties/desired"))[0] == 200
    assert (await ask("PUT", "/nothing"))[0] == 400
    assert wire.do(lambda: wire.hub.identity(DEVICE).connected)


async def test_a_method_over_amqp(wire, amqp):
    client = amqp()
    assert await client.open(*device_login(wire))
    sender = await channel(client, "methods/devicebound")
    waiting = asyncio.run_coroutine_threadsafe(wire.hub.invoke(DEVICE, None, "go", {"a": 1}), wire.loop)
    request, _ = await client.receive(None)
    assert (request.application_properties["IoThub-methodname"], json.loads(request.body)) == ("go", {"a": 1})
    number = str(request.properties["correlation_id"])
    await client.send(sender["handle"], message(b'{"ok": 1}', {"IoThub-status": 207}, correlation_id=number))
    assert await asyncio.wrap_future(waiting) == (207, {"ok": 1})
    lost = asyncio.run_coroutine_threadsafe(wire.hub.invoke(DEVICE, None, "go", None), wire.loop)
    await client.receive(None)
    await client.close()
    with pytest.raises(HubError) as refused:
        await asyncio.wrap_future(lost)
    assert refused.value.code == 404104


async def test_messages_to_a_device_and_their_feedback(wire, amqp):
    """Accepted, rejected and expired ones are told of; abandoned ones come again, and keep their lock's token as tag."""
    service, device = amqp(), amqp()
    assert await service.open(*service_login(wire))
    sender = await service.attach("/messages/devicebound", receive=False)
    moment = int(time.time() * 1000)
    for name, expiry in (("first", moment + 60_000), ("second", moment + 60_000), ("third", moment - 1000)):
        sent = message(
            name.encode(), {"iothub-ack": "full", "k": "v"}, message_id=name, to=BOUND, absolute_expiry_time=Timestamp(expiry)
        )
        assert (await service.send(sender["handle"], sent))[0] == frames.ACCEPTED
    assert await device.open(*device_login(wire))
    await device.attach(BOUND, receive=True, credit=3)
    first, transfer = await device.receive(frames.RELEASED)
    assert (first.body, first.application_properties["k"], first.annotations["iothub-deliverycount"]) == (b"first", "v", 0)
    assert len(transfer["delivery_tag"]) == 16
    assert first.properties["absolute_expiry_time"] == moment + 60_000
    assert (await device.receive(frames.REJECTED))[0].body == b"second"
    again, _ = await device.receive()
    assert (again.body, again.annotations["iothub-deliverycount"]) == (b"first", 1)
    await service.attach("/messages/serviceBound/feedback", receive=True)
    records: dict[str, str] = {}
    while len(records) < 3:
        batch, _ = await service.receive()
        assert batch.properties["content_type"] == "application/vnd.microsoft.iothub.feedback.json"
        assert batch.properties["user_id"] == wire.hub.name.encode()
        records |= {record["originalMessageId"]: record["statusCode"] for record in json.loads(batch.body)}
        wire.hub.feedback._last = float("-inf")  # the next batch need not wait for its 15 seconds
    assert records == {"first": "Success", "second": "Rejected", "third": "Expired"}


async def test_a_message_that_its_receiver_left_comes_again(wire, amqp):
    wire.do(wire.hub.send_to_device, DEVICE, b"keep", {}, {})
    for outcome in (None, frames.ACCEPTED):
        device = amqp()
        assert await device.open(*device_login(wire))
        await device.attach(BOUND, receive=True)
        got, _ = await device.receive(outcome)
        assert (got.body, got.annotations["iothub-deliverycount"]) == (b"keep", 0)
        await device.close()


async def test_file_notifications_are_silent(wire, amqp):
    service = amqp()
    assert await service.open(*service_login(wire))
    await service.attach("/messages/serviceBound/filenotifications", receive=True)
    assert await service.quiet(0.3)
    with pytest.raises(Refused):
        await service.attach("/messages/serviceBound/nothing", receive=True)


@pytest.mark.parametrize("change", ["disabled", "deleted"])
async def test_a_device_that_is_disabled_or_deleted_is_put_out(wire, amqp, change):
    name = f"short-lived-{change}"
    wire.do(wire.hub.add_device, name)
    login = device_login(wire, name)
    client = amqp()
    assert await client.open(*login)
    await client.attach(f"/devices/{name}/messages/events", receive=False)
    if change == "disabled":
        wire.do(setattr, wire.hub.identity(name), "enabled", False)
        wire.do(wire.hub.bar, name)
    else:
        wire.do(wire.hub.remove_device, name)
    error = frames.fields_of((await client.frame(frames.DETACH)).fields["error"])[1]
    assert str(error["condition"]) == "amqp:unauthorized-access"
    assert not await amqp().open(*login)
    with pytest.raises(HubError):
        wire.do(wire.hub.device_message, name, None, b"x", {}, {})


def test_audiences_may_be_encoded(wire):
    """azure-iot-device-amqp sends its token's ``sr`` as it stands there."""
    nodes = Nodes(wire.hub, wire.amqp.readers, lambda left: None)
    password = device_login(wire)[1]
    try:
        assert wire.do(nodes.put_token, quote(f"{wire.hub.host}/devices/{DEVICE}", safe=""), password) is False
    finally:
        wire.do(nodes.left)


def test_an_azure_ad_token_opens_the_service_and_neither_events_nor_devices(wire):
    nodes = Nodes(wire.hub, wire.amqp.readers, lambda left: None)
    valid, wire.hub.bearer = wire.hub.bearer, lambda token: token == "good"
    try:
        assert wire.do(nodes.put_token, "https://iothubs.azure.net/.default", "Bearer good") is False
        with pytest.raises(HubError):
            wire.do(nodes.put_token, "https://iothubs.azure.net/.default", "Bearer bad")
        attach = {"role": False, "handle": 0, "name": "x", "source": None, "target": None, "snd_settle_mode": None}
        assert wire.do(nodes.open, None, attach, "", "/messages/devicebound")
        with pytest.raises(HubError):
            nodes.check_events(f"{wire.hub.event_hub}/consumergroups/$default/partitions/0")
    finally:
        wire.hub.bearer = valid
        wire.do(nodes.left)


SELECTOR = "amqp.annotation.x-opt-sequence-number > '{}'"


@pytest.mark.parametrize("key", ["apache.org:selector-filter:string", "selector", "jms-selector"])
@pytest.mark.parametrize("descriptor", [Symbol("apache.org:selector-filter:string"), ULong(0x0000468C00000004)])
async def test_a_selector_is_known_by_its_type(wire, amqp, key, descriptor):
    """amqp-core-messaging 3.5.8. qpid-proton and rhea use keys and descriptors of their own."""
    (partition, first), *_ = wire.append(DEVICE, [b"a", b"b"])
    client = amqp()
    address = f"{wire.hub.event_hub}/consumergroups/$default/partitions/{partition}"
    filters = {
        Symbol(key): Described(descriptor, SELECTOR.format(first)),
        Symbol("other"): Described(Symbol("apache.org:no-local-filter:list"), []),
    }
    assert await client.open("service", wire.hub.policies["service"].primary)
    answer = await client.attach(address, receive=True, filters=filters)
    in_force = frames.fields_of(answer["source"])[1]["filter"]
    assert [str(name) for name in in_force] == [key]  # the other one is not applied, and so is not named
    got, _ = await client.receive(None)
    assert got.annotations["x-opt-sequence-number"] == first + 1


@pytest.mark.parametrize(
    ("selector", "condition", "text"),
    [
        ("color = 'red'", "amqp:invalid-field", "not understood"),
        (SELECTOR.format(10**6), "com.microsoft:argument-error", "The supplied sequence number '1000000' is invalid. The last"),
    ],
)
async def test_a_position_that_is_none_is_refused(wire, amqp, selector, condition, text):
    (partition, _), *_ = wire.append(DEVICE, [b"a"])
    client = amqp()
    assert await client.open("service", wire.hub.policies["service"].primary)
    filters = {Symbol("x"): Described(Symbol("apache.org:selector-filter:string"), selector)}
    address = f"{wire.hub.event_hub}/consumergroups/$default/partitions/{partition}"
    with pytest.raises(Refused) as refused:
        await client.attach(address, receive=True, filters=filters)
    assert refused.value.condition == condition
    assert text in refused.value.description
