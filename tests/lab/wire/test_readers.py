"""azure-eventhub and uamqp, unmodified, against the lab's AMQP port."""

from __future__ import annotations

import asyncio
import datetime
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.eventhub import EventHubConsumerClient, TransportType
from azure.eventhub.aio import EventHubConsumerClient as AioClient
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError

from services.lab.faults import KINDS

DEVICE = "databox-edge-1"


class Reading:
    """A reader in the background; what it got and what went wrong."""

    def __init__(self, client: Any, **how: Any) -> None:
        self.client = client
        self.events: list[Any] = []
        self.errors: list[Exception] = []
        how.setdefault("starting_position", "-1")
        self._thread = threading.Thread(target=self._run, kwargs=how, daemon=True)
        self._thread.start()

    def _run(self, **how: Any) -> None:
        self.client.receive(
            lambda _, event: self.events.append(event), on_error=lambda _, error: self.errors.append(error), **how
        )

    def until(self, condition: Any, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < end, (len(self.events), self.errors)
            time.sleep(0.01)

    def close(self) -> None:
        self.client.close()
        self._thread.join(15)
        assert not self._thread.is_alive()


def client_of(wire: Any, text: str = "", group: str = "$Default", **how: Any) -> Any:
    how.setdefault("retry_total", 0)
    return EventHubConsumerClient.from_connection_string(text or wire.events, group, connection_verify=wire.ca, **how)


@pytest.mark.parametrize("uamqp", [False, True], ids=["pyamqp", "uamqp"])
def test_events_arrive_whole(wire, uamqp):
    partition, first = wire.append(
        DEVICE, [b"one"], module="client", properties={"kind": "a"}, system={"content-type": "text/plain"}
    )[0]
    reading = Reading(
        client_of(wire, uamqp_transport=uamqp), partition_id=str(partition), track_last_enqueued_event_properties=True
    )
    try:
        reading.until(lambda r: any(e.sequence_number == first for e in r.events))
        event = next(e for e in reading.events if e.sequence_number == first)
        assert event.body_as_str() == "one"
        assert event.properties == {b"kind": b"a"}
        assert event.system_properties[b"iothub-connection-device-id"] == DEVICE.encode()
        assert event.system_properties[b"iothub-connection-module-id"] == b"client"
        assert event.system_properties[b"content-type"] == b"text/plain"
        assert event.offset == str(wire.hub.events.partitions[partition].events[-1].offset)
        assert event.enqueued_time.timestamp() * 1000 == pytest.approx(
            wire.hub.events.partitions[partition].events[-1].enqueued_ms
        )
        # What comes later arrives live, and in order.
        wire.append(DEVICE, [b"%d" % n for n in range(700)])
        reading.until(lambda r: len(r.events) >= 701)
        numbers = [e.sequence_number for e in reading.events]
        assert numbers == sorted(set(numbers))
    finally:
        reading.close()
    assert not reading.errors


@pytest.mark.parametrize("uamqp", [False, True], ids=["pyamqp", "uamqp"])
def test_all_partitions_are_read(wire, uamqp):
    placed = [wire.append("anyone", [b"p%d" % partition], partition=partition)[0] for partition in range(4)]
    reading = Reading(client_of(wire, uamqp_transport=uamqp), starting_position={str(p): n - 1 for p, n in placed})
    try:
        reading.until(lambda r: len(r.events) == 4)
        assert {event.body_as_str() for event in reading.events} == {"p0", "p1", "p2", "p3"}
    finally:
        reading.close()


async def test_aio_reads_in_batches_and_knows_the_lag(wire):
    wire.append(DEVICE, [b"x" * 300] * 2500)
    client = AioClient.from_connection_string(wire.events, "$Default", connection_verify=wire.ca)
    partition = str(wire.hub.events.partition_of(DEVICE))
    newest = wire.hub.events.partitions[int(partition)].next - 1
    done, seen = asyncio.Event(), []

    async def batch(context: Any, events: list[Any]) -> None:
        seen.extend(event.sequence_number for event in events)
        if events and events[-1].sequence_number == newest:
            assert context.last_enqueued_event_properties["sequence_number"] == newest
            done.set()

    async with client:
        properties = await client.get_partition_properties(partition)
        assert properties["last_enqueued_sequence_number"] == newest
        task = asyncio.create_task(
            client.receive_batch(
                batch,
                partition_id=partition,
                starting_position=-1,
                max_batch_size=1000,
                prefetch=1000,
                track_last_enqueued_event_properties=True,
            )
        )
        await asyncio.wait_for(done.wait(), 60)
        task.cancel()
    assert seen == list(range(newest + 1))


@pytest.mark.parametrize("how", ["offset", "sequence", "inclusive", "time", "latest"])
def test_every_way_to_say_where_to_start(wire, how):
    placed = wire.append("databox-edge-2", [b"a", b"b"])
    time.sleep(0.02)
    placed += wire.append("databox-edge-2", [b"c", b"d"])
    partition, third = placed[2]
    events = wire.do(wire.hub.events.read, partition, third - 1, 1)
    second = wire.do(wire.hub.events.read, partition, third - 2, 1)[0]
    when = datetime.datetime.fromtimestamp(events[0].enqueued_ms / 1000 - 0.005, datetime.timezone.utc)
    start: Any = {"offset": str(second.offset), "sequence": third - 1, "inclusive": third, "time": when, "latest": "@latest"}[how]
    reading = Reading(
        client_of(wire), partition_id=str(partition), starting_position=start, starting_position_inclusive=how == "inclusive"
    )
    try:
        if how == "latest":
            reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())))
            wire.append("databox-edge-2", [b"e"])
        reading.until(lambda r: len(r.events) >= 1)
        assert reading.events[0].sequence_number == (third + 2 if how == "latest" else third)
    finally:
        reading.close()


def error_of(wire: Any, client: Any, **how: Any) -> Exception:
    reading = Reading(client, partition_id="0", **how)
    try:
        reading.until(lambda r: r.errors)
        return reading.errors[0]
    finally:
        reading.close()


@pytest.mark.parametrize("uamqp", [False, True], ids=["pyamqp", "uamqp"])
def test_a_wrong_key_is_an_authentication_error(wire, uamqp):
    head, _, tail = wire.events.partition("SharedAccessKey=")
    wrong = f"{head}SharedAccessKey=wrong;{tail.partition(';')[2]}"
    assert isinstance(error_of(wire, client_of(wire, wrong, uamqp_transport=uamqp)), AuthenticationError)


def test_an_unknown_hub_is_a_connect_error(wire):
    unknown = wire.events.replace(f"EntityPath={wire.hub.event_hub}", "EntityPath=nobody")
    assert isinstance(error_of(wire, client_of(wire, unknown)), ConnectError)


@pytest.mark.parametrize("uamqp", [False, True], ids=["pyamqp", "uamqp"])
def test_an_unknown_consumer_group_is_not_found(wire, uamqp):
    error = error_of(wire, client_of(wire, group="nobody", uamqp_transport=uamqp))
    # uamqp leaves the condition out of its text.
    assert (uamqp or "amqp:not-found" in str(error)) and "could not be found" in str(error)


@pytest.mark.parametrize("uamqp", [False, True], ids=["pyamqp", "uamqp"])
def test_a_sixth_reader_is_one_too_many(wire, uamqp):
    error = error_of(wire, client_of(wire, group="full", uamqp_transport=uamqp))
    assert (uamqp or "amqp:resource-limit-exceeded" in str(error)) and "which is 5" in str(error)


def test_five_real_readers_fill_a_group(wire):
    readings = [Reading(client_of(wire, group="dbe-console"), partition_id="0") for _ in range(5)]
    try:
        readings[0].until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 5)
        assert "which is 5" in str(error_of(wire, client_of(wire, group="dbe-console")))
    finally:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Reading.close, readings))
    readings[0].until(lambda r: not wire.do(lambda: len(wire.amqp.readers.all())))


def test_a_higher_epoch_steals_the_link(wire):
    first = Reading(client_of(wire), partition_id="0", owner_level=1)
    first.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
    second = Reading(client_of(wire), partition_id="0", owner_level=2)
    try:
        first.until(lambda r: r.errors)
        assert isinstance(first.errors[0], ConnectionLostError) and "link:stolen" in str(first.errors[0])
        assert not second.errors
    finally:
        first.close()
        second.close()


def test_a_token_may_be_for_one_partition_in_any_case(wire):
    """As @azure/event-hubs signs it."""
    from services.lab.cloud.hub import HubError, sas
    from services.lab.wire.amqp.links import Refusal
    from services.lab.wire.amqp.nodes import Nodes

    fields = dict(part.partition("=")[::2] for part in wire.events.split(";"))
    reader = f"{fields['EntityPath']}/ConsumerGroups/$Default/Partitions"
    audience = f"sb://{wire.claim.address}/{reader}/0"
    signed = sas.make(audience.lower(), fields["SharedAccessKey"], time.time() + 600, fields["SharedAccessKeyName"])
    nodes = Nodes(wire.hub, wire.amqp.readers, lambda left: None)
    try:
        assert wire.do(nodes.put_token, audience, signed)
        nodes.check_events(f"{reader}/0")
        with pytest.raises(HubError):
            nodes.check_events(f"{reader}/1")
        with pytest.raises(Refusal):
            wire.do(
                nodes.put_token,
                f"sb://{wire.claim.address}/nothing",
                sas.make(wire.claim.address, fields["SharedAccessKey"], time.time() + 600, fields["SharedAccessKeyName"]),
            )
    finally:
        wire.do(nodes.left)


def test_an_expired_token_ends_the_link(wire):
    from services.lab.cloud.hub import sas

    text = wire.events
    fields = dict(part.partition("=")[::2] for part in text.split(";"))
    host = wire.claim.address
    token = sas.make(
        f"sb://{host}/{fields['EntityPath']}", fields["SharedAccessKey"], time.time() + 8, fields["SharedAccessKeyName"]
    )
    with_token = f"Endpoint=sb://{host}/;EntityPath={fields['EntityPath']};SharedAccessSignature={token}"
    reading = Reading(client_of(wire, with_token), partition_id="0")
    try:
        reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
        reading.until(lambda r: r.errors)
        assert isinstance(reading.errors[0], EventHubError)
        reading.until(lambda r: not wire.do(lambda: len(wire.amqp.readers.all())))
    finally:
        reading.close()


def test_after_a_cut_nothing_is_lost_or_doubled(wire):
    # With retries, as everybody runs it.
    reading = Reading(client_of(wire, retry_total=3, retry_backoff_factor=0.1), partition_id="1", starting_position="@latest")
    try:
        reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
        for number in range(3):
            wire.append("x", [b"%d.%d" % (number, n) for n in range(50)], partition=1)
            reading.until(lambda r, number=number: len(r.events) == 50 * (number + 1))
            wire.do(wire.amqp.cut)
        wire.append("x", [b"last"], partition=1)
        reading.until(lambda r: len(r.events) == 151)
        numbers = [event.sequence_number for event in reading.events]
        assert numbers == list(range(numbers[0], numbers[0] + 151))
    finally:
        reading.close()


def test_a_message_larger_than_a_frame_arrives(wire):
    body = bytes(range(256)) * 1000
    placed = wire.append("x", [body], partition=3)
    reading = Reading(client_of(wire, uamqp_transport=True), partition_id="3", starting_position=placed[0][1] - 1)
    try:
        reading.until(lambda r: r.events)
        assert b"".join(reading.events[0].body) == body
    finally:
        reading.close()


_REDIRECT = """
import sys, uamqp, uamqp.errors
host, hub, policy, sas, ca = sys.stdin.read().split("\\n")
plain = uamqp.authentication.SASLPlain(host, f"{policy}@sas.root.{hub}", sas, verify=ca)
client = uamqp.ReceiveClient(f"amqps://{host}/messages/events/$management", auth=plain)
try:
    client.receive_message_batch(max_batch_size=1)
except uamqp.errors.LinkRedirect as redirect:
    print(redirect.hostname.decode(), redirect.port, redirect.address.decode())
"""


def test_the_hub_redirects_to_its_endpoint(wire):
    from services.lab.cloud.hub import sas

    policy, host = "service", wire.claim.address
    token = sas.make(host, wire.hub.policies[policy].primary, time.time() + 60, policy)
    given = "\n".join((host, wire.hub.name, policy, token, wire.ca))
    done = subprocess.run([sys.executable, "-c", _REDIRECT], input=given, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [host, "5671", f"amqps://{host}:5671/{wire.hub.event_hub}/$management"], done.stderr[-2000:]


_SEND = """
import sys
from azure.iot.hub import IoTHubRegistryManager
text, device = sys.stdin.read().split("\\n")
manager = IoTHubRegistryManager.from_connection_string(text)
try:
    manager.send_c2d_message(device, "hello", properties={"contentType": "text/plain", "who": "me"})
    print("sent")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("device", [DEVICE, "nobody"])
def test_azure_iot_hub_sends_to_a_device(wire, device):
    got: list[Any] = []
    stop = wire.do(lambda: wire.hub.identity(DEVICE).mailbox.listen(got.append))
    done = subprocess.run(
        [sys.executable, "-c", _SEND], input=f"{wire.hub.connection_string()}\n{device}",
        capture_output=True, text=True, timeout=60, env={"SSL_CERT_FILE": wire.ca, "PATH": ""},
    )  # fmt: skip
    wire.do(stop)
    if device == DEVICE:
        assert done.stdout.strip() == "sent", done.stderr[-2000:]
        message = got[0]
        wire.do(lambda: wire.hub.identity(DEVICE).mailbox.done(message))
        assert (message.body, dict(message.application), message.system["content_type"]) == (
            b"hello",
            {"who": "me"},
            "text/plain",
        )
    else:
        assert "sent" not in done.stdout and not got, done.stderr[-2000:]


def test_a_frozen_port_says_nothing_and_goes_on(wire):
    reading = Reading(client_of(wire), partition_id="2", starting_position="@latest")
    try:
        reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
        wire.do(wire.world.faults.switch, "freeze")
        wire.append("x", [b"1"], partition=2)
        time.sleep(0.3)
        assert not reading.events and not reading.errors
        wire.do(wire.world.faults.switch, "freeze", on=False)
        reading.until(lambda r: r.events)
    finally:
        reading.close()


def test_a_refused_port_is_a_connect_error(wire):
    wire.run(wire.do(wire.amqp.refuse, True))
    try:
        assert isinstance(error_of(wire, client_of(wire)), ConnectError)
    finally:
        wire.run(wire.do(wire.amqp.refuse, False))
    reading = Reading(client_of(wire), partition_id="0")
    reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
    reading.close()


@pytest.mark.parametrize("kind", ["sync", "aio", "uamqp"])
def test_amqp_over_websockets(wire, kind, websocket_port):
    wire.append("x", [b"ws"], partition=0)
    how = {
        "transport_type": TransportType.AmqpOverWebsocket,
        "custom_endpoint_address": f"sb://{wire.claim.address}:{websocket_port}",
    }
    if kind == "aio":

        async def read() -> bytes:
            client = AioClient.from_connection_string(wire.events, "$Default", connection_verify=wire.ca, **how)
            got: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

            async def on(_: Any, event: Any) -> None:
                if not got.done():
                    got.set_result(b"".join(event.body))

            async with client:
                task = asyncio.create_task(client.receive(on, partition_id="0", starting_position="-1"))
                try:
                    return await asyncio.wait_for(got, 60)
                finally:
                    task.cancel()

        assert asyncio.run(read())
        return
    reading = Reading(client_of(wire, uamqp_transport=kind == "uamqp", **how), partition_id="0")
    try:
        reading.until(lambda r: r.events)
    finally:
        reading.close()


def test_the_faults_of_readers(wire):
    reading = Reading(client_of(wire), partition_id="3", starting_position="@latest")
    try:
        reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
        wire.do(wire.world.faults.switch, "too-many-readers")
        assert "which is 5" in str(error_of(wire, client_of(wire)))
        wire.do(wire.world.faults.switch, "link-stolen")
        reading.until(lambda r: r.errors)
        assert "link:stolen" in str(reading.errors[0])
    finally:
        reading.close()


def test_a_port_that_is_slow_delivers_late(wire):
    reading = Reading(client_of(wire), partition_id="2", starting_position="@latest")
    try:
        reading.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
        wire.do(wire.world.faults.switch, "slow", seconds=0.5)
        begun = time.monotonic()
        wire.append("x", [b"1"], partition=2)
        reading.until(lambda r: r.events)
        assert time.monotonic() - begun >= 0.5
        wire.do(wire.world.faults.switch, "slow", on=False)
    finally:
        reading.close()


@pytest.mark.parametrize("fault", ["refuse", "freeze", "slow", "cut"])
def test_websockets_are_the_way_round_faults_of_the_port(wire, fault, websocket_port):
    wire.append("x", [b"ws"], partition=0)
    parameters = {"slow": {"seconds": 60.0}, "cut": {"every": 0.2}}.get(fault, {})
    wire.do(wire.world.faults.switch, fault, **parameters)
    assert KINDS[fault].cure == "transport"
    client = client_of(
        wire,
        transport_type=TransportType.AmqpOverWebsocket,
        custom_endpoint_address=f"sb://{wire.claim.address}:{websocket_port}",
    )
    reading = Reading(client, partition_id="0")
    try:
        reading.until(lambda r: r.events)
        assert not reading.errors
    finally:
        reading.close()
        wire.do(wire.world.faults.switch, fault, on=False)


@pytest.mark.parametrize("fault", ["too-many-readers", "link-stolen"])
def test_another_consumer_group_has_room(wire, fault):
    wire.append("x", [b"1"], partition=0)
    first = Reading(client_of(wire), partition_id="0", starting_position="@latest")
    try:
        first.until(lambda r: wire.do(lambda: len(wire.amqp.readers.all())) == 1)
        wire.do(wire.world.faults.switch, fault)
        if fault == "too-many-readers":
            assert "which is 5" in str(error_of(wire, client_of(wire)))
        else:
            first.until(lambda r: r.errors)
        other = Reading(client_of(wire, group="console"), partition_id="0")
        try:
            other.until(lambda r: r.events)
            assert not other.errors
        finally:
            other.close()
    finally:
        first.close()
