"""The hub's HTTPS beside twins and identities: devices, feedback, throttles, costs, api-versions, slow headers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from typing import Any
from urllib.parse import quote

import pytest
import requests

from services.lab.clock import Clock
from services.lab.cloud.hub import Hub, HubError, sas
from services.lab.cloud.hub.events import EventStore
from services.lab.faults import Faults
from services.lab.wire.https.header_limit import HeaderLimit

DEVICE = "databox-edge-4"
VERSION = "api-version=2021-04-12"


class Caller:
    """Requests to the lab with one token."""

    def __init__(self, lab: dict[str, Any], resource: str, key: str, policy: str = "") -> None:
        self._lab = lab
        self._token = sas.make(lab["host"] + resource, key, time.time() + 600, policy)

    def __call__(self, method: str, path: str, version: str = VERSION, **more: Any) -> requests.Response:
        headers = {"Authorization": self._token, **more.pop("headers", {})}
        url = f"{self._lab['https']}{path}{'&' if '?' in path else '?'}{version}"
        return requests.request(method, url, headers=headers, verify=self._lab["ca_file"], timeout=60, **more)


def parts(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";"))


@pytest.fixture
def device(lab: dict[str, Any]) -> Caller:
    key = parts(lab["devices"][DEVICE]["connection_string"])["SharedAccessKey"]
    return Caller(lab, f"/devices/{DEVICE}", key)


@pytest.fixture
def owner(lab: dict[str, Any]) -> Caller:
    return Caller(lab, "", parts(lab["hub_connection_string"])["SharedAccessKey"], "iothubowner")


def test_a_device_sends_and_receives_over_https(device, hub_manager):
    events, bound = f"/devices/{DEVICE}/messages/events", f"/devices/{DEVICE}/messages/devicebound"
    assert device("POST", events, data=b"hi", headers={"IoTHub-app-who": "me", "iothub-messageid": "1"}).status_code == 204
    batch = [{"body": base64.b64encode(b"one").decode(), "properties": {"iothub-app-a": "b"}}, {"body": ""}]
    kind = {"Content-Type": "application/vnd.microsoft.iothub.json"}
    assert device("POST", events, json=batch, headers=kind).status_code == 204
    assert device("POST", events, json=[{"body": "no base64"}], headers=kind).status_code == 400
    assert device("POST", events, data=b"x" * 262_145).status_code == 413
    assert device("POST", "/devices/databox-edge-1/messages/events", data=b"hi").status_code == 401
    assert device("GET", f"/twins/{DEVICE}").status_code == 401

    assert device("GET", bound).status_code == 204
    hub_manager("RegistryManager").protocol.cloud_to_device_messages.purge_cloud_to_device_message_queue(DEVICE)
    assert device("DELETE", f"{bound}/no-lock").headers["iothub-errorcode"] == "DeviceMessageLockLost"


def test_the_service_asks_for_feedback_and_purges_over_https(hub_manager):
    manager = hub_manager("HttpRuntimeManager")
    assert manager.receive_feedback_notification() is None
    with pytest.raises(Exception, match="Precondition Failed"):
        manager.complete_feedback_notification("no-lock")
    purged = manager.protocol.cloud_to_device_messages.purge_cloud_to_device_message_queue(DEVICE)
    assert (purged.total_messages_purged, purged.device_id) == (0, DEVICE)


@pytest.mark.parametrize("version", ["", "api-version=2018-06", "api-version=latest"])
def test_an_api_version_that_is_none_is_refused(owner, version):
    """Words: a live service in Azure/Industrial-IoT, pull request 708."""
    reply = owner("GET", f"/devices/{DEVICE}", version)
    assert reply.status_code == 400
    assert reply.json()["Message"] == "ErrorCode:InvalidProtocolVersion;BadRequest"


def test_a_device_that_was_disabled_may_nothing(owner, lab):
    name = f"disabled-{time.time_ns()}"
    identity = owner("PUT", f"/devices/{name}", json={"deviceId": name}).json()
    itself = Caller(lab, f"/devices/{name}", identity["authentication"]["symmetricKey"]["primaryKey"])
    events = f"/devices/{name}/messages/events"
    assert itself("POST", events, data=b"x").status_code == 204
    disabled = {"deviceId": name, "status": "disabled"}
    assert owner("PUT", f"/devices/{name}", json=disabled, headers={"If-Match": "*"}).status_code == 200
    assert itself("POST", events, data=b"x").status_code == 401
    method = owner("POST", f"/twins/{name}/methods", json={"methodName": "m"})
    assert (method.status_code, method.headers["iothub-errorcode"]) == (403, "DeviceDisabled")
    assert owner("DELETE", f"/devices/{name}", headers={"If-Match": "*"}).status_code == 204


def test_a_device_has_fifty_modules_at_most(owner):
    name = f"many-{time.time_ns()}"
    owner("PUT", f"/devices/{name}", json={"deviceId": name})
    statuses = [owner("PUT", f"/devices/{name}/modules/m{n}", json={"moduleId": f"m{n}"}).status_code for n in range(51)]
    assert statuses == [200] * 50 + [413]
    assert owner("DELETE", f"/devices/{name}", headers={"If-Match": "*"}).status_code == 204


@pytest.fixture
def hub() -> Hub:
    return Hub("h", "host", "eh", Clock(), Faults(), units=1)


def test_the_identity_registry_takes_a_hundred_calls_a_minute_and_unit(hub):
    for _ in range(100):
        hub.throttles["identity"].call()
    with pytest.raises(HubError) as refused:
        hub.throttles["identity"].call()
    assert (refused.value.code, refused.value.name) == (429001, "ThrottlingException")


def test_a_method_costs_its_request_and_its_reply(lab, control, owner):
    def spent() -> int:
        return int(control(lab, "world")["quota"]["spent"])

    before = spent()
    assert owner("POST", "/twins/databox-edge-1/modules/%24edgeAgent/methods", json={"methodName": "ping"}).status_code == 200
    assert spent() - before >= 2
    before = spent()
    path = f"/twins/{DEVICE}/modules/{quote('$edgeAgent')}/methods"
    assert owner("POST", path, json={"methodName": "ping", "payload": "x" * 5000}).status_code == 404
    assert spent() - before >= 3  # two for the request, one for the reply that says so


async def test_headers_that_take_too_long_end_the_connection():
    class Handler(asyncio.Protocol):
        """Answers each empty line, as a request that was read whole."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            if data.endswith(b"\n"):
                limit.begin(self.transport)

    limit = HeaderLimit(Handler, 0.2)
    server = await asyncio.get_running_loop().create_server(limit, "127.0.0.1", 0)
    try:
        address = server.sockets[0].getsockname()
        silent, half, whole = [await asyncio.open_connection(*address) for _ in range(3)]
        half[1].write(b"GET / HTTP/1.1\r")
        whole[1].write(b"GET / HTTP/1.1\n")
        for reader, _ in (silent, half):
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 10) == b""
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(whole[0].read(), 0.4)
        for _, writer in (silent, half, whole):
            writer.close()
    finally:
        server.close()


def test_events_are_bounded_in_bytes_and_in_time():
    clock = Clock()
    store = EventStore(clock, partition_count=1)
    store.partitions[0].most_bytes = 10_000
    for _ in range(100):
        store.append("d", None, b"x" * 1000)
    part = store.partitions[0]
    assert 9 <= len(part.events) <= 11
    assert part.bytes == sum(event.size for event in part.events)
    assert (part.first + len(part.events), part.next) == (100, 100)
    clock.skew = 25 * 3600
    assert store.read(0, -1, 10) == []
    assert store.latest(0) == 99


def test_an_event_costs_little_more_than_its_body():
    """Senders' annotations are kept once, and no encoded copy beside the event."""
    store = EventStore(Clock(), partition_count=1)
    for number in range(2):
        store.append("d", None, b"%d" % number, {}, {})
    one, two = store.read(0, -1, 2)
    assert one.sender is two.sender
    assert not hasattr(one, "encoded")
